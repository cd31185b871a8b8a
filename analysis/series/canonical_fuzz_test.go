package series

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"llmops/rules/catalog"
)

// Whatever series there are, Canonical keeps each of them as it was, and adds to them
// only series of names of the catalogue: each with labels of its own, and with the
// points of one of them times its factor.
func FuzzCanonical(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed, uint8(seed*5))
	}
	c, err := catalog.Load()
	if err != nil {
		f.Fatal(err)
	}
	var known []string
	own := []string{"job", "instance", "gpu", "le"}
	for _, m := range c.Metrics {
		known = append(known, m.Name)
		for _, a := range m.Aliases {
			s, _ := c.System(a.System)
			known = append(known, s.Spellings(a.Name)...)
			for from, to := range s.Labels {
				own = append(own, from, to)
			}
		}
	}
	slices.Sort(own)
	own = slices.Compact(own)
	f.Fuzz(func(t *testing.T, seed uint64, size uint8) {
		r := rand.New(rand.NewPCG(seed, uint64(size)))
		w := NewBuilder()
		for range 1 + int(size)%60 {
			name := known[r.IntN(len(known))]
			switch r.IntN(8) {
			case 0:
				name += "_total"
			case 1:
				name = "x" + name
			}
			ls := labels.NewBuilder(labels.FromStrings("__name__", name))
			for range r.IntN(5) {
				ls.Set(own[r.IntN(len(own))], strconv.Itoa(r.IntN(3)))
			}
			kind := Gauge
			if r.IntN(2) == 0 {
				kind = Counter
			}
			for k := range 1 + r.IntN(5) {
				w.Add(ls.Labels(), kind, t0+int64(k)*15_000, float64(r.IntN(1000)))
			}
		}
		before := w.Store(nil)
		after := Canonical(before, c)
		if after.Points() != before.Points() {
			t.Errorf("%d points, want %d", after.Points(), before.Points())
		}
		seen := map[string]bool{}
		kept := 0
		for _, x := range after.Series() {
			if id := x.Labels().String(); seen[id] {
				t.Errorf("%s is there twice", id)
			} else {
				seen[id] = true
			}
			if x.Original() {
				old := before.Select(labels.MustNewMatcher(labels.MatchEqual, "__name__", x.Name()))
				i := slices.IndexFunc(old, func(o *Series) bool { return labels.Equal(o.Labels(), x.Labels()) })
				if i < 0 || old[i].Kind() != x.Kind() || !slices.Equal(pointsOf(old[i], 1), pointsOf(x, 1)) {
					t.Errorf("%s is not what it was", x.Labels())
				}
				kept++
				continue
			}
			if to, factor, ok := c.Resolve(x.Name()); !ok || to != x.Name() || factor != 1 {
				t.Errorf("%s is no name of the catalogue", x.Name())
			}
			if !slices.ContainsFunc(before.Series(), func(o *Series) bool {
				to, factor, ok := c.Resolve(o.Name())
				return ok && to == x.Name() && slices.Equal(pointsOf(o, factor), pointsOf(x, 1))
			}) {
				t.Errorf("%s comes from nowhere", x.Labels())
			}
		}
		if kept != len(before.Series()) {
			t.Errorf("%d of %d series are left", kept, len(before.Series()))
		}
	})
}

type fuzzPoint struct {
	at int64
	v  float64
}

func pointsOf(x *Series, factor float64) (list []fuzzPoint) {
	for at, v := range x.Points() {
		list = append(list, fuzzPoint{at, catalog.Scale(v, factor)})
	}
	return list
}

// Per cent are the ratios that one would write down.
func TestCanonicalExact(t *testing.T) {
	w := NewBuilder()
	for k := range 101 {
		w.Add(labels.FromStrings("__name__", "DCGM_FI_DEV_GPU_UTIL"), Gauge, t0+int64(k)*15_000, float64(k))
	}
	k := 0
	for _, v := range Canonical(w.Store(nil), names(t)).Named("gpu_utilization")[0].Points() {
		if want, _ := strconv.ParseFloat(strconv.Itoa(k)+"e-2", 64); v != want || math.IsNaN(v) {
			t.Errorf("%d %% is %v", k, v)
		}
		k++
	}
	if k != 101 {
		t.Errorf("%d points", k)
	}
}

// uncovered are the names in recorded incidents that the catalogue leaves alone, and why.
var uncovered = map[string]string{
	"DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL":       "a rate or a count, by the version of DCGM",
	"llamacpp:n_busy_slots_per_decode":         "a mean since the start",
	"llamacpp:n_decode_total":                  "of use to the engine's developers",
	"llamacpp:predicted_tokens_seconds":        "a mean since it was last looked at",
	"llamacpp:prompt_seconds_total":            "of use to the engine's developers",
	"llamacpp:prompt_tokens_seconds":           "a mean since it was last looked at",
	"tgi_batch_forward_duration":               "of a batch, whatever is in it",
	"tgi_request_mean_time_per_token_duration": "the prefill is in it",
	"vllm:cache_config_info":                   "its numbers are in labels",
	"vllm:lora_requests_info":                  "its numbers are in labels",
	"gateway_tls_handshake_errors_total":       "nobody's in particular",
	"rag_retrieval_duration_seconds":           "nobody's in particular",
}

// The catalogue knows what engines, gateways and exporters of recorded incidents say.
func TestIncidentsAreCovered(t *testing.T) {
	cat := names(t)
	looked := map[string]time.Duration{}
	for n := range cat.Names() {
		looked[n] = lookback
	}
	of, err := NewEngine(Limits{}).Origins(cat, looked)
	if err != nil {
		t.Fatal(err)
	}
	for name := range uncovered {
		if _, ok := of(name); ok {
			t.Errorf("%s is known after all", name)
		}
	}
	for name := range namesOfIncidents(t) {
		base := name
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			base = strings.TrimSuffix(base, part)
		}
		if _, ok := of(name); !ok && uncovered[base] == "" {
			t.Errorf("nothing is made of %s", name)
		}
	}
}
