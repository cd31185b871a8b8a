package diagnose

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"llmops/analysis/series"
	"llmops/rules/fault"
)

func TestProbe(t *testing.T) {
	if os.Getenv("FAULT") == "" {
		t.Skip()
	}
	c := shipped(t)
	s, l := loadCase(t, "/work/shared/data/incidents/case-"+os.Getenv("CASES"))
	w, err := measure(t.Context(), s, all(s, c))
	if err != nil {
		t.Fatal(err)
	}
	on := w.grid.index(l.Faults[0].Onset.UnixMilli())
	fmt.Println("onset", on)
	for _, x := range candidates(c, w.evidence, w.grid) {
		if x.fault.ID != os.Getenv("FAULT") || !strings.Contains(x.entity.String(), os.Getenv("ENT")) {
			continue
		}
		fmt.Println(x.fault.ID, x.entity, x.confidence, x.peak, x.from, x.to)
		for i, s := range append(x.symptoms, x.against...) {
			fmt.Printf("  %v %-50s known %v norm %.4g±%.3g:", i >= len(x.symptoms), s.symptom.Name, s.known, s.normal.median, s.normal.scale)
			if s.known {
				for k := max(0, on-4); k < w.grid.n; k += max(1, (w.grid.n-on)/14) {
					fmt.Printf(" %.3g(%.2f)", s.track.v[k], s.v[k])
				}
			}
			fmt.Println()
		}
	}
}

func all(s *series.Store, c fault.Catalogue) Options {
	first, last, _ := s.Bounds()
	return Options{Faults: c, From: time.UnixMilli(first), To: time.UnixMilli(last)}
}
