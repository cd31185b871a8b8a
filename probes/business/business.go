// Package business reads what the business knows about a service: users,
// conversion, satisfaction, cost. It takes the newest value of each series from a
// JSON or CSV file or URL. It must not compute or judge them, follow redirects,
// nor show a credential; and a value that is missing stays missing, it is never 0.
package business

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"llmops/probes/remote"
	"llmops/probes/snapshot"
)

// Config says where the figures are.
type Config struct {
	// Source is a file, or an http or https URL.
	Source string
	// Resolve tells which metric a name means and the factor that makes its unit of
	// the source's; nil takes every name as it is.
	Resolve func(name string) (canonical string, factor float64, ok bool)
	// Range tells which values a canonical name may have, both ends included; nil
	// takes every number.
	Range func(canonical string) (low, high float64)

	Access  remote.Access // of a URL
	Timeout time.Duration // of all of it; 0: 5 s
}

// The limits of a source. A larger one is no list of business figures.
const (
	MaxBytes  = 8 << 20
	MaxSeries = 10_000

	defaultTimeout = 5 * time.Second
	maxProblems    = 10 // that are listed one by one
)

// Read takes the newest value of each series. Problems are parts that could not be
// used, such as a name that nobody knows or a value that is no number, or none that is
// possible; they cost only themselves. An error means that nothing could be read, and Problem makes one of it. It returns when ctx ends,
// whatever the source does.
func Read(ctx context.Context, cfg Config) (*snapshot.Business, []snapshot.Problem, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, cmp.Or(cfg.Timeout, defaultTimeout), errTimeout)
	defer cancel()
	data, shown, err := cfg.load(ctx)
	if err != nil {
		return nil, nil, err
	}
	rows, err := parse(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s:%w", shown, err)
	}
	return cfg.collect(rows, shown)
}

var errTimeout = errors.New("no answer in time")

// Problem is an error of Read as a snapshot holds it.
func Problem(err error) snapshot.Problem {
	p := snapshot.Problem{Source: "business", Status: snapshot.Failed, Detail: err.Error()}
	switch {
	case errors.Is(err, errTimeout), errors.Is(err, context.DeadlineExceeded):
		p.Status = snapshot.Timeout
	case errors.Is(err, errForbidden):
		p.Status, p.Hint = snapshot.Forbidden, "give the program the right to read it: the file's permissions, or a credential for the URL"
	case errors.Is(err, errUnavailable):
		p.Status, p.Hint = snapshot.Unavailable, "check the name, and that the source is there"
	}
	return p
}

// row is one value as the source wrote it.
type row struct {
	name   string
	labels map[string]string
	value  float64
	at     *time.Time
	where  string // its line and a colon; "" where that is not known

	absent bool   // there is a name and no value
	flaw   string // why the value cannot be used, with its name and place
}

// flawed is a value that cannot be used; name is "" where it is not of one metric.
func flawed(name string, err error) []row { return []row{{name: name, flaw: err.Error()}} }

// placed says where rows and their flaws are.
func placed(rows []row, where string) []row {
	for i := range rows {
		rows[i].where = where
		if rows[i].flaw != "" {
			rows[i].flaw = where + " " + rows[i].flaw
		}
	}
	return rows
}

// parse reads what can be read. That nothing but flaws was found is an error.
func parse(data []byte) ([]row, error) {
	rows, err := read(data)
	if err != nil {
		return nil, err
	}
	bad := slices.IndexFunc(rows, func(r row) bool { return r.flaw != "" })
	if bad >= 0 && !slices.ContainsFunc(rows, func(r row) bool { return r.flaw == "" && !r.absent }) {
		return nil, errors.New(rows[bad].flaw)
	}
	return rows, nil
}

// read tells JSON from CSV by the first byte.
func read(data []byte) ([]row, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	switch text := bytes.TrimLeft(data, " \t\r\n"); {
	case len(text) == 0:
		return nil, errors.New(" the source is empty")
	case text[0] == '{' || text[0] == '[':
		return readJSON(data)
	case text[0] == '<':
		return nil, errors.New("1: this is HTML or XML; want JSON or CSV")
	}
	return readCSV(data)
}

// collect keeps the newest value of each series, in the order of their names.
// Where no times are given the later row is newer.
func (cfg Config) collect(rows []row, shown string) (*snapshot.Business, []snapshot.Problem, error) {
	newest := map[string]snapshot.BusinessValue{}
	unknown := map[string]bool{}
	bad := flaws{}
	for _, r := range rows {
		name, factor, ok := r.name, 1.0, true
		if cfg.Resolve != nil && r.name != "" {
			name, factor, ok = cfg.Resolve(r.name)
		}
		if !ok {
			unknown[r.name] = true
			continue
		}
		if r.flaw != "" {
			bad.add(r.name, r.flaw)
			continue
		}
		if r.absent {
			continue
		}
		v := snapshot.BusinessValue{Name: name, Labels: r.labels, Value: r.value * factor, At: r.at, Source: shown}
		if math.IsInf(v.Value, 0) {
			bad.add(r.name, fmt.Sprintf("%s %s: %g is too large", r.where, r.name, r.value))
			continue
		}
		if cfg.Range != nil {
			if low, high := cfg.Range(name); v.Value < low || v.Value > high {
				bad.add(r.name, fmt.Sprintf("%s %s: %g is not possible: want %s", r.where, r.name, r.value, between(low/factor, high/factor)))
				continue
			}
		}
		k := key(v)
		if before, ok := newest[k]; ok && older(v, before) {
			continue
		}
		if newest[k] = v; len(newest) > MaxSeries {
			return nil, nil, fmt.Errorf("%s: more than %d series", shown, MaxSeries)
		}
	}
	b := &snapshot.Business{Values: []snapshot.BusinessValue{}}
	for _, k := range slices.Sorted(maps.Keys(newest)) {
		b.Values = append(b.Values, newest[k])
	}
	return b, append(problems(unknown, shown), bad.problems(shown)...), nil
}

// older tells whether v is older than what is there. A value without a time is older
// than one that has one.
func older(v, there snapshot.BusinessValue) bool {
	switch {
	case v.At == nil:
		return there.At != nil
	case there.At == nil:
		return false
	}
	return v.At.Before(*there.At)
}

// key tells series apart and sorts them by name first.
func key(v snapshot.BusinessValue) string {
	var b strings.Builder
	b.WriteString(v.Name)
	for _, name := range slices.Sorted(maps.Keys(v.Labels)) {
		fmt.Fprintf(&b, "\x00%s\x00%s", name, v.Labels[name])
	}
	return b.String()
}

func problems(unknown map[string]bool, shown string) []snapshot.Problem {
	var out []snapshot.Problem
	names := slices.Sorted(maps.Keys(unknown))
	for i, name := range names {
		p := snapshot.Problem{
			Source: "business", What: name, Status: snapshot.Unsupported,
			Detail: fmt.Sprintf("%s: %q is no metric that a business source may give", shown, name),
			Hint:   "llmops metrics list --category business lists the names",
		}
		if i == maxProblems && len(names) > maxProblems+1 {
			p.What, p.Detail = "", fmt.Sprintf("%s: %d more names are no metrics that a business source may give", shown, len(names)-maxProblems)
			return append(out, p)
		}
		out = append(out, p)
	}
	return out
}
