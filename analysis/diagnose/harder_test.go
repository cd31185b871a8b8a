package diagnose

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"llmops/analysis/series"
	"llmops/rules/fault"
)

// hardening makes a labelled case harder: it takes evidence away, blurs it or weakens it.
// The cause stays what it was, and may no longer be told.
type hardening struct {
	name string
	do   func(s *series.Store, l label, c fault.Catalogue, r *rand.Rand) *series.Store
	to   time.Duration // after the onset, where the data end; 0: as they do
	// least is the share of answers that have to be right, without an incident in cases
	// without a fault; 0: it is only told.
	least float64
}

// optional are parts of names of metrics that not everybody exports.
var optional = []string{"container_", "kube_", "POWER_MGMT", "VIOLATION", "ECC", "REMAP", "request_decode", "request_prefill", "request_queue", "gateway_time_to_first", "gateway_request_retries", "node_netstat", "PCIE_LINK", "e2e_request", "inter_token", "process_cpu"}

const asTheyAre = "as they are"

func hardenings() []hardening {
	as := func(s *series.Store, _ label, _ fault.Catalogue, _ *rand.Rand) *series.Store { return s }
	return []hardening{
		{name: asTheyAre, least: 0.95, do: as},
		{name: "16 groups of metrics gone", least: 0.9, do: func(s *series.Store, _ label, _ fault.Catalogue, _ *rand.Rand) *series.Store {
			return s.Without(func(x *series.Series) bool { return contains(x.Name(), optional) })
		}},
		{name: "every other scrape", least: 0.9, do: func(s *series.Store, _ label, _ fault.Catalogue, _ *rand.Rand) *series.Store { return everyOther(s) }},
		{name: "eight minutes of the fault", least: 0.85, do: as, to: 8 * time.Minute},
		{name: "four minutes of the fault", do: as, to: 4 * time.Minute},
		{name: "10% of metrics gone", least: 0.8, do: metricsGone(0.1)},
		{name: "30% of metrics gone", do: metricsGone(0.3)},
		{name: "50% of metrics gone", do: metricsGone(0.5)},
		{name: "noise of 20%", do: noisy(0.2)},
		{name: "noise of 60%", do: noisy(0.6)},
		{name: "half of the effect", do: diluted(0.5)},
		{name: "a quarter of the effect", do: diluted(0.25)},
		{name: "the required evidence gone", do: requiredGone},
	}
}

// seeded is a source of numbers of its own for each case and hardening.
func seeded(dir string, i int) *rand.Rand {
	n := uint64(0)
	for _, b := range []byte(filepath.Base(dir)) {
		n = 31*n + uint64(b)
	}
	return rand.New(rand.NewPCG(n, uint64(i)))
}

func everyOther(s *series.Store) *series.Store {
	b := series.NewBuilder()
	for _, x := range originals(s) {
		i := 0
		for at, v := range x.Points() {
			if i++; i%2 == 0 {
				b.Add(x.Labels(), x.Kind(), at, v)
			}
		}
	}
	return canonical(b.Store(nil))
}

// metricsGone takes away a share of metrics, whoever exports them. Other names that a
// series goes by go with it.
func metricsGone(share float64) func(*series.Store, label, fault.Catalogue, *rand.Rand) *series.Store {
	return func(s *series.Store, _ label, _ fault.Catalogue, r *rand.Rand) *series.Store {
		gone := map[string]bool{}
		var kept []*series.Series
		for _, name := range s.Names() {
			gone[name] = s.Named(name)[0].Original() && r.Float64() < share
		}
		for _, x := range s.Series() {
			if x.Original() && !gone[x.Name()] {
				kept = append(kept, x)
			}
		}
		return again(kept, func(_ *series.Series, _ int64, v float64) float64 { return v })
	}
}

// again makes a store of series whose values, of counters what they grow by, are put
// through a function. Names that the catalogue gives are given anew.
func again(list []*series.Series, f func(x *series.Series, t int64, v float64) float64) *series.Store {
	b := series.NewBuilder()
	for _, x := range list {
		if x.Kind() != series.Counter {
			for t, v := range x.Points() {
				b.Add(x.Labels(), x.Kind(), t, f(x, t, v))
			}
			continue
		}
		before, sum, first := 0.0, 0.0, true
		for t, v := range x.Points() {
			switch {
			case first:
				sum = v
			case v < before: // began again
				sum = f(x, t, v)
			default:
				sum += f(x, t, v-before)
			}
			before, first = v, false
			b.Add(x.Labels(), x.Kind(), t, sum)
		}
	}
	return canonical(b.Store(nil))
}

func originals(s *series.Store) []*series.Series {
	return slices.DeleteFunc(slices.Clone(s.Series()), func(x *series.Series) bool { return !x.Original() })
}

