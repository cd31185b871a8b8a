package diagnose

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"llmops/analysis/accesslog"
	"llmops/analysis/series"
	"llmops/rules/catalog"
	"llmops/rules/defaults"
	"llmops/rules/fault"
)

// shippedFaults is the catalogue that ships.
var shippedFaults = sync.OnceValue(func() fault.Catalogue {
	c, err := fault.Load(defaults.Faults, "faults")
	if err != nil {
		panic(err) // it ships with the program
	}
	return c
})

func shipped(t testing.TB) fault.Catalogue {
	t.Helper()
	return shippedFaults()
}

// label is what is known of a labelled case.
type label struct {
	Faults []struct {
		Fault, Detail string
		Onset, End    time.Time
		Entity        map[string]any
		Aliases       []string
		Severity      float64
	}
	Clean        bool
	Kind, Engine string
	Replicas     int
	Benign       []struct {
		At    time.Time
		Event string
	}
}

func loadCase(t testing.TB, dir string) (*series.Store, label) {
	t.Helper()
	var l label
	b, err := os.ReadFile(filepath.Join(dir, "label.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &l); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "metrics*"))
	if len(files) != 1 {
		t.Fatalf("%s: want one file of metrics, not %v", dir, files)
	}
	return load(t, files[0]), l
}

func load(t testing.TB, file string) *series.Store {
	t.Helper()
	source := accesslog.Source{Name: file, Open: func() (io.ReadCloser, error) { return os.Open(file) }}
	s, _, err := series.Read(t.Context(), []accesslog.Source{source}, series.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return canonical(s)
}

// names of metrics as the catalogue has them.
var metricNamesOf = sync.OnceValue(func() catalog.Catalog {
	c, err := catalog.Load()
	if err != nil {
		panic(err) // it ships with the program
	}
	return c
})

// canonical gives series the names that the program gives them when it reads them.
func canonical(s *series.Store) *series.Store { return series.Canonical(s, metricNamesOf()) }

// data is the folder of labelled data, which does not ship.
func data(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("LLMOPS_DATA")
	if root == "" {
		t.Skip("LLMOPS_DATA does not name the folder of labelled data")
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		t.Skip(err)
	}
	return dir
}

// names tells whether an entity of a report is the culprit of a label.
func names(entity string, f map[string]any, aliases []string) bool {
	if f["scope"] == "fleet" && entity == fleetName {
		return true
	}
	for part := range strings.SplitSeq(entity, ",") {
		if _, value, ok := strings.Cut(part, "="); ok && slices.Contains(aliases, value) {
			return true
		}
	}
	return false
}

// TestIncidents holds the diagnoses of labelled incidents to the bars, and prints what
// was measured. LLMOPS_CASES takes some of them, such as 04*.
func TestIncidents(t *testing.T) {
	dir := data(t, "incidents")
	c := shipped(t)
	dirs, _ := filepath.Glob(filepath.Join(dir, "case-"+cmp.Or(os.Getenv("LLMOPS_CASES"), "*")))
	type count struct{ n, top1, top3, one, entity int }
	total, byFault := count{}, map[string]*count{}
	clean, cleanOK := 0, 0
	var answers []forecast
	var delays []float64
	for _, dir := range dirs {
		s, l := loadCase(t, dir)
		r, err := Run(t.Context(), s, Options{Faults: c})
		if err != nil {
			t.Fatal(err)
		}
		if l.Clean {
			clean++
			if len(r.Incidents) == 0 {
				cleanOK++
			} else {
				show(t, dir, l, r)
			}
			continue
		}
		want := []string{}
		for _, f := range l.Faults {
			want = append(want, f.Fault)
		}
		k := strings.Join(want, "+")
		if byFault[k] == nil {
			byFault[k] = &count{}
		}
		got := count{n: 1}
		if len(r.Incidents) > 0 {
			d := r.Incidents[0].Diagnoses
			answers = append(answers, forecast{d[0].Confidence, slices.Contains(want, d[0].Fault), l.Engine})
			if i := slices.Index(want, d[0].Fault); i >= 0 {
				got.top1 = 1
				delays = append(delays, r.Incidents[0].Onset.Sub(l.Faults[i].Onset).Seconds())
				if names(d[0].Entity, l.Faults[i].Entity, l.Faults[i].Aliases) {
					got.entity = 1
				}
			}
			if slices.ContainsFunc(d[:min(3, len(d))], func(d Diagnosis) bool { return slices.Contains(want, d.Fault) }) {
				got.top3 = 1
			}
		}
		if len(r.Incidents) == 1 {
			got.one = 1
		}
		if got != (count{1, 1, 1, 1, 1}) || testing.Verbose() && os.Getenv("LLMOPS_CASES") != "" {
			show(t, dir, l, r)
		}
		for _, c := range []*count{&total, byFault[k]} {
			c.n, c.top1, c.top3, c.one, c.entity = c.n+1, c.top1+got.top1, c.top3+got.top3, c.one+got.one, c.entity+got.entity
		}
	}
	for _, k := range slices.Sorted(maps.Keys(byFault)) {
		t.Logf("%-44s %+v", k, *byFault[k])
	}
	for p, group := range byConfidence(answers) {
		t.Logf("confidence %.2f: right %.0f of %d", p, rightOf(group), len(group))
	}
	ece := calibrationError(answers)
	slices.Sort(delays)
	if len(delays) > 0 {
		t.Logf("onset minus label, s: median %.0f, 10%% %.0f, 90%% %.0f", quantile(delays, 0.5), quantile(delays, 0.1), quantile(delays, 0.9))
	}
	share := func(k int) float64 { return float64(k) / float64(max(1, total.n)) }
	t.Logf("cases %d: top-1 %.3f, top-3 %.3f, one incident %.3f, entity %.3f, ECE %.3f; clean %d of %d without an incident", total.n, share(total.top1), share(total.top3), share(total.one), share(total.entity), ece, cleanOK, clean)
	if len(dirs) < 60 {
		return
	}
	if share(total.top1) < 0.9 || share(total.top3) < 0.97 || share(total.one) < 0.95 || share(total.entity) < 0.9 || ece > 0.1 || cleanOK < clean {
		t.Error("below the bars: top-1 0.90, top-3 0.97, one incident 0.95, entity 0.90, ECE 0.10, no incident in clean cases")
	}
}

func show(t *testing.T, dir string, l label, r Report) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", filepath.Base(dir), l.Engine)
	for _, f := range l.Faults {
		fmt.Fprintf(&b, " want %s %s %v %s", f.Fault, f.Detail, f.Entity["replica"], f.Onset.Format("15:04:05"))
	}
	for _, in := range r.Incidents {
		fmt.Fprintf(&b, "\n  %s %s %s..%s %s", in.ID, in.Severity, in.Onset.Format("15:04:05"), in.End.Format("15:04:05"), strings.Join(in.Entities, " "))
		for _, d := range in.Diagnoses {
			fmt.Fprintf(&b, "\n     %.2f %s %s %s", d.Confidence, d.Fault, d.Entity, d.Explained)
		}
		for _, e := range in.Impact {
			fmt.Fprintf(&b, "\n     felt %s %g of %v %g", e.Series, e.Value, e.Symptom, e.Degree)
		}
		for _, s := range in.Suspects[:min(3, len(in.Suspects))] {
			fmt.Fprintf(&b, "\n       suspect %.1f %s %s", s.Score, s.Entity, s.Series)
		}
	}
	t.Log(b.String())
}
