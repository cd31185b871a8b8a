package loadreport

import (
	"fmt"
	"math"

	"llmops/analysis/stats"
	"llmops/probes/snapshot"
)

const (
	// disagreeShare is how much client and engine may differ. Below latenessFloor a
	// busy host's scheduling explains it.
	disagreeShare = 0.10
	// countShare and countSlack: so many requests of others, such as health checks,
	// move no figure.
	countShare, countSlack = 0.01, 2
	// unsureShare of requests that one side may count and the other not leaves TTFT
	// without comparison.
	unsureShare = 0.10
	// tailCount is how many values must lie above a percentile for it to be compared.
	tailCount = 5
)

// Summary is the engine's side of the run, and a warning for what does not agree.
func (x *ServerSide) Summary(run ServerRun) (*Server, []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := &Server{
		Engine: run.Engine, Scrapes: run.Scrapes, ScrapesFailed: run.Failed,
		KVCacheUtilization: x.levels.kv.level(), Running: x.levels.running.level(), Waiting: x.levels.waiting.level(), GPUs: x.levels.list(),
	}
	if s.URLs = run.URLs; len(run.URLs) == 1 {
		s.URL, s.URLs = run.URLs[0], nil
	}
	s.NotMeasured = run.Why
	w := run.Window
	if w == nil {
		return s, nil
	}
	s.Engine, s.WindowS = w.Engine, rounding(w.WindowS)
	s.TTFT, s.Queue, s.Prefill, s.ITL, s.E2E = w.TTFT, w.Queue, w.Prefill, w.ITL, w.Latency
	for _, d := range []*snapshot.Distribution{s.TTFT, s.Queue, s.Prefill, s.ITL, s.E2E} {
		roundAll(d)
	}
	s.PrefixCacheHitRate = rounding(w.PrefixCacheHitRate)
	if w.PreemptionsPerSecond != nil && w.WindowS != nil {
		s.Preemptions = new(math.Round(*w.PreemptionsPerSecond * *w.WindowS))
	}
	if run.Why == "" {
		s.ClientTTFT = clientSide(&x.ttft)
	}
	if s.TTFT == nil || s.ClientTTFT == nil {
		s.Split = x.split(s, false)
		return s, nil
	}
	agree, unsure := x.counts(s)
	comparable := agree && unsure <= unsureShare*s.ClientTTFT.Count
	if agree { // else the engine's times are of others' requests too
		s.Split = x.split(s, comparable)
	}
	switch {
	case !agree && run.Shard && s.TTFT.Count > s.ClientTTFT.Count: // as it must be
	case !agree:
		s.Disagreement = &Disagreement{Detail: otherRequests(s)}
	case comparable:
		s.Disagreement = x.disagreement(s, run, unsure)
	}
	if s.Disagreement == nil {
		return s, nil
	}
	s.Disagreement.ClientRequests, s.Disagreement.ServerRequests = s.ClientTTFT.Count, s.TTFT.Count
	return s, []string{s.Disagreement.Detail}
}

// counts tells whether both sides counted the same requests, and of how many that is
// not sure: what was on its way when the window began, and what never got a token
// here, since the engine may have made one all the same.
func (x *ServerSide) counts(s *Server) (agree bool, unsure float64) {
	unsure = float64(x.inFlight + x.silent)
	allowed := unsure + max(countSlack, countShare*s.ClientTTFT.Count)
	return math.Abs(s.TTFT.Count-s.ClientTTFT.Count) <= allowed, unsure
}

func otherRequests(s *Server) string {
	text := fmt.Sprintf("the server counted %.0f first tokens while the client saw %.0f, so that their times are not compared: ", s.TTFT.Count, s.ClientTTFT.Count)
	if s.TTFT.Count > s.ClientTTFT.Count {
		return text + "other clients use this server too"
	}
	return text + "some requests go to servers whose metrics are not read (see --server)"
}

