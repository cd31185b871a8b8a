package loadtestcmd

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/render"
	"llmops/probes/snapshot"
)

// watched is a run of a minute in which two servers and two GPUs were read.
func watched() page {
	from := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	side := &loadreport.ServerSide{}
	for i := range 62 { // one before the measured part, one after the run
		wave := 0.5 + 0.4*math.Sin(float64(i)/8)
		s := snapshot.Snapshot{TakenAt: from.Add(time.Duration(i-1) * time.Second)}
		s.Servers = []snapshot.Server{{Running: new(60 * wave), Waiting: new(max(0, 40*(wave-0.6))), KVCacheUtilization: new(wave)}}
		for g := range 2 {
			gpu := snapshot.GPU{Index: g, Memory: &snapshot.GPUMemory{Utilization: new(0.9)}, Power: &snapshot.GPUPower{DrawW: new(300 + 300*wave)}}
			if g == 0 || i%20 > 4 { // one is not read now and then
				gpu.Utilization = new(wave)
			}
			s.GPUs = append(s.GPUs, gpu)
		}
		side.See(s)
	}
	server, _ := side.Summary(loadreport.ServerRun{Engine: "vllm", URLs: []string{"http://a:8000"}, Scrapes: 62, Why: "the server was restarted"})
	return page{summary: loadreport.Summary{DurationS: 60, Verdict: loadreport.Pass, Server: server}, server: side.Course(), from: from,
		course: []loadreport.Moment{{From: 0, To: 30 * time.Second, Succeeded: 20}, {From: 30 * time.Second, To: time.Minute, Succeeded: 30}}}
}

// The page has the server's gauges on the time axis of the requests.
func TestServerCharts(t *testing.T) {
	p := watched()
	var titles []string
	for _, s := range p.serverCharts() {
		titles = append(titles, s.Title)
		if x := s.Chart.X; len(x) != 61 || x[0] != 0 || x[60] != 60 || s.Chart.XLabel != "" {
			t.Errorf("%s: %d values from %v to %v", s.Title, len(x), x[0], x[len(x)-1])
		}
	}
	if got := strings.Join(titles, ", "); got != "Requests in the server, KV cache in use, GPU utilization, GPU memory in use, GPU power" {
		t.Errorf("charts %s", got)
	}
	var out bytes.Buffer
	if err := p.write(&out); err != nil || !strings.Contains(out.String(), "GPU 1: busy") || !strings.Contains(out.String(), "the server was restarted") {
		t.Errorf("%v", err)
	}
	if p.server = p.server[:1]; p.serverCharts() != nil {
		t.Error("one reading is no course")
	}
}

// The table has both sides, and says of a percentile in the last bucket that it is a
// lower bound.
func TestServerTable(t *testing.T) {
	d := &snapshot.Distribution{Count: 3, Mean: new(12.0), P50: new(10.0), P99: new(2500.0), Bounds: map[string]snapshot.Bounds{
		"p50": {Low: 5, High: new(15.0)}, "p99": {Low: 2500}}}
	client := &snapshot.Distribution{Count: 3, Mean: new(14.0), P50: new(11.0)}
	s := loadreport.Summary{Server: &loadreport.Server{Engine: "vllm", WindowS: new(2.0), TTFT: d, ClientTTFT: client, Queue: &snapshot.Distribution{},
		Split: &loadreport.Split{ClientMs: new(0.0), NetworkMs: new(2.0), QueueMs: new(1.0)}}}
	var out bytes.Buffer
	if err := render.Write(&out, "markdown", 0, nil, serverTable(s)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ttft_ms (client)", "≥ 2500", "| 12 "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "queue_ms") {
		t.Errorf("a distribution of nothing:\n%s", out.String())
	}
	if text := strings.Join(serverLines(s), "\n"); !strings.Contains(text, "mean TTFT: client 0ms + network 2ms + queue 1ms") {
		t.Error(text)
	}
	s.Server = nil
	if len(serverTable(s).Rows) > 0 || serverLines(s) != nil {
		t.Error("there is no server")
	}
}
