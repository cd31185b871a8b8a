// Package fault is the catalogue of fault patterns: what a fault looks like in metrics,
// what speaks against it, why it happens and what to do. It reads YAML and checks it; it
// evaluates nothing and knows no series.
package fault

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Position is a place in a file; the zero Position is none.
type Position struct {
	File         string
	Line, Column int // from 1
}

// String is file:line:column, or the file where there is no line.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Scope is what a fault befalls.
type Scope string

// The scopes. A fault of a GPU that befalls every GPU of a replica is one of the replica,
// and one that befalls most replicas is one of the fleet.
const (
	GPU     Scope = "gpu"
	Replica Scope = "replica"
	Fleet   Scope = "fleet"
	// Upstream is a provider behind a gateway.
	Upstream Scope = "upstream"
)

// Severity is how bad a fault is for users where it has its full effect.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
)

// Severities are all of them, worst first.
func Severities() []Severity { return []Severity{Critical, High, Medium, Low} }

// AtLeast tells whether s is as bad as o, or worse.
func (s Severity) AtLeast(o Severity) bool {
	all := Severities()
	return slices.Index(all, s) <= slices.Index(all, o)
}

// Signal is a measure of a replica, a GPU, a host or the whole service, in one unit
// whoever exported it: the first of From that has a value.
type Signal struct {
	Name    string
	Unit    string
	En, Zh  string
	From    []string // PromQL; $window is the time over which rates are taken
	FromAt  []Position
	Collect string // what to set so that it is exported; "" where every exporter has it
	// Impact is how its rise (or fall) hurts users: with it alone there is an incident,
	// of an unknown fault.
	Impact *Test
	Position
}

// Symptom is something that a fault shows.
type Symptom struct {
	Name     string // what is seen, in words
	Expr     string // PromQL over signals, or the name of one; with Any their words, for people
	Test     Test
	ExprAt   Position
	Any      []Symptom // if not empty, it is seen as far as the strongest of these; Test is zero then
	Weight   float64
	Required bool
	Collect  string // as of a signal; where it is "" the signal's own stands
	Position
}

// Test says when a value is a symptom. Each pair of numbers is a ramp: at the first one
// there is nothing to see, at the second the symptom is full. A Test holds as far as the
// weakest of its parts does.
type Test struct {
	Above, Below *Ramp // the value itself
	Rises, Falls *Ramp // over, and below, what it was in the normal period: ratio of the two
	Gains, Loses *Ramp // the same as a difference
	// PeersAbove and PeersBelow are the ratio to the median of the other replicas or GPUs.
	PeersAbove, PeersBelow *Ramp
	Holds                  *Ramp // ratio to the normal period, of which the first is bad and the second good: it did not grow
	Stays                  *Ramp // the same of the ratio or its inverse, whichever is larger: it neither grew nor fell
}

// Ramp is where a symptom begins and where it is full.
type Ramp struct{ From, To float64 }

// At is how far v has come: 0 before From, 1 beyond To.
func (r Ramp) At(v float64) float64 {
	if r.From == r.To {
		if v >= r.From {
			return 1
		}
		return 0
	}
	return max(0, min(1, (v-r.From)/(r.To-r.From)))
}

// Action is something to do, and what to type.
type Action struct {
	Do    string // in words
	Zh    string
	Run   []Command
	Risk  Risk
	Blast string // what else is touched
	Undo  string // how to take it back
	Needs string // what must hold before
	Kind  string // of PlanKinds, or ""
}

// Command is what to type on a platform: kubernetes, systemd, plain.
type Command struct{ On, Line string }

// Risk is how much an action may break.
type Risk string

// The risks, safest first; actions are ordered by them.
const (
	Look      Risk = "look"      // changes nothing
	Safe      Risk = "safe"      // users do not notice
	Disturbs  Risk = "disturbs"  // users may notice for a while
	Dangerous Risk = "dangerous" // may make it worse
)

// Risks are all of them, safest first.
func Risks() []Risk { return []Risk{Look, Safe, Disturbs, Dangerous} }

