package loadreport

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"llmops/probes/request"
	"llmops/probes/snapshot"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// reply is a request that was due at a time since noon, and what became of it.
func reply(due, late, connect, ttft time.Duration) *request.Record {
	r := &request.Record{OK: true, ScheduledAt: noon.Add(due), SentAt: noon.Add(due + late), Lateness: new(late)}
	r.FirstTokenAt = r.SentAt.Add(ttft)
	if connect > 0 {
		r.ConnectMs = new(connect.Seconds() * 1e3)
	}
	return r
}

// engineSaw is an engine's histogram of equal values, whose bucket has these bounds.
func engineSaw(count, mean, low, high float64) *snapshot.Distribution {
	d := &snapshot.Distribution{Count: count, Mean: new(mean), Bounds: map[string]snapshot.Bounds{}}
	for name, v := range map[string]**float64{"p50": &d.P50, "p90": &d.P90, "p95": &d.P95, "p99": &d.P99} {
		*v = new((low + high) / 2)
		d.Bounds[name] = snapshot.Bounds{Low: low, High: new(high)}
	}
	return d
}

const thousand = 1000

// TestTwoSides compares what a client and an engine say of the same requests: 100 ms in
// the engine's buckets of 75 to 125 ms.
func TestTwoSides(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		late, connect, ttft time.Duration // of each request
		every               int           // request only, the others take 100 ms and are in time; 0: each
		trip                time.Duration
		count               float64
		client              ClientVerdict
		figures             []string
		side                Side
		words               string
	}{
		"the same":                        {ttft: 100 * ms},
		"within 10 %":                     {ttft: 109 * ms},
		"slower by 50 ms":                 {ttft: 150 * ms, figures: []string{"mean", "p50", "p95", "p99"}, side: SideBetween, words: "a proxy"},
		"the network explains it":         {ttft: 150 * ms, trip: 45 * ms},
		"it explains a part":              {ttft: 150 * ms, trip: 20 * ms, figures: []string{"mean"}, side: SideBetween, words: "explains 20ms"},
		"a client that is doubted":        {ttft: 150 * ms, client: ClientSuspect, figures: []string{"mean", "p50", "p95", "p99"}, side: SideBetween, words: "which is suspect"},
		"sent late":                       {late: 40 * ms, ttft: 100 * ms, figures: []string{"mean", "p50", "p95", "p99"}, side: SideClient, words: "late to send"},
		"connecting":                      {connect: 35 * ms, ttft: 140 * ms, figures: []string{"mean", "p50", "p95", "p99"}, side: SideConnect, words: "connections"},
		"the engine has more":             {ttft: 60 * ms, figures: []string{"mean", "p50", "p95", "p99"}, side: SideServer, words: "the engine counts more"},
		"the tail alone":                  {late: 400 * ms, ttft: 100 * ms, every: 50, figures: []string{"p99"}, side: SideClient},
		"a bucket's width explains":       {ttft: 124 * ms, every: 4},
		"others are there":                {ttft: 150 * ms, count: 1500, words: "other clients"},
		"some went elsewhere":             {ttft: 150 * ms, count: 500, words: "--server"},
		"a health check is no other user": {ttft: 100 * ms, count: 1009},
	} {
		t.Run(name, func(t *testing.T) {
			side := &ServerSide{}
			side.Begin(noon, 0)
			for i := range thousand {
				due := time.Duration(i) * ms
				if c.every > 0 && i%c.every != 0 {
					side.Add(reply(due, 0, 0, 100*ms))
					continue
				}
				side.Add(reply(due, c.late, c.connect, c.ttft))
			}
			count := max(c.count, 0)
			if count == 0 {
				count = thousand
			}
			run := ServerRun{Window: &snapshot.Server{Engine: "vllm", TTFT: engineSaw(count, 100, 75, 125)}, RoundTrip: &c.trip, Client: c.client}
			if c.client == "" {
				run.Client = ClientValid
			}
			s, warnings := side.Summary(run)
			if (s.Disagreement != nil) != (c.words != "" || c.side != "") || len(warnings) != len(slices.DeleteFunc([]*Disagreement{s.Disagreement}, func(d *Disagreement) bool { return d == nil })) {
				t.Fatalf("%+v, %v", s.Disagreement, warnings)
			}
			if d := s.Disagreement; d != nil {
				if !slices.Equal(d.Figures, c.figures) || d.Side != c.side || !strings.Contains(d.Detail, c.words) {
					t.Errorf("%+v", d)
				}
				if (s.Split == nil) != (len(d.Figures) == 0) {
					t.Errorf("%+v", s.Split)
				}
				if d.ClientRequests != thousand || d.ServerRequests != count {
					t.Errorf("%v and %v requests", d.ClientRequests, d.ServerRequests)
				}
			}
		})
	}
}

