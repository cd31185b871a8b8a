package loadreport

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"llmops/probes/request"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, s Summary) {
	t.Helper()
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		t.Fatal(err)
	}
	got := out.Bytes()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (rewrite with -update):\n%s", path, cmp.Diff(string(want), string(got)))
	}
}

func TestGoldenOpenLoop(t *testing.T) {
	a := New(Config{
		Objectives: objectives(t, "p95_latency_ms < 150", "p99_ttft_ms < 60ms", "mean_tpot_ms < 12", "error_rate < 5%", "requests_per_second > 9", "max_latency_ms < 1s"),
		Price:      Price{PerHour: new(3.6)},
	})
	a.Start(epoch)
	for i := range 100 {
		at := time.Duration(i) * 100 * time.Millisecond
		r := streamed(at, ms(20+float64(i%10)), ms(10), 10)
		if i == 42 || i == 43 {
			r = failing(at, request.TimeoutFirstToken)
		}
		r.Lateness = new(time.Duration(i%20) * 50 * time.Microsecond)
		if i == 99 {
			r = &request.Record{Error: request.Cancelled, ScheduledAt: epoch.Add(at), SentAt: epoch.Add(at)}
		}
		a.Add(r)
	}
	golden(t, "open.json", a.Summary(Run{
		Version: "test", Target: Target{URL: "http://127.0.0.1:8000/v1", API: "chat", Model: "m"},
		Load:      Load{Mode: "open", Rate: new(10.0), Arrivals: new("constant"), Seed: 1},
		StartedAt: epoch, Duration: 11 * time.Second,
		Client: ClientFacts{TimestampSource: "kernel", CPU: new(220 * time.Millisecond), Cores: 2, AskedRate: new(10.0), AchievedRate: new(10.0)},
	}))
}

func TestGoldenNothingMeasured(t *testing.T) {
	golden(t, "empty.json", New(Config{}).Summary(Run{
		Version: "test", Target: Target{URL: "http://127.0.0.1:8000/v1", API: "chat", Model: "m"},
		Load: Load{Mode: "closed", Concurrency: new(64), Seed: 1}, StartedAt: epoch,
	}))
}

// The keys of the contract are all there, and no value is null but the two
// that may be.
func TestContractKeys(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "open.json"))
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	for path, keys := range map[string][]string{
		"":           {"schema", "version", "target", "load", "started_at", "duration_s", "measured_s", "requests", "errors", "tokens", "throughput", "metrics", "client", "slo", "cost", "verdict"},
		"target":     {"url", "api", "model"},
		"load":       {"mode", "concurrency", "rate", "arrivals", "seed", "warmup_requests"},
		"requests":   {"total", "succeeded", "failed", "cancelled"},
		"tokens":     {"prompt", "completion", "source"},
		"throughput": {"requests_per_second", "tokens_per_second", "goodput"},
		"metrics":    {"latency_ms", "ttft_ms", "tpot_ms", "itl_ms", "chunk_gap_ms", "queue_ms"},
		"client":     {"verdict", "reasons", "timestamp_source", "coalesced_ratio", "dispatch_lateness_us", "cpu_us_per_event"},
		"cost":       {"per_request_usd", "per_1k_tokens_usd"},
	} {
		node := doc
		if path != "" {
			node = doc[path].(map[string]any)
		}
		for _, k := range keys {
			if _, ok := node[k]; !ok {
				t.Errorf("%s.%s is missing", path, k)
			}
		}
	}
	for _, name := range []string{"count", "mean", "min", "p50", "p90", "p95", "p99", "p999", "max"} {
		if _, ok := doc["metrics"].(map[string]any)["latency_ms"].(map[string]any)[name]; !ok {
			t.Errorf("metrics.latency_ms.%s is missing", name)
		}
	}
}

