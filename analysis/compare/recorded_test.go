package compare

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/snapshot"
)

// sampled are n values about a level, each like the one before by rho.
func sampled(rng *rand.Rand, n int, level, sd, rho float64) []float64 {
	z, out := rng.NormFloat64(), make([]float64, n)
	for i := range out {
		z = rho*z + math.Sqrt(1-rho*rho)*rng.NormFloat64()
		out[i] = level + sd*z
	}
	return out
}

func TestRecorded(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	c := Recorded([]Recording{
		{Name: "same", Metric: "gpu_utilization", Before: sampled(rng, 200, 0.5, 0.01, 0), After: sampled(rng, 200, 0.5, 0.01, 0)},
		{Name: "worse", Metric: "p95_latency_ms", Before: sampled(rng, 200, 100, 5, 0), After: sampled(rng, 200, 120, 5, 0)},
		{Name: "better", Metric: "tokens_per_second", Before: sampled(rng, 200, 100, 5, 0), After: sampled(rng, 200, 120, 5, 0)},
		{Name: "changed", Metric: "gpu_temperature_c", Before: sampled(rng, 200, 60, 1, 0), After: sampled(rng, 200, 70, 1, 0)},
		{Name: "few", Metric: "p95_latency_ms", Before: []float64{1, 2}, After: []float64{3, 4}},
		{Name: "constant", Metric: "error_rate", Before: make([]float64, 20), After: make([]float64, 20)},
	}, Options{})
	want := map[string]Verdict{"same": Same, "worse": Worse, "better": Better, "changed": Changed, "few": Undetermined, "constant": Same}
	for _, m := range c.Metrics {
		if m.Verdict != want[m.Name] {
			t.Errorf("%s: %s (%+v)", m.Name, m.Verdict, m)
		}
	}
	if c.Verdict != Fail || c.Metrics[0].Name != "worse" || c.Metrics[1].Name != "changed" {
		t.Errorf("%s, first %s, %s", c.Verdict, c.Metrics[0].Name, c.Metrics[1].Name)
	}
}

// Welch's own example has no p-value to compare with; these are of R's t.test.
// t.test(1:10, c(7:20)): t = -5.4349, df = 21.982, p = 1.855e-05, interval -11.05 to -4.95.
func TestWelch(t *testing.T) {
	count := func(from, to int) (list []float64) {
		for v := from; v <= to; v++ {
			list = append(list, float64(v))
		}
		return list
	}
	// The order must not resemble itself, for the correlation of neighbours counts.
	shuffle := func(v []float64) []float64 {
		rng := rand.New(rand.NewPCG(5, 5))
		for {
			rng.Shuffle(len(v), func(i, j int) { v[i], v[j] = v[j], v[i] })
			if s := sampleOf(v); s.effective == float64(len(v)) {
				return v
			}
		}
	}
	var m Metric
	m.welch(shuffle(count(1, 10)), shuffle(count(7, 20)))
	if math.Abs(*m.P/1.855e-05-1) > 0.001 {
		t.Errorf("p %v, want 1.855e-05", *m.P)
	}
	if math.Abs(*m.Low*5.5-4.947) > 0.01 || math.Abs(*m.High*5.5-11.053) > 0.01 {
		t.Errorf("interval %v to %v", *m.Low*5.5, *m.High*5.5)
	}
}

// Samples that resemble each other must not make changes of noise.
func TestCorrelatedSamples(t *testing.T) {
	for _, rho := range []float64{0, 0.5, 0.9} {
		alarms := 0
		for i := range 400 {
			rng := rand.New(rand.NewPCG(uint64(i), 3))
			c := Recorded([]Recording{{Name: "x", Metric: "x", Before: sampled(rng, 120, 100, 20, rho), After: sampled(rng, 120, 100, 20, rho)}}, Options{})
			if c.Metrics[0].Verdict == Changed {
				alarms++
			}
		}
		t.Logf("correlation %v: %d alarms of 400", rho, alarms)
		if alarms > 4 {
			t.Errorf("correlation %v: %d alarms of 400", rho, alarms)
		}
	}
}