// TestSplitAddsUp: the parts of the mean TTFT come to the client's mean.
func TestSplitAddsUp(t *testing.T) {
	const ms = time.Millisecond
	side := &ServerSide{}
	side.Begin(noon, 0)
	for i := range thousand {
		side.Add(reply(time.Duration(i)*ms, time.Duration(i%3)*ms, time.Duration(i%2)*ms, time.Duration(107+i%5)*ms))
	}
	window := &snapshot.Server{Engine: "vllm", TTFT: engineSaw(thousand, 105, 75, 125),
		Queue: engineSaw(thousand, 30, 25, 50), Prefill: engineSaw(thousand, 70, 50, 75)}
	s, _ := side.Summary(ServerRun{Window: window, Client: ClientValid})
	p := s.Split
	if p == nil {
		t.Fatal("no split")
	}
	total := 0.0
	for _, v := range []*float64{p.ClientMs, p.ConnectMs, p.NetworkMs, p.QueueMs, p.PrefillMs, p.OtherMs} {
		if v == nil {
			t.Fatalf("%+v", p)
		}
		total += *v
	}
	if math.Abs(total-*s.ClientTTFT.Mean) > 1e-3 || *p.QueueMs != 30 || *p.PrefillMs != 70 || *p.OtherMs != 5 || math.Abs(*p.ClientMs-0.999) > 1e-3 || *p.ConnectMs != 0.5 {
		t.Errorf("%v of %v: %+v", total, *s.ClientTTFT.Mean, p)
	}
	// What was counted of other requests is no part of it.
	window.Queue = engineSaw(thousand/2, 30, 25, 50)
	if s, _ := side.Summary(ServerRun{Window: window, Client: ClientValid}); s.Split.QueueMs != nil || s.Split.OtherMs != nil {
		t.Errorf("%+v", s.Split)
	}
}

// The window begins with a reading: what got its token before is not compared, in
// whatever order the two are told.
func TestWindowOfTheServer(t *testing.T) {
	const ms = time.Millisecond
	for _, first := range []bool{true, false} {
		side := &ServerSide{}
		if first {
			side.Begin(noon.Add(500*ms), 3)
		}
		for i := range thousand {
			side.Add(reply(time.Duration(i)*ms, 0, 0, 10*ms))
		}
		if !first {
			side.Begin(noon.Add(500*ms), 3)
		}
		s, warnings := side.Summary(ServerRun{Window: &snapshot.Server{TTFT: engineSaw(513, 10, 5, 15)}, Client: ClientValid})
		if s.ClientTTFT.Count != 510 || s.Disagreement != nil || len(warnings) > 0 {
			t.Errorf("%v of the client's, %+v, %v", s.ClientTTFT.Count, s.Disagreement, warnings)
		}
	}
}

// The engine counts the load of all shards; a shard whose requests it does not count
// still has something to say.
func TestServerOfAShard(t *testing.T) {
	for count, disagree := range map[float64]bool{2 * thousand: false, thousand / 2: true} {
		side := &ServerSide{}
		side.Begin(noon, 0)
		for i := range thousand {
			side.Add(reply(time.Duration(i)*time.Millisecond, 0, 0, 10*time.Millisecond))
		}
		run := ServerRun{Window: &snapshot.Server{TTFT: engineSaw(count, 10, 5, 15)}, Client: ClientValid, Shard: true}
		s, warnings := side.Summary(run)
		if (s.Disagreement != nil) != disagree || (len(warnings) > 0) != disagree || s.Split != nil || s.TTFT.Count != count {
			t.Errorf("%v: %+v, %+v, %v", count, s.Disagreement, s.Split, warnings)
		}
		run.Shard = false
		if s, warnings := side.Summary(run); s.Disagreement == nil || len(warnings) != 1 {
			t.Errorf("%v, of a whole run: %+v, %v", count, s.Disagreement, warnings)
		}
	}
}