// The order of records changes nothing, and each figure is what its definition
// gives by a straight calculation.
func TestSummaryAgainstDefinitions(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	var records []*request.Record
	for i := range 3000 {
		at := time.Duration(i) * ms(7)
		switch r.IntN(20) {
		case 0:
			records = append(records, failing(at, request.HTTP(500+r.IntN(3))))
		case 1:
			records = append(records, &request.Record{Error: request.Cancelled, ScheduledAt: epoch.Add(at), SentAt: epoch.Add(at), DoneAt: epoch.Add(at + ms(800))})
		default:
			rec := streamed(at, ms(5+r.ExpFloat64()*50), ms(1+r.Float64()*10), 2+r.IntN(30))
			rec.SentAt = rec.SentAt.Add(ms(r.Float64()))
			rec.Derive()
			for j := range rec.Chunks {
				rec.Chunks[j].Tokens = 1 + r.Int32N(3)
			}
			records = append(records, rec)
		}
	}
	texts := []string{"p95_latency_ms < 200", "p50_ttft_ms < 40", "mean_itl_ms < 4"}
	a := New(Config{Objectives: objectives(t, texts...)})
	for _, rec := range records {
		a.Add(rec)
	}
	s := a.Summary(Run{})

	var lat, gaps, itls []float64
	var good, tokens int64
	var inFlight time.Duration
	first, last := records[0].ScheduledAt, time.Time{}
	for _, rec := range records {
		inFlight += rec.DoneAt.Sub(rec.SentAt)
		if rec.DoneAt.After(last) {
			last = rec.DoneAt
		}
		if !rec.OK {
			continue
		}
		lat = append(lat, *rec.LatencyMs)
		tokens += *rec.CompletionTokens
		if *rec.LatencyMs < 200 && *rec.TTFTms < 40 {
			good++
		}
		for i := 1; i < len(rec.Chunks); i++ {
			gap := request.Ms(rec.Chunks[i].At - rec.Chunks[i-1].At)
			gaps = append(gaps, gap)
			itls = append(itls, gap/float64(rec.Chunks[i].Tokens))
		}
	}
	window := last.Sub(first).Seconds()
	near := func(name string, got *float64, want, tolerance float64) {
		t.Helper()
		if got == nil || math.Abs(*got-want) > tolerance*math.Abs(want)+1e-6 {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	rank := func(x []float64, q float64) float64 {
		slices.Sort(x)
		return x[int(math.Ceil(q*float64(len(x))-1e-9))-1]
	}
	near("measured", s.MeasuredS, window, 0)
	near("requests_per_second", s.Throughput.RequestsPerSecond, float64(len(lat))/window, 0)
	near("tokens_per_second", s.Throughput.TokensPerSecond, float64(tokens)/window, 0)
	near("goodput", s.Throughput.Goodput, float64(good)/window, 0)
	near("concurrency", s.Throughput.Concurrency, inFlight.Seconds()/window, 0)
	near("p95 latency", s.Metrics.Latency.P95, rank(lat, 0.95), 0.001)
	near("p999 latency", s.Metrics.Latency.P999, rank(lat, 0.999), 0.001)
	near("p99 gap", s.Metrics.ChunkGap.P99, rank(gaps, 0.99), 0.001)
	near("p50 itl", s.Metrics.ITL.P50, rank(itls, 0.5), 0.001)
	near("max gap", s.Metrics.ChunkGap.Max, gaps[len(gaps)-1], 0)
	if s.Metrics.ITL.Count != uint64(len(itls)) || s.Requests.Total != 3000 ||
		s.Requests.Total != s.Requests.Succeeded+s.Requests.Failed+s.Requests.Cancelled {
		t.Errorf("%+v, %d gaps", s.Requests, s.Metrics.ITL.Count)
	}

	b := New(Config{Objectives: objectives(t, texts...)})
	b.Start(records[0].ScheduledAt)
	for _, i := range r.Perm(len(records)) {
		b.Add(records[i])
	}
	if d := cmp.Diff(rounded(s), rounded(b.Summary(Run{}))); d != "" {
		t.Errorf("the order of records shows:\n%s", d)
	}
}

// rounded takes the last digits off the details, where sums of floats in
// another order may differ.
func rounded(s Summary) Summary {
	s.SLO = slices.Clone(s.SLO)
	for i := range s.SLO {
		if s.SLO[i].Observed != nil {
			s.SLO[i].Observed = new(math.Round(*s.SLO[i].Observed*1e3) / 1e3)
		}
	}
	return s
}

func TestTokenSource(t *testing.T) {
	for want, from := range map[string][]string{"usage": {"usage", "usage"}, "chunks": {"chunks"}, "mixed": {"usage", "chunks"}, "": {""}} {
		a := New(Config{})
		for _, f := range from {
			r := plain(0, ms(5))
			r.TokensFrom = f
			a.Add(r)
		}
		if got := a.Summary(Run{}).Tokens; got.Source != want || got.Completion != nil {
			t.Errorf("%v: %+v", from, got)
		}
	}
}

// A limit for the median is not meant for each request: the highest percentile
// of a metric counts for goodput. A metric that nothing had leaves goodput out.
func TestGoodputLimits(t *testing.T) {
	for _, c := range []struct {
		objectives []string
		want       *float64
	}{
		{[]string{"p50_latency_ms < 150", "p99_latency_ms < 501"}, new(100.0)},
		{[]string{"p99_latency_ms < 501", "p50_latency_ms < 150"}, new(100.0)},
		{[]string{"p50_latency_ms < 150"}, new(90.0)},
		{[]string{"max_latency_ms < 150", "p99_latency_ms < 501"}, new(90.0)},
		{[]string{"mean_latency_ms < 150", "error_rate < 1%", "p95_itl_ms < 4"}, nil},
		{[]string{"p50_latency_ms < 150", "p95_ttft_ms < 100"}, nil},
		{nil, nil},
	} {
		a := New(Config{Objectives: objectives(t, c.objectives...)})
		mix(a, 90, 10, 0, 0)
		s := a.Summary(Run{})
		got := s.Throughput.Goodput
		if (got == nil) != (c.want == nil) || got != nil && math.Abs(*got**s.MeasuredS-*c.want) > 1e-3 {
			t.Errorf("%q: %v of %v s", c.objectives, got, *s.MeasuredS)
		}
	}
}

func TestTimelineMergesBins(t *testing.T) {
	line := timeline{base: epoch, width: firstBin}
	r := rand.New(rand.NewPCG(1, 9))
	total := int64(0)
	end := epoch
	for range 20_000 {
		at := epoch.Add(time.Duration(r.ExpFloat64() * float64(time.Hour)))
		if at.After(end) {
			end = at
		}
		line.add(at, bin{succeeded: 1, tokens: 3})
		total++
	}
	if len(line.bins) > maxBins {
		t.Errorf("%d bins", len(line.bins))
	}
	w := line.rates(epoch, end, 20, func(b bin) int64 { return b.succeeded })
	if got := w.Mean * end.Sub(epoch).Seconds(); math.Abs(got-float64(total)) > 1e-6*float64(total) {
		t.Errorf("the slices hold %v of %d", got, total)
	}
}

func TestLive(t *testing.T) {
	a := New(Config{})
	if l := a.Live(epoch); l.P50 != nil || l.RequestsPerSec != 0 {
		t.Errorf("%+v", l)
	}
	a.Start(epoch)
	for i := range 1000 { // 10 s at 100/s, after 10 s of silence
		a.Add(streamed(10*time.Second+time.Duration(i)*ms(10), ms(2), ms(1), 4))
	}
	a.Add(failing(19*time.Second, request.DNS))
	l := a.Live(epoch.Add(20 * time.Second))
	if l.Requests.Succeeded != 1000 || l.Errors["dns"] != 1 || math.Abs(l.RequestsPerSec-100) > 3 || math.Abs(l.TokensPerSec-400) > 12 {
		t.Errorf("%+v", l)
	}
	if l.P50 == nil || l.P95 == nil || *l.P50 != 5*time.Millisecond || *l.TTFTp50 != 2*time.Millisecond {
		t.Errorf("%v %v %v", l.P50, l.P95, l.TTFTp50)
	}
}

func TestConcurrentUse(t *testing.T) {
	a := New(Config{Objectives: objectives(t, "p95_latency_ms < 500")})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 200 {
				a.Add(plain(time.Duration(i*4+w)*ms(1), ms(3)))
				a.Live(epoch.Add(time.Second))
			}
		})
	}
	wg.Wait()
	if s := a.Summary(Run{}); s.Requests.Total != 800 || s.Verdict != Pass {
		t.Errorf("%+v %s", s.Requests, s.Verdict)
	}
}

