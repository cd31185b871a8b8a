package budget

import (
	"fmt"
	"time"

	"llmops/analysis/stats"
)

// Schema names the JSON form of a Report.
const Schema = "llmops.budget/v1"

// Verdict is the outcome of an objective or of all.
type Verdict string

// The verdicts.
const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Undetermined Verdict = "undetermined"
	NoData       Verdict = "no_data"
)

// Status says in a word how much of a budget is left.
type Status string

// The states of a budget.
const (
	Healthy   Status = "healthy"
	AtRisk    Status = "at_risk" // less than 20 % left
	Exhausted Status = "exhausted"
)

// Time is a point in time as ms since the epoch, and in JSON as RFC 3339 with
// milliseconds in UTC.
type Time int64

const timeLayout = "2006-01-02T15:04:05.000Z07:00"

func (t Time) String() string { return time.UnixMilli(int64(t)).UTC().Format(timeLayout) }

// MarshalText writes RFC 3339.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads RFC 3339.
func (t *Time) UnmarshalText(text []byte) error {
	at, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return fmt.Errorf("a time of a budget report: %w", err)
	}
	*t = Time(at.UnixMilli())
	return nil
}

// Report is the JSON document of a budget. Keys and units are API; absent means
// not measured.
type Report struct {
	Schema  string  `json:"schema"`
	Source  Source  `json:"source"`
	Now     *Time   `json:"now,omitempty"`
	SLOs    []SLO   `json:"slos"`
	Metrics Metrics `json:"metrics,omitzero"`
	Release Action  `json:"release,omitempty"` // the strictest that the policy asks for: proceed, warn, wait or freeze; none without data
	Verdict Verdict `json:"verdict"`
}

// Source says what the events were read from.
type Source struct {
	Files   []string `json:"files"`
	Format  string   `json:"format"`
	Records int64    `json:"records"`
	Skipped Skipped  `json:"skipped"`
	OfWhich *OfWhich `json:"of_which,omitempty"`
	First   *Time    `json:"first,omitempty"`
	Last    *Time    `json:"last,omitempty"`

	// Of events that another engine counted: how finely ("1m": now and every
	// event are only known to the whole minute), and since when it was asked.
	// Alerts are replayed from there on, as soon as their windows are covered.
	Resolution string `json:"resolution,omitempty"`
	Since      *Time  `json:"since,omitempty"`
}

// Skipped counts what is no record.
type Skipped struct {
	Malformed int64 `json:"malformed"`
}

// SLO is what became of one objective.
type SLO struct {
	Name      string  `json:"name"`
	Objective string  `json:"objective"` // in one line
	Target    float64 `json:"target"`
	Window    string  `json:"window"`
	Period    *Period `json:"period,omitempty"` // of a calendar window
	Method    string  `json:"method"`
	Slice     string  `json:"slice,omitempty"`
	// Coverage is how much of the window there are logs for, 0 to 1.
	Coverage *float64 `json:"coverage,omitempty"`

	// Counts are of events, or of slices that were measured. Of ratio_timeslices
	// a bad slice has some bad event, and Lost is the sum of the slices' bad
	// shares, of which sli and all rates are made.
	Total    int64            `json:"total"`
	Good     int64            `json:"good"`
	Bad      int64            `json:"bad"`
	Lost     *float64         `json:"lost,omitempty"`
	Excluded map[string]int64 `json:"excluded"`

	// Allowed is the bad events, or slices, that the target allows of Total;
	// AllowedS the seconds of bad slices that it allows in a whole window.
	Allowed  *float64 `json:"allowed,omitempty"`
	AllowedS *float64 `json:"allowed_s,omitempty"`
	// EmptySlices had no good or bad event, from the first of the logs in the
	// window on: they count neither way, even if the service was down.
	EmptySlices *int64 `json:"empty_slices,omitempty"`

	SLI              *float64  `json:"sli,omitempty"`       // good/total
	Consumed         *float64  `json:"consumed,omitempty"`  // (bad/total)/(1-target)
	Remaining        *float64  `json:"remaining,omitempty"` // 1 - consumed; negative: overspent
	Confidence       *Interval `json:"confidence,omitempty"`
	BadRatioInterval *Interval `json:"bad_ratio_interval,omitempty"`

	BurnRates        []Burn        `json:"burn_rates"`
	Alerts           []Alert       `json:"alerts"`
	Exhaustion       Exhaustion    `json:"exhaustion"`
	Incidents        []Incident    `json:"incidents"`
	IncidentsOmitted int           `json:"incidents_omitted,omitempty"` // smaller ones that are not listed
	Contributors     []Contributor `json:"contributors,omitempty"`
	Policy           []Policy      `json:"policy,omitempty"`
	Course           []CoursePoint `json:"course,omitempty"`
	Warnings         []string      `json:"warnings,omitempty"`

	Status  Status  `json:"status,omitempty"`
	Verdict Verdict `json:"verdict"`
}

