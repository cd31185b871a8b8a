package diagnose

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/series"
)

// sameness is a change of data that leaves what happened as it is.
type sameness struct {
	name   string
	series func(labels.Labels) labels.Labels
	time   func(int64) int64
	store  func(*series.Store) *series.Store // instead of both
	entity func(string) string               // how a name is written afterwards; nil: as before
	shift  time.Duration                     // of times
	loose  time.Duration                     // by how much the onset may move
}

// sameNames are other names of the same metrics, and their other spellings.
var sameNames = map[string]string{
	"vllm:kv_cache_usage_perc":          "vllm:gpu_cache_usage_perc",
	"vllm:inter_token_latency_seconds":  "vllm:time_per_output_token_seconds",
	"vllm:prefix_cache_hits_total":      "vllm:gpu_prefix_cache_hits_total",
	"vllm:prefix_cache_queries_total":   "vllm:gpu_prefix_cache_queries_total",
	"vllm:gpu_cache_usage_perc":         "vllm:kv_cache_usage_perc",
	"vllm:gpu_prefix_cache_hits_total":  "vllm:prefix_cache_hits_total",
	"sglang:num_running_reqs":           "sglang_num_running_reqs",
	"sglang:time_to_first_token_second": "sglang_time_to_first_token_second",
}

func otherNames(ls labels.Labels) labels.Labels {
	name := ls.Get(model.MetricNameLabel)
	for from, to := range sameNames {
		if rest, ok := strings.CutPrefix(name, from); ok && (rest == "" || strings.HasPrefix(rest, "_") || strings.HasSuffix(from, "second")) {
			return labels.NewBuilder(ls).Set(model.MetricNameLabel, to+rest).Labels()
		}
	}
	return ls
}

// otherLabels are the labels of other exporters and of other scrape configurations.
func otherLabels(ls labels.Labels) labels.Labels {
	b := labels.NewBuilder(ls)
	for from, to := range map[string]string{"pod": "pod_name", "Hostname": "hostname", "node": "kubernetes_node", "instance": "exported_instance", "UUID": "uuid", "replica": "exported_pod"} {
		if v := ls.Get(from); v != "" && ls.Get(to) == "" {
			b.Del(from).Set(to, v)
		}
	}
	return b.Set("cluster", "eu-1").Set("prometheus", "monitoring/k8s").Labels()
}

// otherName is another name for a host, a pod or an address, the same for the same one and
// in another order.
func otherName(v string) string {
	host, port := v, ""
	if h, ok := hostPart(v); ok {
		host, port = h, v[len(h):]
	}
	h := fnv.New32a()
	h.Write([]byte(host)) // a hash never fails
	return fmt.Sprintf("n%08x%s", h.Sum32(), port)
}

func renamed(ls labels.Labels) labels.Labels {
	b := labels.NewBuilder(ls)
	for _, group := range [][]string{replicaLabels, targetLabels, hostLabels} {
		for _, l := range group {
			if v := ls.Get(l); v != "" {
				b.Set(l, otherName(v))
			}
		}
	}
	return b.Labels()
}

func samenesses() []sameness {
	shift := 37*24*time.Hour + 11*time.Second
	return []sameness{
		// Subqueries are evaluated at whole multiples of their step, which may move the onset.
		{name: "another time", time: func(t int64) int64 { return t + shift.Milliseconds() }, shift: shift, loose: 2 * time.Minute},
		{name: "other labels", series: otherLabels},
		{name: "other names of metrics", series: otherNames},
		// Of replicas that are as bad as each other the first by name gives the onset.
		{name: "other names of replicas and hosts", series: renamed, entity: otherName, loose: time.Minute},
		{name: "series in another order", store: func(s *series.Store) *series.Store { return remade(s, 9, same) }},
		{name: "series that have nothing to do with it", store: unrelated},
		// A rate that may be extrapolated to where the counter was zero is a little lower.
		{name: "counters that began long ago", loose: 2 * time.Minute, store: func(s *series.Store) *series.Store {
			return canonical(edited(s, func(x *series.Series, list []series.Point) []series.Point {
				for i := range list {
					if x.Kind() != series.Counter || i > 0 && list[i].F < list[i-1].F-1e9 {
						break // it began again, at zero
					}
					list[i].F += 1e9
				}
				return list
			}))
		}},
		{name: "steps of 60 s", store: func(s *series.Store) *series.Store { return canonical(inSteps(s, 60_000)) }, loose: 5 * time.Minute},
		{name: "steps of 5 s", store: func(s *series.Store) *series.Store { return canonical(inSteps(s, 5_000)) }, loose: 5 * time.Minute},
	}
}

func (m sameness) of(s *series.Store) *series.Store {
	if m.store != nil {
		return m.store(s)
	}
	b := series.NewBuilder()
	for _, x := range originals(s) {
		ls := x.Labels()
		if m.series != nil {
			ls = m.series(ls)
		}
		for t, v := range x.Samples(minTime, maxTime) {
			if m.time != nil {
				t = m.time(t)
			}
			b.Add(ls, x.Kind(), t, v)
		}
	}
	return canonical(b.Store(nil))
}

// original is a store without the other names of its series.
func original(s *series.Store) *series.Store {
	return s.Without(func(x *series.Series) bool { return !x.Original() })
}

// edited is a store whose series have other points.
func edited(s *series.Store, f func(x *series.Series, list []series.Point) []series.Point) *series.Store {
	b := series.NewBuilder()
	for _, x := range originals(s) {
		var list []series.Point
		for t, v := range x.Points() {
			list = append(list, series.Point{T: t, F: v})
		}
		for _, p := range f(x, list) {
			b.Add(x.Labels(), x.Kind(), p.T, p.F)
		}
	}
	return b.Store(nil)
}