// Fault is one pattern.
type Fault struct {
	ID       string
	En, Zh   string
	Severity Severity
	Scope    Scope
	Hold     float64 // seconds for which it must be seen; 0: two minutes
	Prior    float64 // log odds before any symptom is seen
	// SureFrom is the least score, before calibration, from which it is an answer; 0:
	// DefaultSureFrom. A fault that is mended by what costs users something, or that much
	// else looks like, has a higher one.
	SureFrom float64
	// Telemetry tells that what is wrong is the measurement: it is looked for first, and
	// what it blinds is not judged.
	Telemetry bool
	// Single tells that it is one of several that is broken: neighbours only feel it.
	Single   bool
	Symptoms []Symptom
	Against  []Symptom // their weight counts against the fault
	Explains []string  // faults that are only effects where this one is there too
	Cause    string    // root cause, in words
	CauseZh  string
	Actions  []Action // by risk, safest first
	Prevent  []string // so that it does not happen again
	Runbook  string
	Position
}

// DefaultSureFrom is the score from which a fault is an answer that says nothing else.
const DefaultSureFrom = 0.5

// Least is the score from which it is an answer.
func (f *Fault) Least() float64 { return cmp.Or(f.SureFrom, DefaultSureFrom) }

// Catalogue is signals and the faults that are told by them.
type Catalogue struct {
	Signals []Signal
	Faults  []Fault // in the order in which they are looked for
}

// Find is the fault of an id; nil if there is none.
func (c Catalogue) Find(id string) *Fault {
	if i := slices.IndexFunc(c.Faults, func(f Fault) bool { return f.ID == id }); i >= 0 {
		return &c.Faults[i]
	}
	return nil
}

// Signal is the signal of a name; nil if there is none.
func (c Catalogue) Signal(name string) *Signal {
	if i := slices.IndexFunc(c.Signals, func(s Signal) bool { return s.Name == name }); i >= 0 {
		return &c.Signals[i]
	}
	return nil
}

// With is the catalogue with what another has in place of what has the same name, and
// what is new behind it.
func (c Catalogue) With(o Catalogue) Catalogue {
	return Catalogue{
		Signals: merge(c.Signals, o.Signals, func(s Signal) string { return s.Name }),
		Faults:  merge(c.Faults, o.Faults, func(f Fault) string { return f.ID }),
	}
}

func merge[T any](old, add []T, name func(T) string) []T {
	all := slices.Clone(old)
	for _, x := range add {
		if i := slices.IndexFunc(all, func(y T) bool { return name(y) == name(x) }); i >= 0 {
			all[i] = x
		} else {
			all = append(all, x)
		}
	}
	return all
}

// Text is an action with its commands, for a replica, pod or host and one of its GPUs.
func (a Action) Text(name, gpu string) string {
	text := a.Do
	for i, c := range a.Run {
		sep := "; "
		if i == 0 {
			sep = ": "
		}
		text += sep + c.On + ": " + c.For(name, gpu)
	}
	return text
}

// For is a command for a replica, pod or host and one of its GPUs.
func (c Command) For(name, gpu string) string { return c.With(Names{Replica: name, GPU: gpu}) }

// String says a test in words.
func (t Test) String() string {
	var parts []string
	add := func(what string, r *Ramp) {
		switch {
		case r == nil:
		case r.From == r.To:
			parts = append(parts, fmt.Sprintf("%s %g", what, r.To))
		default:
			parts = append(parts, fmt.Sprintf("%s %g, full at %g", what, r.From, r.To))
		}
	}
	add("above", t.Above)
	add("below", t.Below)
	add("rises to times", t.Rises)
	add("falls to times", t.Falls)
	add("gains", t.Gains)
	add("loses", t.Loses)
	add("of peers, times above", t.PeersAbove)
	add("of peers, times below", t.PeersBelow)
	add("stays below times", t.Holds)
	add("stays within times", t.Stays)
	return strings.Join(parts, "; ")
}

var harmless = regexp.MustCompile(`^[A-Za-z0-9._:@/-]+$`)

// quoted is a word for a shell: names come from labels, which anybody may have written.
func quoted(word string) string {
	if harmless.MatchString(word) && word[0] != '-' {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
