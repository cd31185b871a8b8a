package trace

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What the columns of a CSV trace hold. Options.Columns names them by these
// keys.
const (
	colTime    = "time"
	colInput   = "input"
	colOutput  = "output"
	colSession = "session"
	colTook    = "took"
)

// ColumnKeys lists what a column may hold.
func ColumnKeys() []string { return []string{colTime, colInput, colOutput, colSession, colTook} }

// azure is the Azure Public Dataset's LLM inference trace of 2023 and of 2024,
// which differ in the form of the time.
func azure() format {
	t := table{names: map[string][]string{colTime: {"TIMESTAMP"}, colInput: {"ContextTokens"}, colOutput: {"GeneratedTokens"}}, need: []string{colTime, colInput, colOutput}}
	return format{name: "azure", read: t.read,
		is: func(head string) bool { return has(head, "timestamp", "contexttokens", "generatedtokens") }}
}

// burstGPT is the BurstGPT trace, with or without the columns of sessions. A
// request that failed there has no response tokens; it is left out, since
// nobody knows what it would have asked of a server.
func burstGPT() format {
	t := table{
		names: map[string][]string{colTime: {"Timestamp"}, colInput: {"Request tokens"}, colOutput: {"Response tokens"}, colSession: {"Session ID"}, colTook: {"Elapsed time"}},
		need:  []string{colTime, colInput, colOutput}, failures: true,
	}
	return format{name: "burstgpt", read: t.read,
		is: func(head string) bool { return has(head, "timestamp", "request tokens", "response tokens") }}
}

// plainCSV is any table with a column of times.
func plainCSV() format {
	t := table{need: []string{colTime}, names: map[string][]string{
		colTime:    {"time", "timestamp", "arrival", "arrival_time", "arrived_at"},
		colInput:   {"input", "input_tokens", "prompt_tokens", "input_length", "num_prefill_tokens"},
		colOutput:  {"output", "output_tokens", "completion_tokens", "output_length", "num_decode_tokens"},
		colSession: {"session", "session_id", "conversation_id"},
		colTook:    {"took", "duration", "elapsed"},
	}}
	return format{name: "csv", read: t.read,
		is: func(head string) bool { return has(head, ",", "time") || has(head, ",", "arriv") }}
}

// has tells whether the first line of head, a header, has all the words.
func has(head string, words ...string) bool {
	first, _, _ := strings.Cut(head, "\n")
	first = strings.ToLower(first)
	return !strings.ContainsAny(first, "{[") && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(first, w) })
}

// table is a CSV format: the names that its columns may have.
type table struct {
	names    map[string][]string
	need     []string
	failures bool // rows without output are requests that failed
}

// places are the columns of a header, -1 for one that is not there.
type places struct{ time, input, output, session, took int }

func (t table) read(r *reader) error {
	in := csv.NewReader(r.in)
	in.ReuseRecord, in.TrimLeadingSpace = true, true
	header, err := in.Read()
	if err != nil {
		return r.csvError(err)
	}
	header = slices.Clone(header) // that slice is for the rows
	r.line = 1
	at, err := t.find(r, header)
	if err != nil {
		return err
	}
	for !r.full() {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return r.csvError(err)
		}
		e, column, err := at.entry(record)
		if err != nil {
			line, col := in.FieldPos(column)
			return r.fault(line, col, "", fmt.Errorf("column %q: %w", header[column], err))
		}
		if t.failures && e.output == 0 {
			r.trace.Failed++
			continue
		}
		if at.session >= 0 {
			e.session = r.sessionOf(strings.TrimSpace(record[at.session]))
		}
		r.add(e)
	}
	return nil
}

// find looks the columns up in the header.
func (t table) find(r *reader, header []string) (places, error) {
	for i := range header {
		header[i] = strings.TrimSpace(header[i])
	}
	index := func(key string) (int, error) {
		names := t.names[key]
		if own, ok := r.columns[key]; ok {
			names = []string{own}
		}
		for _, name := range names {
			if i := slices.IndexFunc(header, func(h string) bool { return strings.EqualFold(h, name) }); i >= 0 {
				return i, nil
			}
		}
		if _, own := r.columns[key]; own || slices.Contains(t.need, key) {
			return 0, r.fault(1, 1, "the header has "+strings.Join(header, ", "), fmt.Errorf("no column for %s: want %q", key, strings.Join(names, `" or "`)))
		}
		return -1, nil
	}
	var at places
	for _, c := range []struct {
		to  *int
		key string
	}{{&at.time, colTime}, {&at.input, colInput}, {&at.output, colOutput}, {&at.session, colSession}, {&at.took, colTook}} {
		var err error
		if *c.to, err = index(c.key); err != nil {
			return at, err
		}
	}
	return at, nil
}

// entry reads a record; with an error comes the column at fault.
func (at places) entry(record []string) (e entry, column int, err error) {
	if e.at, err = parseTime(strings.TrimSpace(record[at.time])); err != nil {
		return e, at.time, err
	}
	if e.input, err = count(record, at.input); err != nil {
		return e, at.input, err
	}
	if e.output, err = count(record, at.output); err != nil {
		return e, at.output, err
	}
	if at.took >= 0 {
		if text := strings.TrimSpace(record[at.took]); text != "" {
			v, err := strconv.ParseFloat(text, 64)
			if err != nil || v < 0 {
				return e, at.took, fmt.Errorf("%q is no time in seconds", text)
			}
			if e.took, err = seconds(v, time.Second); err != nil {
				return e, at.took, err
			}
		}
	}
	return e, 0, nil
}

// count reads a number of tokens; -1 for a column or a cell that is not there.
func count(record []string, column int) (int, error) {
	if column < 0 {
		return -1, nil
	}
	text := strings.TrimSpace(record[column])
	if text == "" {
		return -1, nil
	}
	if n, err := strconv.Atoi(text); err == nil {
		return tokens(float64(n))
	}
	v, err := strconv.ParseFloat(text, 64) // tables written by pandas have 12.0
	if err != nil {
		return 0, fmt.Errorf("%q is no number of tokens", text)
	}
	return tokens(v)
}

// csvError gives the place of what encoding/csv refuses.
func (r *reader) csvError(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	if pe, ok := errors.AsType[*csv.ParseError](err); ok {
		return r.fault(pe.Line, max(pe.Column, 1), "", pe.Err)
	}
	return err
}
