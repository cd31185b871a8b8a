package diagnose

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// TestPetShop holds the ranks of suspects to the bars on incidents of services that call
// each other, each with a healthy period of the same services.
func TestPetShop(t *testing.T) {
	dir := data(t, "petshop")
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*", "label.json"))
	read := func(file string, into any) {
		content, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(content, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	n, top1, top3 := 0, 0, 0
	for _, file := range files {
		var l struct {
			Target struct{ Metric, Node, Agg string }
			Cause  struct{ Node string } `json:"root_cause"`
		}
		read(file, &l)
		var topo Topology
		scenario := filepath.Dir(filepath.Dir(file))
		read(filepath.Join(scenario, "topology.json"), &topo)
		r, err := Run(t.Context(), load(t, filepath.Join(filepath.Dir(file), "metrics.csv")), Options{
			Baseline: load(t, filepath.Join(scenario, "normal.csv.gz")), Topology: &topo,
			Target: labels.FromStrings(model.MetricNameLabel, l.Target.Metric, "service", l.Target.Node, "stat", l.Target.Agg),
		})
		if err != nil {
			t.Fatal(err)
		}
		var ranked []string
		for _, in := range r.Incidents {
			for _, s := range in.Suspects {
				ranked = append(ranked, strings.TrimPrefix(s.Entity, "service="))
			}
		}
		n++
		switch i := slices.Index(ranked, l.Cause.Node); {
		case i == 0:
			top1, top3 = top1+1, top3+1
		case i > 0 && i < 3:
			top3++
		default:
			t.Logf("%s: %s is not among %q", file, l.Cause.Node, ranked[:min(3, len(ranked))])
		}
	}
	t.Logf("cases %d: top-1 %d, top-3 %d", n, top1, top3)
	if n == 0 || float64(top1) < 0.7*float64(n) || float64(top3) < 0.87*float64(n) {
		t.Error("below the bars: top-1 0.70, top-3 0.87")
	}
}