// Odd records must do no harm: no times, no numbers, reversed chunks.
func TestOddRecords(t *testing.T) {
	a := New(Config{Objectives: objectives(t, "p95_latency_ms < 5", "requests_per_second > 1", "quality_score > 0", "mean_itl_ms < 3")})
	for _, r := range []*request.Record{
		{}, {OK: true}, {OK: true, DoneAt: epoch}, {OK: true, LatencyMs: new(math.NaN()), Quality: new(math.Inf(1))},
		{OK: true, LatencyMs: new(1e300), TTFTms: new(-1e300)}, {OK: false, DoneAt: epoch.Add(-time.Hour), SentAt: epoch},
		{OK: true, SentAt: epoch, DoneAt: epoch.Add(400 * 24 * time.Hour), Chunks: []request.Chunk{{At: 5}, {At: 3, Tokens: -1}}},
	} {
		a.Add(r)
	}
	if _, err := json.Marshal(a.Summary(Run{})); err != nil {
		t.Error(err)
	}
	a.Live(epoch)
	if b := a.LatencyHistogram(8); len(b) > 8 {
		t.Errorf("%d rows", len(b))
	}
}

func TestLatencyHistogram(t *testing.T) {
	for name, c := range map[string]struct {
		values []float64
		edges  []float64
	}{
		"one value":   {[]float64{250}, []float64{250, 250.1}},
		"narrow":      {[]float64{101, 102, 103, 150, 199}, []float64{100, 120, 140, 160, 180, 200}},
		"wide":        {[]float64{3, 4, 50, 120}, []float64{2, 5, 10, 20, 50, 100, 200}},
		"wider":       {[]float64{0.3, 4, 50, 900}, []float64{0.3, 1, 3, 10, 30, 100, 300, 1000}},
		"very wide":   {[]float64{0.3, 4, 50, 900, 120_000}, []float64{0, 100, 1000, 10_000, 100_000, 1_000_000}},
		"with a zero": {[]float64{0, 0, 5}, []float64{0, 0.001, 0.01, 0.1, 1, 10}},
		"zeros":       {[]float64{0, 0}, []float64{0, 1e-6}},
	} {
		a := New(Config{})
		for _, v := range c.values {
			a.Add(plain(0, ms(v)))
		}
		var edges []float64
		n := int64(0)
		for i, b := range a.LatencyHistogram(8) {
			n += b.Count
			if i == 0 {
				edges = append(edges, request.Ms(b.From))
			}
			edges = append(edges, request.Ms(b.UpTo))
		}
		if n != int64(len(c.values)) || !slices.Equal(edges, c.edges) {
			t.Errorf("%s: %d of %d values in %v", name, n, len(c.values), edges)
		}
	}
	if b := New(Config{}).LatencyHistogram(8); b != nil {
		t.Errorf("%+v", b)
	}
	r := rand.New(rand.NewPCG(4, 4))
	for range 500 {
		a := New(Config{})
		n := 1 + r.IntN(20)
		for range n {
			a.Add(plain(0, ms(math.Exp(r.NormFloat64()*r.Float64()*8))))
		}
		rows := 2 + r.IntN(12)
		got := a.LatencyHistogram(rows)
		sum := int64(0)
		for i, b := range got {
			sum += b.Count
			if b.UpTo <= b.From || i > 0 && b.From != got[i-1].UpTo {
				t.Fatalf("%+v", got)
			}
		}
		if sum != int64(n) || len(got) > rows || len(got) == 0 {
			t.Fatalf("%d of %d values in %d rows of %d", sum, n, len(got), rows)
		}
	}
}

func TestAddAllocates(t *testing.T) {
	a := New(Config{Objectives: objectives(t, "p95_latency_ms < 500", "p99_itl_ms < 30", "requests_per_second > 1")})
	r := streamed(0, ms(20), ms(10), 64)
	a.Add(r)
	if n := testing.AllocsPerRun(200, func() { a.Add(r) }); n > 0 {
		t.Errorf("%v allocations for a record", n)
	}
}

func BenchmarkAdd(b *testing.B) {
	a := New(Config{Objectives: objectives(b, "p95_latency_ms < 500", "p99_itl_ms < 30")})
	r := streamed(0, ms(20), ms(10), 128)
	b.ReportAllocs()
	for b.Loop() {
		a.Add(r)
	}
}

func BenchmarkLive(b *testing.B) {
	a := New(Config{})
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		a.Add(plain(0, ms(r.ExpFloat64()*100)))
	}
	for b.Loop() {
		a.Live(epoch.Add(time.Second))
	}
}