// states are parts of names of metrics whose values are codes, times or sizes, which do not
// come in halves.
var states = []string{"XID", "_info", "start_time", "REMAP", "LINK", "up", "MemTotal", "size_bytes", "max_", "limit", "LIMIT", "spec_"}

func isState(name string) bool {
	return name == "up" || contains(name, slices.DeleteFunc(slices.Clone(states), func(s string) bool { return s == "up" }))
}

func noisy(sigma float64) func(*series.Store, label, fault.Catalogue, *rand.Rand) *series.Store {
	return func(s *series.Store, _ label, _ fault.Catalogue, r *rand.Rand) *series.Store {
		return again(originals(s), func(x *series.Series, _ int64, v float64) float64 {
			if isState(x.Name()) {
				return v
			}
			return v * math.Exp(sigma*r.NormFloat64()-sigma*sigma/2)
		})
	}
}

// diluted leaves of all that happens after the onset a share: values between what they are
// and the mean of what they were before.
func diluted(share float64) func(*series.Store, label, fault.Catalogue, *rand.Rand) *series.Store {
	return func(s *series.Store, l label, _ fault.Catalogue, _ *rand.Rand) *series.Store {
		if len(l.Faults) == 0 {
			return s
		}
		onset := l.Faults[0].Onset.UnixMilli()
		mean := map[*series.Series]float64{}
		for _, x := range originals(s) {
			sum, n := 0.0, 0.0
			values := x.Points()
			if x.Kind() == series.Counter {
				values = x.Increases()
			}
			for t, v := range values {
				if t < onset {
					sum, n = sum+v, n+1
				}
			}
			if n > 0 {
				mean[x] = sum / n
			}
		}
		return again(originals(s), func(x *series.Series, t int64, v float64) float64 {
			if m, ok := mean[x]; ok && t >= onset && !isState(x.Name()) {
				return m + share*(v-m)
			}
			return v
		})
	}
}

// requiredGone takes away the metrics without which the fault cannot be told.
func requiredGone(s *series.Store, l label, c fault.Catalogue, _ *rand.Rand) *series.Store {
	var names []*labels.Matcher
	for _, broken := range l.Faults {
		f := c.Find(broken.Fault)
		if f == nil {
			continue
		}
		for i := range f.Symptoms {
			for _, part := range parts(&f.Symptoms[i]) {
				for _, sig := range c.Signals {
					if f.Symptoms[i].Required && containsWord(part.Expr, sig.Name) {
						names = append(names, metricsOf(sig)...)
					}
				}
			}
		}
	}
	return again(slices.DeleteFunc(originals(s), func(x *series.Series) bool {
		return slices.ContainsFunc(names, func(m *labels.Matcher) bool { return m.Matches(viewName(x.Name())) })
	}), func(_ *series.Series, _ int64, v float64) float64 { return v })
}

// metricsOf matches the names of the metrics of which a signal is made.
func metricsOf(sig fault.Signal) []*labels.Matcher {
	var found []*labels.Matcher
	for _, text := range sig.From {
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(fault.Windowed(text, 2*time.Minute, 5*time.Minute))
		if err != nil {
			panic(fmt.Sprintf("%s: %v", sig.Name, err)) // the catalogue was checked
		}
		parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
			if v, ok := n.(*parser.VectorSelector); ok {
				for _, m := range v.LabelMatchers {
					if m.Name == model.MetricNameLabel {
						found = append(found, m)
					}
				}
			}
			return nil
		})
	}
	return found
}

// answer is the first diagnosis of a case.
type answer struct {
	dir, engine, how, want, got string
	score                       float64 // before calibration
	right, clean, none          bool
}

// answers diagnoses every labelled case in every hardening.
func answers(t testing.TB, list []hardening) []answer {
	t.Helper()
	dir := data(t, "incidents")
	c := shipped(t)
	dirs, _ := filepath.Glob(filepath.Join(dir, "case-*"))
	found := make([]answer, len(dirs)*len(list))
	for k, dir := range dirs {
		s, l := loadCase(t, dir)
		err := parallel(len(list), func(i int) error {
			o := Options{Faults: c}
			if list[i].to > 0 && len(l.Faults) > 0 {
				o.To = l.Faults[0].Onset.Add(list[i].to)
			}
			r, err := Run(t.Context(), list[i].do(s, l, c, seeded(dir, i)), o)
			if err != nil {
				return err
			}
			var want []string
			for _, f := range l.Faults {
				want = append(want, f.Fault)
			}
			a := answer{dir: filepath.Base(dir), engine: l.Engine, how: list[i].name, want: strings.Join(want, "+"), clean: l.Clean, none: len(r.Incidents) == 0}
			if !a.none {
				d := r.Incidents[0].Diagnoses[0]
				a.got, a.score, a.right = d.Fault, d.score, slices.Contains(want, d.Fault)
			}
			found[k*len(list)+i] = a
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}
