package diagnose

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"llmops/analysis/series"
	"llmops/rules/fault"
)

func med(v []float64) float64 {
	var x []float64
	for _, f := range v {
		if !math.IsNaN(f) {
			x = append(x, f)
		}
	}
	if len(x) == 0 {
		return math.NaN()
	}
	slices.Sort(x)
	return x[len(x)/2]
}

func TestDump(t *testing.T) {
	pat := os.Getenv("CASES")
	if pat == "" {
		t.Skip()
	}
	var cat fault.Catalogue
	f, err := os.Open("../../rules/defaults/faults/signals.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if cat, err = fault.Read("signals.yaml", f); err != nil {
		t.Fatal(err)
	}
	dirs, _ := filepath.Glob("/work/shared/data/incidents/case-" + pat)
	for _, dir := range dirs {
		s, l := loadCase(t, dir)
		from, to, _ := s.Bounds()
		v := newView(s, func(string) bool { return true })
		g := gridOf(s, from, to)
		e := evaluation{view: v, grid: g, engine: series.NewEngine(series.Limits{Lookback: time.Duration(4*g.step) * time.Millisecond}), base: normalSteps(g)}
		t0 := time.Now()
		by, err := e.signals(t.Context(), cat.Signals)
		if err != nil {
			t.Fatal(err)
		}
		onset, end := g.at(g.n*3/4), g.at(g.n-1)
		name := "clean"
		if len(l.Faults) > 0 {
			onset, end = l.Faults[0].Onset.UnixMilli(), l.Faults[0].End.UnixMilli()
			name = ""
			for _, f := range l.Faults {
				name += fmt.Sprint(f.Fault, f.Detail, f.Aliases, f.Severity, " ")
			}
		}
		fmt.Println("====", filepath.Base(dir), l.Engine, name, v.replicas, time.Since(t0), "step", g.step, l.Benign)
		o, n := min(g.n-1, max(8, g.index(onset))), min(g.n, g.index(end)+1)
		for _, sig := range cat.Signals {
			for _, tr := range by[sig.Name] {
				base := tr.v[8:o]
				m := med(base)
				sp := slices.Clone(base)
				sp = slices.DeleteFunc(sp, math.IsNaN)
				slices.Sort(sp)
				if len(sp) == 0 {
					sp = []float64{math.NaN()}
				}
				d := med(tr.v[o:n])
				h1, h2 := med(tr.v[o:(o+n)/2]), med(tr.v[(o+n)/2:n])
				mx, mn := math.Inf(-1), math.Inf(1)
				for _, x := range tr.v[o:n] {
					mx, mn = max(mx, x), min(mn, x)
				}
				sc := max((sp[len(sp)*9/10]-sp[len(sp)/10])/2.563, 0.01*math.Abs(m), 1e-9)
				z := (d - m) / sc
				mark := ""
				if math.Abs(z) > 3 {
					mark = "*"
				}
				if os.Getenv("ALL") == "" && !(math.Abs(z) > 3 || (mx-m)/sc > 8 || (m-mn)/sc > 8) {
					continue
				}
				fmt.Printf("%-20s %-32s base %10.4g [%9.4g %9.4g] during %10.4g (%9.4g %9.4g) min %9.4g max %9.4g z %8.1f %s\n", sig.Name, tr.entity, m, sp[0], sp[len(sp)-1], d, h1, h2, mn, mx, z, mark)
			}
		}
	}
}
