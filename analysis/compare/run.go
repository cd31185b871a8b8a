package compare

import "slices"

// Run is what is known of one run. A run of which single requests are known has
// Values, Total and Slices; of another only Figures are known.
type Run struct {
	Name  string
	About About

	// Open tells that the load came at its own pace, whatever the service did:
	// requests by second are then what was asked for.
	Open bool
	// Capped tells of a load that came at its own pace, but waited while too many
	// requests were in flight.
	Capped bool

	// Values are those of the succeeded requests by metric, such as ttft_ms, in
	// the order of the schedule. Requests in which it was not measured are left
	// out.
	Values map[string][]float64

	// Total counts the requests that succeeded or failed; Failed are the places
	// of the failed ones in the order of the schedule, from 0, ascending. Places
	// that are not known may be any.
	Total  int64
	Failed []int64

	// Slices are stretches of equal length of the measured window, in order,
	// without the part in which the load fades out; empty if unknown.
	Slices []Slice

	// Figures are statistics that are known as such, by name (p95_latency_ms).
	// Where values are known too, those count.
	Figures map[string]float64
}

// AtOnce is the About.Load of a run without any pace.
const AtOnce = "all requests at once"

// About is what a run was, in words. An empty text is not known. Where both sides
// know, and it is not the same, the sides may differ for that reason.
type About struct {
	Tool    string // that measured, such as "vllm"
	Target  string // URL; it may differ
	API     string
	Model   string
	Load    string
	Seed    string
	Prompts string
	// PromptTokens and OutputTokens are means of a request; 0: not known.
	PromptTokens, OutputTokens float64
	Client                     string   // its verdict on itself: "valid", "suspect", "invalid"
	Reasons                    []string // of Client
	Stopped                    string   // why the run did not come to its end
	Warnings                   []string // of reading it
}

// Slice is a stretch of the measured window.
type Slice struct {
	Seconds          float64
	Requests, Tokens float64 // that succeeded and ended in it, and their tokens
}

// Direction is where an improvement goes.
type Direction int

// The directions.
const (
	Lower  Direction = iota + 1 // less is better
	Higher                      // more is better
)

// Statistic is a figure of a run that is compared.
type Statistic struct {
	Name   string
	Unit   string // "ms", "1/s", "" for a share
	Better Direction
	// Primary statistics are judged without being asked for; of the others only
	// the change and its interval are given, so that the number of questions,
	// and with it the evidence that each needs, stays small.
	Primary bool
	// Absolute: its changes are differences, since it is a share itself, and often 0.
	Absolute bool
	// Asked: it is compared only if it is named: it is of the client, and differs with
	// what else its machine does.
	Asked bool
	// Throughput: an open loop fixes it.
	Throughput bool

	estimate estimate
}

// latency tells whether it is of succeeded requests alone.
func (s Statistic) latency() bool { return s.Unit == "ms" }

// weight is the share of the evidence that a statistic gets.
func (s Statistic) weight() float64 {
	if q, ok := s.estimate.(quantile); ok && q.q == 0.5 {
		return 4
	}
	return 1
}

// Statistics are all that is known, in the order of a report.
func Statistics() []Statistic {
	var all []Statistic
	for _, m := range []string{"ttft_ms", "latency_ms", "tpot_ms", "itl_ms", "chunk_gap_ms", "queue_ms"} {
		primary := m == "ttft_ms" || m == "latency_ms" || m == "tpot_ms"
		for _, q := range []struct {
			name    string
			q       float64
			primary bool
		}{{"p50", 0.5, true}, {"p90", 0.9, false}, {"p95", 0.95, true}, {"p99", 0.99, true}} {
			all = append(all, Statistic{Name: q.name + "_" + m, Unit: "ms", Better: Lower, Primary: primary && q.primary && !(m == "tpot_ms" && q.name == "p99"), Asked: m == "queue_ms", estimate: quantile{m, q.q}})
		}
		all = append(all, Statistic{Name: "mean_" + m, Unit: "ms", Better: Lower, Asked: m == "queue_ms", estimate: mean{m}})
	}
	return append(all,
		Statistic{Name: errorRateName, Better: Lower, Primary: true, Absolute: true, estimate: errorRate{}},
		Statistic{Name: "requests_per_second", Unit: "1/s", Better: Higher, Primary: true, Throughput: true, estimate: rate{func(s Slice) float64 { return s.Requests }}},
		Statistic{Name: "tokens_per_second", Unit: "1/s", Better: Higher, Primary: true, Throughput: true, estimate: rate{func(s Slice) float64 { return s.Tokens }}},
		Statistic{Name: "goodput", Unit: "1/s", Better: Higher, Throughput: true, estimate: rate{}},
	)
}

// Lookup is the statistic of a name.
func Lookup(name string) (Statistic, bool) {
	all := Statistics()
	i := slices.IndexFunc(all, func(s Statistic) bool { return s.Name == name })
	if i < 0 {
		return Statistic{}, false
	}
	return all[i], true
}
