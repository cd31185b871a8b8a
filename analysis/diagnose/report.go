package diagnose

import (
	"time"

	"llmops/rules/fault"
)

// Schema names the JSON form of a Report.
const Schema = "llmops.diagnosis/v1"

// Verdicts of a report.
const (
	OK           = "ok"
	IncidentSeen = "incident"
	Insufficient = "insufficient_data"
)

// Report is what was found. Times are whole milliseconds, UTC.
type Report struct {
	Schema    string     `json:"schema"`
	Input     Input      `json:"input"`
	Incidents []Incident `json:"incidents"`
	// NotCollected are the signals of the catalogue that no series gives.
	NotCollected []string `json:"not_collected,omitempty"`
	Verdict      string   `json:"verdict"`
}

// Input is what was looked at.
type Input struct {
	Series   int       `json:"series"`
	Points   int64     `json:"points"`
	Start    time.Time `json:"start,omitzero"`
	End      time.Time `json:"end,omitzero"`
	Step     float64   `json:"step_s,omitzero"`
	Normal   *Period   `json:"normal,omitempty"` // what it was held against, unless a baseline was given
	Replicas []string  `json:"replicas,omitempty"`
}

// Period is a time with both ends in it.
type Period struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Incident is what belongs together in time.
type Incident struct {
	ID       string         `json:"id"`
	Onset    time.Time      `json:"onset"`
	End      time.Time      `json:"end"`
	Ongoing  bool           `json:"ongoing"` // at the end of the data
	Severity fault.Severity `json:"severity"`
	Entities []string       `json:"entities"`
	// Impact is how users feel it, worst first.
	Impact    []Evidence  `json:"impact"`
	Diagnoses []Diagnosis `json:"diagnoses"`
	Tie       *Tie        `json:"tie,omitempty"`
	Suspects  []Suspect   `json:"suspects"`
	Curves    []Curve     `json:"-"` // for drawings, around the onset
}

// Diagnosis is one fault that may be the cause, with what speaks for and against it.
type Diagnosis struct {
	Fault        string         `json:"fault"`
	Name         string         `json:"name"`
	Confidence   float64        `json:"confidence"`
	RootCause    string         `json:"root_cause"`
	Entity       string         `json:"entity"`
	Severity     fault.Severity `json:"severity"`
	Onset        time.Time      `json:"onset"`
	Evidence     []Evidence     `json:"evidence"`
	Against      []Evidence     `json:"against"`
	NotCollected []Missing      `json:"not_collected"`
	Explained    string         `json:"explained_by,omitempty"` // the fault whose effect it is
	Actions      []string       `json:"actions"`
	Pattern      *fault.Fault   `json:"-"`
	Where        Entity         `json:"-"`
	Answer       bool           `json:"-"` // its score is one from which it is an answer, and it is no effect of another one
	score        float64        // before calibration
}

// Evidence is a symptom as it was seen.
type Evidence struct {
	Symptom string    `json:"symptom"`
	Series  string    `json:"series"`
	Value   float64   `json:"value"`
	Normal  *float64  `json:"normal,omitempty"` // the median of the normal period
	Unit    string    `json:"unit,omitempty"`
	At      time.Time `json:"at"`
	Degree  float64   `json:"degree"` // 0..1, how far the symptom is there
}

// Missing is a symptom that nothing measures, and what would.
type Missing struct {
	Symptom string `json:"symptom"`
	Collect string `json:"collect"`
}

// Tie is the first diagnosis and another answer whose confidence is less than 0.1 below
// its own, as both stand in the report, and what would tell them apart.
type Tie struct {
	Between [2]string `json:"between"`
	Measure string    `json:"measure"`
}

// Suspect is an entity that is off, whatever it means.
type Suspect struct {
	Entity string  `json:"entity"`
	Series string  `json:"series"`
	Score  float64 `json:"score"`
	z      float64
	at     int64 // when it was off first
	end    int64 // and last
}

// Curve is a signal of an entity over the whole time; NaN where there is no value.
type Curve struct {
	Name, Unit string
	Start      time.Time
	Step       time.Duration
	Values     []float64
}
