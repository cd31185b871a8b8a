// Package snapshot is what was seen of a host, its GPUs and its serving
// engines at one moment, as plain data: what probes write and what everything
// else reads. It does no I/O, reads no clock and judges nothing.
//
// Every number that may be missing is a pointer: absent means not measured,
// and zero means that zero was measured. Ratios run from 0 to 1. JSON keys
// carry their unit (_bytes, _c, _w, _mhz, _ms, _s, _j); keys that end in
// _total are counters since boot or since start.
package snapshot

import "time"

// Schema names the JSON form of a Snapshot.
const Schema = "llmops.snapshot/v1"

// Snapshot is one picture. A part that was not asked for, or that could not be
// read at all, is absent; Errors says why.
type Snapshot struct {
	Schema  string    `json:"schema"`
	TakenAt time.Time `json:"at"`
	// WindowS is the time between the two readings that rates were taken from,
	// in seconds; absent without a window, and then every rate is absent too.
	WindowS *float64 `json:"window_s,omitempty"`
	Host    *Host    `json:"host,omitempty"`
	GPUs    []GPU    `json:"gpus,omitempty"`
	// GPUsOnBus counts the GPUs on the PCI bus of each vendor that was asked for
	// ("nvidia", "amd"), driver or not, so that none in GPUs is told from none at
	// all; absent where the bus does not tell.
	GPUsOnBus map[string]int     `json:"gpus_on_bus,omitempty"`
	Servers   []Server           `json:"servers,omitempty"`
	Business  *Business          `json:"business,omitempty"`
	Findings  []Finding          `json:"findings,omitempty"`
	Errors    []Problem          `json:"errors,omitempty"`
	TimingsMS map[string]float64 `json:"timings_ms,omitempty"` // what each probe took, by its name
}

// Status says why something is missing.
type Status string

// The reasons a value is missing, as they stand in "errors".
const (
	Unsupported Status = "unsupported" // this device, driver, kernel or engine does not have it
	Forbidden   Status = "forbidden"   // it is there, and may not be read
	Unavailable Status = "unavailable" // the whole source is not there: no driver, no file, nothing listening
	Timeout     Status = "timeout"     // no answer within the probe's deadline
	Failed      Status = "error"       // it answered, and the answer was of no use
)

// Problem is one thing that could not be read. It costs that thing, and
// nothing else of the snapshot.
type Problem struct {
	Source string `json:"source"`         // who was asked: "nvml", "host", a server's URL
	What   string `json:"what,omitempty"` // what is missing: "cgroup", "gpu 3 ecc"; "" is all of the source
	Status Status `json:"status"`
	Detail string `json:"detail,omitempty"` // what the source said
	Hint   string `json:"hint,omitempty"`   // what would mend it
}

// Severity orders findings; the words are those of alert rules.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical" // work is being lost or will be soon
	Warning  Severity = "warning"  // slower or riskier than it should be
	Info     Severity = "info"     // good to know
)

// Severities lists them, worst first.
func Severities() []Severity { return []Severity{Critical, Warning, Info} }

// Finding is a fact that somebody on call would want to be told in words.
type Finding struct {
	ID       string   `json:"id"` // stable, for rules and counts: "gpu_lost", "disk_read_only"
	Severity Severity `json:"severity"`
	Entity   string   `json:"entity"` // what it is about, as label=value: "gpu=3", "mountpoint=/data"
	Summary  string   `json:"summary"`
	Why      string   `json:"why,omitempty"`    // the numbers behind it, or what it means
	Action   string   `json:"action,omitempty"` // what to do
}
