package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A role is what a field of a generic log is to an event.
type role uint8

const (
	roleTime  role = iota // the end of the request
	roleStart             // its start, where there is no end
	roleStatus
	roleError
	roleLatency
	roleTTFT
	roleTPOT
	roleTokens
	roleCost
	roleQuality
	roleModel
	roleRoute
	roleKey
	roleCount
)

// roleNames are the names that Options.Map has for the roles, and the fields that
// have a role without it.
var roleNames = [roleCount]struct{ name, field string }{
	roleTime:    {"time", "timestamp"},
	roleStart:   {"start", ""},
	roleStatus:  {"status", "status"},
	roleError:   {"error", "error"},
	roleLatency: {"latency", "latency_ms"},
	roleTTFT:    {"ttft", "ttft_ms"},
	roleTPOT:    {"tpot", "tpot_ms"},
	roleTokens:  {"tokens", "completion_tokens"},
	roleCost:    {"cost", "cost"},
	roleQuality: {"quality", "quality"},
	roleModel:   {"model", "model"},
	roleRoute:   {"path", "path"},
	roleKey:     {"user", "user"},
}

// A genericField is a field of a generic log that has a role.
type genericField struct {
	role   role
	name   string
	scale  int  // the power of ten that turns its unit into ours
	mapped bool // Options.Map names it
}

// genericFields gives the fields that Options.Map names, and for the roles that it
// leaves out those with the names that our own exports have.
func genericFields(m map[string]string) ([]genericField, error) {
	var fields []genericField
	seen := 0
	for r := range roleCount {
		value, mapped := m[roleNames[r].name]
		if mapped {
			seen++
		} else if value = roleNames[r].field; value == "" {
			continue
		}
		f := genericField{role: r, name: value, mapped: mapped}
		if name, unit, ok := cutUnit(value); ok && mapped {
			if r != roleLatency && r != roleTTFT && r != roleTPOT {
				return nil, fmt.Errorf("--map %s=%s: a unit is for durations only; the unit of a time is told by its size", roleNames[r].name, value)
			}
			f.name, f.scale = name, unit
		}
		if f.name == "" {
			return nil, fmt.Errorf("--map %s=: the name of the field is missing", roleNames[r].name)
		}
		fields = append(fields, f)
	}
	if seen < len(m) {
		for name := range m {
			if !slices.ContainsFunc(roleNames[:], func(r struct{ name, field string }) bool { return r.name == name }) {
				return nil, fmt.Errorf("--map %s=…: not one of %s", name, strings.Join(mapNames(), ", "))
			}
		}
	}
	return fields, nil
}

// mapNames are the names that Options.Map knows.
func mapNames() []string {
	var names []string
	for _, r := range roleNames {
		names = append(names, r.name)
	}
	return names
}

// cutUnit takes the unit from "took_s:s".
func cutUnit(s string) (name string, scale int, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return s, 0, false
	}
	switch s[i+1:] {
	case "s":
		return s[:i], secondsToMs, true
	case "ms":
		return s[:i], 0, true
	case "us", "µs":
		return s[:i], microsecondsToMs, true
	case "ns":
		return s[:i], nanosecondsToMs, true
	}
	return s, 0, false
}

// A genericEvent is an event in the making, of the fields of a generic log.
type genericEvent struct {
	Event
	in         interner
	end, start Fixed
	failure    []byte
}

func (g *genericEvent) reset() {
	g.Reset()
	g.end, g.start, g.failure = Absent, Absent, nil
}

// set takes the text of a field; why says what is wrong with it.
func (g *genericEvent) set(f genericField, text []byte) (why string) {
	ok := true
	switch f.role {
	case roleTime:
		g.end, ok = instant(text)
	case roleStart:
		g.start, ok = instant(text)
	case roleStatus:
		ok = g.setStatus(text)
	case roleError:
		if !unmeasured(text) {
			g.failure = text
		}
	case roleLatency:
		g.Latency, ok = measure(text, f.scale)
	case roleTTFT:
		g.TTFT, ok = measure(text, f.scale)
	case roleTPOT:
		g.TPOT, ok = measure(text, f.scale)
	case roleTokens:
		g.OutputTokens, ok = count(text)
	case roleCost:
		g.Cost, ok = measure(text, 0)
	case roleQuality:
		g.Quality, ok = measure(text, 0)
	case roleModel:
		g.Model = g.name(text)
	case roleRoute:
		g.setRoute(text, &g.in)
	case roleKey:
		g.Key = g.name(text)
	}
	if ok {
		return ""
	}
	if f.role == roleTime || f.role == roleStart {
		return f.name + " is not a time"
	}
	return f.name + " is not a number that can be read"
}

// instant reads a time; what is empty or "-" is absent.
func instant(text []byte) (Fixed, bool) {
	if unmeasured(text) {
		return Absent, true
	}
	return parseTime(text)
}

func (g *genericEvent) name(text []byte) string {
	if unmeasured(text) {
		return ""
	}
	return g.in.text(text)
}

// finish completes the event once all of its fields are set.
func (g *genericEvent) finish() (why string) {
	if !g.end.Known() && g.start.Known() {
		g.end = g.start
		if g.Latency.Known() {
			g.end = g.start.Add(g.Latency)
		}
	}
	if !g.end.Known() {
		return "no time"
	}
	g.End = g.end.Ceil()
	g.settle(g.failure != nil, g.in.text(g.failure))
	return ""
}

// A table is where the wanted fields of a generic log are among its columns.
type table struct {
	fields  []genericField // those that are there
	columns []int          // their columns
}

// newTable finds the wanted fields among the names of columns. It is an error if
// one that Options.Map names is not there, or no time, or nothing to judge.
func newTable(names [][]byte, wanted []genericField) (t table, err error) {
	var has [roleCount]bool
	for _, f := range wanted {
		at := columnNamed(names, f.name)
		switch {
		case at >= 0 && columnNamed(names[at+1:], f.name) >= 0:
			return table{}, fmt.Errorf("two columns %q", f.name)
		case at >= 0:
			t.fields, t.columns = append(t.fields, f), append(t.columns, at)
			has[f.role] = true
		case f.mapped:
			return table{}, fmt.Errorf("no column %q for --map %s", f.name, roleNames[f.role].name)
		}
	}
	if !has[roleTime] && !has[roleStart] {
		return table{}, errors.New("no column for the time: name one with --map time=…")
	}
	if !has[roleStatus] && !has[roleError] && !has[roleLatency] && !has[roleTTFT] {
		return table{}, errors.New("no column for how a request ended or how long it took: name them with --map status=… --map latency=…")
	}
	return t, nil
}

// columnNamed is the first column of a name, in capitals or not; -1: there is none.
func columnNamed(names [][]byte, name string) int {
	return slices.IndexFunc(names, func(n []byte) bool { return bytes.EqualFold(bytes.TrimSpace(n), []byte(name)) })
}
