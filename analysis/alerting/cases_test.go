package alerting

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"llmops/analysis/accesslog"
	"llmops/analysis/series"
	"llmops/rules/alert"
)

// An expectation is an alert as expected.json has it.
type expectation struct {
	Name       string            `json:"alertname"`
	Labels     map[string]string `json:"labels"`
	ActiveAt   time.Time         `json:"active_at"`
	FiredAt    *time.Time        `json:"fired_at"`
	ResolvedAt *time.Time        `json:"resolved_at"`
	State      State             `json:"state"`
}

func expectationOf(a Alert) expectation {
	e := expectation{Name: a.Name, Labels: a.Labels, ActiveAt: time.UnixMilli(a.ActiveAt).UTC(), State: a.State}
	if a.State != Pending {
		e.FiredAt = new(time.UnixMilli(a.FiredAt).UTC())
	}
	if a.State == Resolved {
		e.ResolvedAt = new(time.UnixMilli(a.ResolvedAt).UTC())
	}
	return e
}

func readRules(t testing.TB, name string) []alert.Group {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	file, err := alert.Read(name, f)
	if err != nil {
		t.Fatal(err)
	}
	return file.Groups
}

// Each case has metrics, rules, and the alerts that they lead to.
func TestCases(t *testing.T) {
	folders, err := filepath.Glob("testdata/cases/*/expected.json")
	if err != nil || len(folders) == 0 {
		t.Fatal("no cases", err)
	}
	if data := os.Getenv("LLMOPS_DATA"); data != "" {
		more, err := filepath.Glob(filepath.Join(data, "rules", "*", "expected.json"))
		if err != nil || len(more) == 0 {
			t.Fatal("no cases in LLMOPS_DATA", err)
		}
		folders = append(folders, more...)
	}
	for _, file := range folders {
		folder := filepath.Dir(file)
		for _, stepwise := range []bool{false, true} {
			t.Run(filepath.Base(folder), func(t *testing.T) {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				var want struct {
					Metrics string        `json:"metrics"`
					Alerts  []expectation `json:"alerts"`
				}
				if err := json.Unmarshal(text, &want); err != nil {
					t.Fatal(err)
				}
				source := accesslog.Source{Name: want.Metrics, Open: func() (io.ReadCloser, error) { return os.Open(filepath.Join(folder, want.Metrics)) }}
				store, _, err := series.Read(t.Context(), []accesslog.Source{source}, series.Options{})
				if err != nil {
					t.Fatal(err)
				}
				res, err := Replay(t.Context(), store, readRules(t, filepath.Join(folder, "rules.yaml")), Options{stepwise: stepwise})
				if err != nil {
					t.Fatal(err)
				}
				var got []expectation
				for _, a := range res.Alerts {
					got = append(got, expectationOf(a))
				}
				less := func(a, b expectation) bool {
					x, _ := json.Marshal(a)
					y, _ := json.Marshal(b)
					return string(x) < string(y)
				}
				if d := cmp.Diff(want.Alerts, got, cmpopts.SortSlices(less), cmpopts.EquateEmpty()); d != "" {
					t.Errorf("want -, got +:\n%s", d)
				}
			})
		}
	}
}
