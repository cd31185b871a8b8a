package compare

// Schema names the JSON form of a Comparison.
const Schema = "llmops.compare/v1"

// Kind is what is compared.
type Kind string

// The kinds.
const (
	LoadTests Kind = "loadtests"
	Metrics   Kind = "metrics"   // recorded series
	Snapshots Kind = "snapshots" // configuration
)

// Comparison is what came of it.
type Comparison struct {
	Schema    string   `json:"schema"`
	Kind      Kind     `json:"kind"`
	Baseline  []string `json:"baseline"` // names of the runs, or of the files
	Candidate []string `json:"candidate"`
	Target    string   `json:"target,omitempty"` // of both sides
	Metrics   []Metric `json:"metrics"`
	Drift     []Drift  `json:"drift,omitempty"` // of snapshots
	Verdict   Verdict  `json:"verdict"`
	Reasons   []string `json:"reasons,omitempty"`  // metrics that made the verdict
	Invalid   []string `json:"invalid,omitempty"`  // why there is no verdict, whatever was measured
	Warnings  []string `json:"warnings,omitempty"` // what a reader should know beside it

	failsMore bool // the candidate fails more requests; known also if nobody asked
}

// Metric is a statistic of both sides. Changes are shares of the baseline: 0.04
// is 4 % more. Absent means that it cannot be known.
type Metric struct {
	Name      string   `json:"name"`
	Unit      string   `json:"unit,omitempty"`
	Absolute  bool     `json:"absolute,omitempty"` // changes are differences, not shares
	Baseline  float64  `json:"baseline"`
	Candidate float64  `json:"candidate"`
	Change    *float64 `json:"change,omitempty"`
	Low       *float64 `json:"low,omitempty"`        // 95 % interval of Change
	High      *float64 `json:"high,omitempty"`       // may be infinite in theory, and is then absent
	P         *float64 `json:"p,omitempty"`          // that sides which do not differ look as different as these
	Adjusted  *float64 `json:"p_adjusted,omitempty"` // for the number of statistics
	Judged    bool     `json:"judged"`               // counts for the whole
	Limit     *float64 `json:"max_regression,omitempty"`
	Gate      Verdict  `json:"gate,omitempty"` // with Limit: pass, fail, undetermined
	Verdict   Verdict  `json:"verdict"`
	Detail    string   `json:"detail,omitempty"` // why, where that is not plain

	statistic      Statistic
	weight         float64
	margin, effect float64
	beyond         float64 // p-value of "no worse than the limit"
	low90, high90  float64 // the interval of two one-sided tests at 5 %
}

// Drift is one thing that is not as it was; "" stands for what was not there.
type Drift struct {
	Key    string `json:"key"`
	Before string `json:"before"`
	After  string `json:"after"`
}
