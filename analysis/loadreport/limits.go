package loadreport

// Limits are what a request must keep to count for goodput, in ms; nil: no
// objective sets one.
type Limits struct{ TTFT, TPOT, Latency *float64 }

// Limits are those of the run's objectives.
func (a *Aggregator) Limits() (l Limits) {
	for _, x := range a.limits {
		switch limit := new(x.c.limit); x.c.metric {
		case ttft:
			l.TTFT = limit
		case tpot:
			l.TPOT = limit
		case latency:
			l.Latency = limit
		}
	}
	return l
}