// inSteps takes of every series a sample each so many ms: the last one up to then or, of
// steps that are shorter than its own, what lies between.
func inSteps(s *series.Store, step int64) *series.Store {
	first, last, _ := s.Bounds()
	return edited(s, func(x *series.Series, list []series.Point) (out []series.Point) {
		own := x.Step()
		i := 0
		for t := first; t <= last; t += step {
			for i+1 < len(list) && list[i+1].T <= t {
				i++
			}
			switch p := list[i]; {
			case p.T > t || t-p.T > max(own, step)*3/2:
			case own > step && i+1 < len(list) && list[i+1].T-p.T <= own*3/2 && !isState(x.Name()) && (x.Kind() != series.Counter || list[i+1].F >= p.F):
				q := list[i+1]
				out = append(out, series.Point{T: t, F: p.F + (q.F-p.F)*float64(t-p.T)/float64(q.T-p.T)})
			default:
				out = append(out, series.Point{T: t, F: p.F})
			}
		}
		return out
	})
}

func unrelated(s *series.Store) *series.Store {
	r := rand.New(rand.NewPCG(5, 6))
	first, last, _ := s.Bounds()
	b := series.NewBuilder()
	for i := range 60 {
		ls := labels.FromStrings(model.MetricNameLabel, fmt.Sprintf("postgres_thing_%d", i%20), "instance", fmt.Sprintf("db-%d:9187", i/20), "job", "postgres")
		v := 100.0
		for t := first; t <= last; t += 15_000 {
			v *= 1 + 0.1*r.NormFloat64()
			b.Add(ls, series.Gauge, t, v)
		}
	}
	return canonical(series.Join(original(s), b.Store(nil)))
}

// verdict is what must stay the same: how many incidents, and of the first one the
// fault, whose it is and since when.
type verdict struct {
	incidents     int
	fault, entity string
	onset         time.Time
}

func verdictOf(t testing.TB, s *series.Store) verdict {
	t.Helper()
	r, err := Run(t.Context(), s, Options{Faults: shippedFaults()})
	if err != nil {
		t.Fatal(err)
	}
	v := verdict{incidents: len(r.Incidents)}
	if v.incidents > 0 {
		d := r.Incidents[0].Diagnoses[0]
		v.fault, v.entity, v.onset = d.Fault, d.Entity, r.Incidents[0].Onset
	}
	return v
}

func (v verdict) after(m sameness) verdict {
	if v.incidents > 0 {
		v.onset = v.onset.Add(m.shift)
	}
	if _, name, ok := strings.Cut(v.entity, "="); ok && m.entity != nil && !strings.HasPrefix(v.entity, "upstream=") {
		name, rest, _ := strings.Cut(name, ",")
		v.entity = strings.TrimSuffix(v.entity[:strings.Index(v.entity, "=")+1]+m.entity(name)+","+rest, ",")
	}
	return v
}

func (v verdict) like(o verdict, loose time.Duration) bool {
	return v.incidents == o.incidents && v.fault == o.fault && v.entity == o.entity && v.onset.Sub(o.onset).Abs() <= loose
}

// stores are golden services and, where they are, labelled cases: every ninth, or those
// that LLMOPS_CASES takes ("*": all, which takes minutes).
func stores(t *testing.T) map[string]func() *series.Store {
	found := map[string]func() *series.Store{
		"straggler": func() *series.Store { return lately(straggler().store(t)) },
		"queue":     func() *series.Store { return lately(service{changes: wait("llm-1", 40)}.store(t)) },
		"healthy":   func() *series.Store { return lately(service{}.store(t)) },
	}
	dirs, _ := filepath.Glob(filepath.Join(os.Getenv("LLMOPS_DATA"), "incidents", "case-"+cmp.Or(os.Getenv("LLMOPS_CASES"), "*")))
	if os.Getenv("LLMOPS_CASES") == "" {
		dirs = every(dirs, 9)
	}
	for _, dir := range dirs {
		if os.Getenv("LLMOPS_DATA") != "" {
			found[filepath.Base(dir)] = func() *series.Store { s, _ := loadCase(t, dir); return s }
		}
	}
	return found
}

// lately is a golden store, which begins at zero, in our time: stamps of CSV and of
// exports are told apart by their size.
func lately(s *series.Store) *series.Store {
	return sameness{time: func(t int64) int64 { return t + 1_772_323_200_000 }}.of(s)
}

// What leaves the truth as it is leaves the answer as it is.
func TestSameAnswer(t *testing.T) {
	all := stores(t)
	names := slices.Sorted(maps.Keys(all))
	list := samenesses()
	type result struct{ want, got verdict }
	results := make([]result, len(names)*len(list))
	for k, name := range names {
		s := all[name]()
		want := verdictOf(t, s)
		for i, m := range list {
			results[k*len(list)+i] = result{want.after(m), verdictOf(t, m.of(s))}
		}
	}
	for i, m := range list {
		changed, later := 0, 0
		for k, name := range names {
			r := results[k*len(list)+i]
			switch {
			case !r.got.like(r.want, 24*time.Hour):
				changed++
				t.Logf("%s, %s: %+v, want %+v", name, m.name, r.got, r.want)
			case !r.got.like(r.want, m.loose):
				later++
				t.Logf("%s, %s: onset %s, want %s", name, m.name, r.got.onset, r.want.onset)
			}
		}
		t.Logf("%-40s the same answer in %d of %d, another onset in %d", m.name, len(names)-changed, len(names), later)
		step := strings.HasPrefix(m.name, "steps")
		if !step && changed+later > 0 || (changed+later)*20 > len(names) {
			t.Errorf("%s: another answer in %d of %d, another onset in %d", m.name, changed, len(names), later)
		}
	}
}