// split says where the mean TTFT goes. Parts of the engine count when it counted them
// for about the requests that it counted first tokens of.
func (x *ServerSide) split(s *Server, comparable bool) *Split {
	p := &Split{}
	all := s.E2E // an engine that does not tell TTFT
	if s.TTFT != nil {
		all = s.TTFT
	}
	part := func(d *snapshot.Distribution) *float64 {
		if d == nil || d.Mean == nil || all == nil || math.Abs(d.Count-all.Count) > unsureShare*all.Count {
			return nil
		}
		return rounding(d.Mean)
	}
	p.QueueMs, p.PrefillMs = part(s.Queue), part(s.Prefill)
	if s.TTFT != nil && s.TTFT.Mean != nil && p.QueueMs != nil {
		rest := *s.TTFT.Mean - *p.QueueMs
		if p.PrefillMs != nil {
			rest -= *p.PrefillMs
		}
		p.OtherMs = notNegative(rest)
	}
	if s.ClientTTFT != nil {
		p.ClientMs, p.ConnectMs = meanMs(&x.own), meanMs(&x.connect)
	}
	if comparable && s.TTFT.Mean != nil {
		p.NetworkMs = notNegative(*s.ClientTTFT.Mean - *p.ClientMs - *p.ConnectMs - *s.TTFT.Mean)
	}
	if *p == (Split{}) {
		return nil
	}
	return p
}

// disagreement compares mean and percentiles. The engine's mean is exact; a percentile
// of its may lie anywhere in a bucket, so that only what lies outside of that differs.
func (x *ServerSide) disagreement(s *Server, run ServerRun, unsure float64) *Disagreement {
	trip := 0.0
	if run.RoundTrip != nil {
		trip = float64(*run.RoundTrip) / 1e6
	}
	differs := func(more, of float64) bool { return more > max(disagreeShare*of, float64(latenessFloor)/1e6) }
	d := &Disagreement{RoundTripMs: roundTripMs(run.RoundTrip)}
	mine, theirs := s.ClientTTFT, s.TTFT
	if theirs.Mean != nil {
		diff := *mine.Mean - *theirs.Mean
		d.DifferenceMs = new(round6(diff))
		if differs(diff-trip, *theirs.Mean) || differs(-diff, *theirs.Mean) {
			d.Figures = append(d.Figures, "mean")
			d.Side = x.side(diff, trip, *d.DifferenceMs < 0, sketchMean)
		}
	}
	for _, p := range []struct {
		name string
		q    float64
		v    *float64
	}{{"p50", 0.5, mine.P50}, {"p95", 0.95, mine.P95}, {"p99", 0.99, mine.P99}} {
		in, ok := theirs.Bounds[p.name]
		above := (1 - p.q) * mine.Count
		if !ok || p.v == nil || above < tailCount || unsure > above/2 {
			continue
		}
		over, under := math.Inf(-1), in.Low-*p.v
		if in.High != nil {
			over = *p.v - *in.High
		}
		if !differs(over-trip, *p.v-over) && !differs(under, in.Low) {
			continue
		}
		d.Figures = append(d.Figures, p.name)
		if d.Side == "" {
			d.Side = x.side(over, trip, under > 0, func(s *stats.Sketch) float64 { return quantileMs(s, p.q) })
		}
	}
	if len(d.Figures) == 0 {
		return nil
	}
	d.Detail = d.text(s, run.Client)
	return d
}

// side is where most of a difference (ms) is lost: what the client did not explain by
// itself was lost between the two.
func (x *ServerSide) side(diff, trip float64, less bool, of func(*stats.Sketch) float64) Side {
	if less {
		return SideServer
	}
	own, connect := of(&x.own), of(&x.connect)
	between := diff - own - connect - trip
	read := min(of(&x.read), max(between, 0))
	between -= read
	switch {
	case own+read >= max(connect, between):
		return SideClient
	case connect >= between:
		return SideConnect
	}
	return SideBetween
}