func TestConfiguration(t *testing.T) {
	before := snapshot.Snapshot{
		Host:    &snapshot.Host{Kernel: "6.1", CPU: &snapshot.CPU{Logical: new(8), Utilization: new(0.1)}},
		GPUs:    []snapshot.GPU{{Index: 0, Driver: "550.54", CUDA: "12.4", Utilization: new(0.1)}, {Index: 1, Driver: "550.54"}},
		Servers: []snapshot.Server{{URL: "http://a", Up: true, Engine: "vllm", Version: "0.6.0", Running: new(3.0)}},
	}
	after := before
	after.Host = &snapshot.Host{Kernel: "6.2", CPU: &snapshot.CPU{Logical: new(8), Utilization: new(0.9)}}
	after.GPUs = []snapshot.GPU{{Index: 0, Driver: "560.1", CUDA: "12.4", Utilization: new(0.9)}}
	after.Servers = []snapshot.Server{{URL: "http://a", Up: true, Engine: "vllm", Version: "0.7.0", Running: new(9.0)}}
	got := map[string]Drift{}
	for _, d := range Configuration(before, after).Drift {
		got[d.Key] = d
	}
	for _, want := range []Drift{{"host kernel", "6.1", "6.2"}, {"gpu 0 driver", "550.54", "560.1"}, {"gpu 1 driver", "550.54", ""}, {"gpus", "2", "1"}, {"server version", "0.6.0", "0.7.0"}} {
		if got[want.Key] != want {
			t.Errorf("%s: %+v, want %+v", want.Key, got[want.Key], want)
		}
	}
	if len(got) != 5 {
		t.Errorf("load is no configuration: %v", got)
	}
	silent := before
	silent.Errors = []snapshot.Problem{{Source: "gpu", Status: snapshot.Unavailable}, {Source: "host", What: "cgroup", Status: snapshot.Unavailable}}
	if got, want := Configuration(silent, before).Warnings, []string{"before: gpu could not be read: unavailable", "before: host cgroup could not be read: unavailable"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if c := Configuration(before, before); len(c.Drift) > 0 || c.Verdict != Pass {
		t.Errorf("the same: %+v", c)
	}
}

func TestSettings(t *testing.T) {
	with := func(engine string, config map[string]string) snapshot.Snapshot {
		return snapshot.Snapshot{Servers: []snapshot.Server{{URL: "http://a", Up: true, Engine: engine, Config: config}}}
	}
	vllm := with("vllm", map[string]string{"block_size": "16", "cache_dtype": "auto", "max_model_len": "8192"})
	more := with("vllm", map[string]string{"block_size": "32", "cache_dtype": "auto", "swap": "4"})
	two := vllm
	two.Servers = append(slices.Clone(vllm.Servers), snapshot.Server{URL: "http://b", Config: map[string]string{"x": "1"}})
	for name, tt := range map[string]struct {
		before, after snapshot.Snapshot
		want          []Drift
		warning       string
	}{
		"flags":         {vllm, more, []Drift{{"server config block_size", "16", "32"}, {"server config max_model_len", "8192", ""}, {"server config swap", "", "4"}}, ""},
		"the same":      {vllm, vllm, nil, ""},
		"none known":    {with("vllm", nil), with("vllm", nil), nil, ""},
		"older":         {with("vllm", nil), vllm, nil, "server: its settings are not known before, and not compared"},
		"not any more":  {vllm, with("vllm", nil), nil, "server: its settings are not known after, and not compared"},
		"other engine":  {vllm, with("sglang", map[string]string{"tp_size": "1"}), []Drift{{"server engine", "vllm", "sglang"}}, "server: settings of vllm and sglang are not compared"},
		"both, of many": {two, two, nil, ""},
	} {
		c := Configuration(tt.before, tt.after)
		if diff := cmp.Diff(tt.want, c.Drift); diff != "" || strings.Join(c.Warnings, ";") != tt.warning {
			t.Errorf("%s: %v\n%s", name, c.Warnings, diff)
		}
	}
}