// A request that got no token here may have got one in the engine; when there are many
// of them, nothing is compared.
func TestCutRequestsAreNotCompared(t *testing.T) {
	side := &ServerSide{}
	side.Begin(noon, 0)
	for i := range 100 {
		side.Add(reply(time.Duration(i), 0, 0, 10*time.Millisecond))
		side.Add(&request.Record{Error: request.Cancelled, SentAt: noon})
	}
	if s, _ := side.Summary(ServerRun{Window: &snapshot.Server{TTFT: engineSaw(150, 200, 100, 300)}, Client: ClientValid}); s.Disagreement != nil || s.Split.NetworkMs != nil {
		t.Errorf("%+v %+v", s.Disagreement, s.Split)
	}
}

// What was not measured is absent and says why.
func TestServerNotMeasured(t *testing.T) {
	side := &ServerSide{}
	side.Add(reply(0, 0, 0, time.Millisecond))
	s, warnings := side.Summary(ServerRun{URLs: []string{"http://a:1"}, Scrapes: 2, Failed: 1, Why: "the server was restarted"})
	if s.TTFT != nil || s.ClientTTFT != nil || s.Split != nil || s.Running != nil || s.WindowS != nil || s.NotMeasured == "" || s.URL != "http://a:1" || len(warnings) > 0 {
		t.Errorf("%+v, %v", s, warnings)
	}
}

// Of several servers one may be dead. What the others counted is told, beside nothing
// of the client, which saw them all.
func TestServerNotMeasuredOfAll(t *testing.T) {
	side := &ServerSide{}
	side.Begin(noon, 0)
	for i := range 100 {
		side.Add(reply(time.Duration(i), 0, 0, 10*time.Millisecond))
	}
	s, warnings := side.Summary(ServerRun{URLs: []string{"http://a:1"}, Why: "http://b:1 was restarted", Window: &snapshot.Server{TTFT: engineSaw(50, 9, 5, 20), Queue: engineSaw(50, 2, 0, 5)}})
	if s.TTFT == nil || s.TTFT.Count != 50 || s.NotMeasured != "http://b:1 was restarted" || s.ClientTTFT != nil || s.Disagreement != nil || len(warnings) > 0 {
		t.Errorf("%+v %v", s, warnings)
	}
	if p := s.Split; p == nil || p.QueueMs == nil || *p.QueueMs != 2 || p.NetworkMs != nil || p.ClientMs != nil {
		t.Errorf("%+v", p)
	}
}

// Gauges are of the readings; the course stays small however long a run is, and keeps
// to the whole of it.
func TestCourseOfTheServer(t *testing.T) {
	side := &ServerSide{}
	const n = 3*maxMoments + 17
	for i := range n {
		server := snapshot.Server{Running: new(float64(i % 2)), KVCacheUtilization: new(0.25)}
		other := snapshot.Server{Running: new(2.0), KVCacheUtilization: new(float64(i) / n)}
		gpu := snapshot.GPU{Index: 1, Utilization: new(0.5), Power: &snapshot.GPUPower{DrawW: new(float64(i % 300))}}
		side.See(snapshot.Snapshot{TakenAt: noon.Add(time.Duration(i) * time.Second), Servers: []snapshot.Server{server, other}, GPUs: []snapshot.GPU{gpu}})
	}
	s, _ := side.Summary(ServerRun{Why: "-"})
	if s.Running.Max != 3 || math.Abs(s.Running.Mean-2.5) > 1e-3 || s.Waiting != nil || math.Abs(s.KVCacheUtilization.Max-1) > 1e-3 {
		t.Errorf("%+v %+v %+v", s.Running, s.Waiting, s.KVCacheUtilization)
	}
	if len(s.GPUs) != 1 {
		t.Fatalf("%+v", s.GPUs)
	}
	if g := s.GPUs[0]; g.Label != "1" || g.Utilization.Mean != 0.5 || g.PowerW.Max != 299 || g.MemoryUtilization != nil {
		t.Errorf("%+v %+v %+v", g, g.Utilization, g.PowerW)
	}
	course := side.Course()
	if len(course) > maxMoments || len(course) < maxMoments/4 {
		t.Errorf("%d moments", len(course))
	}
	for i := 2; i < len(course); i++ {
		if !course[i].At.After(course[i-1].At) {
			t.Fatalf("moment %d at %v after one at %v", i, course[i].At, course[i-1].At)
		}
	}
	if first, last := course[0].At.Sub(noon), course[len(course)-1].At.Sub(noon); first > 10*time.Second || last < (n-10)*time.Second {
		t.Errorf("from %v to %v", first, last)
	}
}
