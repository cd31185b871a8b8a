package diagnose

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"llmops/rules/defaults"
	"llmops/rules/fault"
)

func shipped(t testing.TB) fault.Catalogue {
	t.Helper()
	c, err := fault.Load(defaults.Faults, "faults")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestScore(t *testing.T) {
	c := shipped(t)
	dirs, _ := filepath.Glob("/work/shared/data/incidents/case-" + os.Getenv("CASES"))
	top1, top3, one, single, ent, clean := 0, 0, 0, 0, 0, 0
	miss := map[string][]string{}
	for _, dir := range dirs {
		s, l := loadCase(t, dir)
		w, err := measure(t.Context(), s, Options{Faults: c})
		if err != nil {
			t.Fatal(err)
		}
		ev := w.events(c)
		var lines []string
		id := filepath.Base(dir)[5:]
		for i, e := range ev {
			line := fmt.Sprintf("   inc%d %d..%d", i, e.from, e.to)
			for k, x := range e.faults {
				if k < 5 {
					line += fmt.Sprintf("  %s@%s %.2f[%d-%d]", x.fault.ID, x.entity, x.confidence, x.from, x.to)
					if x.explained != nil {
						line += "<" + x.explained.fault.ID
					}
				}
			}
			for _, x := range e.impact {
				line += fmt.Sprintf("  !%s@%s %.2f", x.symptoms[0].symptom.Expr, x.entity, x.confidence)
			}
			lines = append(lines, line)
		}
		show := func(why string) {
			on := -1
			if len(l.Faults) > 0 {
				on = w.grid.index(l.Faults[0].Onset.UnixMilli())
			}
			fmt.Println(id, l.Engine, why, "onset", on, "of", w.grid.n, "base", normalSteps(w.grid), l.Benign)
			for _, x := range lines {
				fmt.Println(x)
			}
		}
		if l.Clean {
			if len(ev) > 0 {
				show("CLEAN")
			} else {
				clean++
			}
			continue
		}
		want := []string{}
		for _, f := range l.Faults {
			want = append(want, f.Fault)
		}
		got := []string{}
		var first *candidate
		if len(ev) > 0 {
			for _, x := range ev[0].faults {
				if x.confidence >= threshold || len(got) > 0 {
					if first == nil {
						first = x
					}
					got = append(got, x.fault.ID)
				}
			}
			if len(got) == 0 {
				got = []string{Unknown}
			}
		}
		ok1 := len(got) > 0 && slices.Contains(want, got[0])
		ok3 := slices.ContainsFunc(got[:min(3, len(got))], func(s string) bool { return slices.Contains(want, s) })
		if ok1 {
			top1++
		}
		if ok3 {
			top3++
		}
		if l.Kind == "single" {
			single++
			if len(ev) == 1 {
				one++
			}
		}
		okE := false
		if ok1 {
			f := l.Faults[slices.Index(want, got[0])]
			name := ""
			if first != nil {
				name = first.entity.String()
			}
			okE = first == nil || f.Entity["scope"] == "fleet" && first.entity == Entity{} || slices.Contains(f.Aliases, first.entity.Name) && first.entity.Name != ""
			if okE {
				ent++
			} else {
				show(fmt.Sprint("ENTITY ", name, " want ", f.Entity))
			}
		}
		if !ok1 {
			miss[strings.Join(want, "+")] = append(miss[strings.Join(want, "+")], id)
			show(fmt.Sprint("MISS want ", want, l.Faults[0].Detail, l.Faults[0].Aliases))
		} else if len(ev) != 1 {
			show(fmt.Sprint("COUNT ", len(ev), want))
		} else if os.Getenv("ALL") != "" {
			show(fmt.Sprint("ok ", want, l.Faults[0].Entity["replica"]))
		}
	}
	fmt.Printf("cases %d top1 %d top3 %d one %d/%d entity %d clean %d\n", len(dirs), top1, top3, one, single, ent, clean)
	for _, k := range slices.Sorted(maps.Keys(miss)) {
		fmt.Println(k, miss[k])
	}
}
