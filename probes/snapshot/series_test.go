package snapshot

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func collect(s Snapshot) []Sample {
	var out []Sample
	for x := range s.Samples {
		out = append(out, x)
	}
	return out
}

func TestOwnSamples(t *testing.T) {
	s := Snapshot{
		Findings: []Finding{{ID: "gpu_lost", Severity: Critical}, {ID: "gpu_hot", Severity: Warning}, {ID: "disk_full", Severity: Warning}},
		Errors: []Problem{
			{Source: "nvml", What: "gpu 1 ecc", Status: Unsupported}, {Source: "nvml", What: "gpu 0 ecc", Status: Unsupported},
			{Source: "nvml", Status: Forbidden}, {Source: "host", Status: Timeout},
		},
		TimingsMS: map[string]float64{"nvml": 12.5, "host": 1.5, "broken": math.Inf(1)},
	}
	of := func(name string, v float64, labels ...Label) Sample { return Sample{name, labels, v, Gauge} }
	want := []Sample{
		of("findings", 1, Label{"severity", "critical"}),
		of("findings", 2, Label{"severity", "warning"}),
		of("findings", 0, Label{"severity", "info"}),
		of("probe_errors", 1, Label{"source", "host"}, Label{"status", "timeout"}),
		of("probe_errors", 1, Label{"source", "nvml"}, Label{"status", "forbidden"}),
		of("probe_errors", 2, Label{"source", "nvml"}, Label{"status", "unsupported"}),
		of("probe_duration_ms", 1.5, Label{"probe", "host"}),
		of("probe_duration_ms", 12.5, Label{"probe", "nvml"}),
	}
	if diff := cmp.Diff(want, collect(s)); diff != "" {
		t.Error(diff)
	}
}

func TestLabelsAreSortedAndNeverEmpty(t *testing.T) {
	h := &Host{Filesystems: []Filesystem{{Mountpoint: "/data", Type: "ext4", Utilization: new(0.5), TotalBytes: new(uint64(7))}}}
	for _, x := range collect(Snapshot{Host: h}) {
		if x.Name != "disk_utilization" {
			continue
		}
		if diff := cmp.Diff([]Label{{"fstype", "ext4"}, {"mountpoint", "/data"}}, x.Labels); diff != "" {
			t.Error(diff)
		}
		return
	}
	t.Error("no disk_utilization")
}

func TestNotANumberIsNoSample(t *testing.T) {
	c := &CPU{Utilization: new(math.NaN()), User: new(math.Inf(1)), System: new(math.Inf(-1)), Steal: new(0.0)}
	var names []string
	for _, x := range collect(Snapshot{Host: &Host{CPU: c}}) {
		names = append(names, x.Name)
	}
	if diff := cmp.Diff([]string{"host_info", "cpu_steal", "findings", "findings", "findings"}, names); diff != "" {
		t.Error(diff)
	}
}

// A reader that has had enough is not called again, wherever it stops.
func TestSamplesStopAnywhere(t *testing.T) {
	h, _ := filledHost()
	s := Snapshot{
		Host: &h, GPUs: []GPU{{Utilization: new(0.5)}, {Index: 1, Utilization: new(0.25)}}, Servers: []Server{{URL: "http://x", Up: true}},
		Business: &Business{Values: []BusinessValue{{Name: "active_users", Value: 5}}}, TimingsMS: map[string]float64{"host": 1},
	}
	all := len(collect(s))
	if all < 100 {
		t.Fatalf("only %d samples", all)
	}
	for stop := 1; stop <= all; stop++ {
		n := 0
		for range s.Samples {
			if n++; n == stop {
				break // ranging panics if it is called once more
			}
		}
		if n != stop {
			t.Fatalf("stopped at %d instead of %d", n, stop)
		}
	}
}