// Period is the period of a calendar window that holds now, [From, To).
type Period struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Consumed is what is spent of the budget of the whole period, its traffic
	// foreseen from that so far.
	Consumed *float64 `json:"consumed_of_period,omitempty"`
}

// Interval is the Wilson interval at the confidence level.
type Interval struct {
	Level float64 `json:"level"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Burn is the burn rate over the window that ends now; absent without data.
type Burn struct {
	Window string   `json:"window"`
	Rate   *float64 `json:"rate,omitempty"`
	Total  int64    `json:"total"`
	Bad    int64    `json:"bad"`
	Lost   *float64 `json:"lost,omitempty"` // as in SLO
}

// Alert is one alert, replayed over all of the data.
type Alert struct {
	Severity  string   `json:"severity"`
	Long      string   `json:"long"`
	Short     string   `json:"short"`
	Threshold float64  `json:"threshold"`
	For       string   `json:"for,omitempty"`
	Fired     []Firing `json:"fired"`
}

// Firing is one time that an alert fired: from its first minute to the first
// that does not fire any more, null while it still does.
type Firing struct {
	From Time  `json:"from"`
	To   *Time `json:"to"`
	// BudgetSpent is the share of the budget of a whole window that the long
	// window of the alert had burnt at From: burn rate * long / window.
	BudgetSpent float64 `json:"budget_spent"`
	BurnLong    float64 `json:"burn_long"`
	BurnShort   float64 `json:"burn_short"`
}

// Exhaustion says when nothing of the budget is left.
type Exhaustion struct {
	Status string `json:"status"` // burning, never (nothing burns), exhausted, no_data
	// At is the minute in which the budget runs out if requests come and fail as
	// they did over the window Pace, while old minutes leave a rolling window;
	// null if that never happens, or has happened.
	At   *Time  `json:"at"`
	Pace string `json:"pace,omitempty"`
	// LinearS is remaining * window / burn rate in seconds, by burn window; null
	// where nothing burns.
	LinearS map[string]*float64 `json:"linear_s,omitempty"`
}

// Incident is a run of minutes, or slices, each of which burnt faster than the
// even pace, with gaps of up to 5 minutes.
type Incident struct {
	From  Time     `json:"from"`
	To    Time     `json:"to"`
	Share *float64 `json:"share,omitempty"` // of the budget of the window
	Total int64    `json:"total"`
	Bad   int64    `json:"bad"`
	Lost  *float64 `json:"lost,omitempty"` // as in SLO
}

// Contributor is the bad events of one key.
type Contributor struct {
	By    string  `json:"by"`
	Key   string  `json:"key"`
	Bad   int64   `json:"bad"`
	Share float64 `json:"share"`          // of all bad events
	Rest  bool    `json:"rest,omitempty"` // all keys beyond those that are counted one by one
}

// CoursePoint is the time from the point before up to At.
type CoursePoint struct {
	At        Time     `json:"at"`
	Total     int64    `json:"total"`
	Bad       int64    `json:"bad"`
	Lost      *float64 `json:"lost,omitempty"`
	Burn      *float64 `json:"burn,omitempty"`
	Remaining *float64 `json:"remaining,omitempty"` // of the budget of the whole window, after this
}

// Metrics are the percentiles of good events in the widest of the windows.
type Metrics struct {
	Window    string       `json:"window"`
	LatencyMS Distribution `json:"latency_ms"`
	TTFTMS    Distribution `json:"ttft_ms"`
	// Unmeasured tells that only counts are known: the key is absent then.
	Unmeasured bool `json:"-"`
}

// IsZero tells whether there is nothing to show.
func (m Metrics) IsZero() bool { return m.Unmeasured }

// Distribution is that of values in logs.
type Distribution struct {
	stats.Distribution
	// Within is the relative error that the percentiles may have; absent: they
	// are exact.
	Within float64 `json:"within,omitempty"`
}
