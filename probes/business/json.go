package business

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// maxDepth is how deep groups may be nested.
const maxDepth = 8

// readJSON reads one or several values, such as lines, each of them an object of
// names, groups of them, or a list of rows:
//
//	{"at": "2026-01-02T03:04:05Z", "active_users": 1000, "cost": {"hourly_cost_usd": 98.5}}
//	[{"metric": "conversion_rate", "value": 0.03, "timestamp": 1767323045, "labels": {"model": "a"}}]
//
// null is a value that is missing. Of JSON Lines a broken one costs itself only: the
// newest may be written at this moment.
func readJSON(data []byte) ([]row, error) {
	rows, err := readValues(data, 1)
	if err != nil {
		if lines, ok := readLines(data); ok {
			return lines, nil
		}
	}
	return rows, err
}

// readLines reads lines each of which begins an object of its own; false: it is
// nothing of that kind, or no more than half of it can be read.
func readLines(data []byte) (rows []row, ok bool) {
	good, bad, n := 0, 0, 0
	for text := range bytes.Lines(data) {
		n++
		text = bytes.TrimSpace(text)
		switch {
		case len(text) == 0:
			continue
		case text[0] != '{':
			return nil, false
		}
		values, err := readValues(text, n)
		if err != nil {
			bad++
			values = flawed("", err)
		} else {
			good++
		}
		rows = append(rows, values...)
	}
	return rows, good > bad
}

// readValues reads what begins in line n of the source.
func readValues(data []byte, n int) ([]row, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var rows []row
	for {
		var v any
		start := dec.InputOffset()
		err := dec.Decode(&v)
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			at := start // of a value without an end, where it begins
			for at < int64(len(data)) && strings.IndexByte(" \t\r\n", data[at]) >= 0 {
				at++
			}
			if e, ok := errors.AsType[*json.SyntaxError](err); ok {
				at = e.Offset
			}
			return nil, fmt.Errorf("%d: not valid JSON: %s", n-1+line(data, at), strings.TrimPrefix(err.Error(), "json: "))
		}
		where := fmt.Sprintf("%d:", n-1+line(data, dec.InputOffset()))
		if first := line(data, start); first == 1 && line(data, dec.InputOffset()) > 1 {
			where = "" // somewhere in a document of many lines
		}
		rows = append(rows, placed(fromJSON(v, nil, 0), where)...)
	}
}

// line is that of an offset, counted from 1.
func line(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(max(offset, 0), int64(len(data)))], []byte("\n"))
}

func fromJSON(v any, at *time.Time, depth int) []row {
	switch v := v.(type) {
	case []any:
		if depth > maxDepth {
			return flawed("", fmt.Errorf("nested more than %d deep", maxDepth))
		}
		var rows []row
		for _, item := range v {
			if _, ok := item.(map[string]any); !ok {
				rows = append(rows, flawed("", errors.New("want a list of objects, each with metric and value"))...)
				continue
			}
			rows = append(rows, fromJSON(item, at, depth+1)...)
		}
		return rows
	case map[string]any:
		return fromObject(v, at, depth)
	}
	return flawed("", errors.New("want an object of names and values, or a list of rows"))
}

// isTime tells the keys under which a time stands.
func isTime(key string) bool {
	return slices.Contains([]string{"at", "time", "timestamp", "ts", "date"}, strings.ToLower(key))
}

func isName(key string) bool {
	return slices.Contains([]string{"metric", "name"}, strings.ToLower(key))
}

func fromObject(o map[string]any, at *time.Time, depth int) []row {
	if depth > maxDepth {
		return flawed("", fmt.Errorf("nested more than %d deep", maxDepth))
	}
	var name string
	value, isRow := o["value"]
	keys := slices.Sorted(maps.Keys(o))
	for _, k := range keys {
		text, ok := o[k].(string)
		switch {
		case isTime(k):
			t, err := when(fmt.Sprint(o[k]))
			if err != nil {
				return flawed("", fmt.Errorf("%s: %w", k, err))
			}
			at = t
		case isRow && isName(k) && ok:
			name = text
		}
	}
	if isRow {
		if name == "" {
			return flawed("", errors.New("a row has a value and no metric"))
		}
		labels, err := jsonLabels(o["labels"])
		if err != nil {
			return flawed(name, fmt.Errorf("%s: %w", name, err))
		}
		return one(name, value, labels, at)
	}
	var rows []row
	for _, k := range keys {
		if isTime(k) {
			continue
		}
		switch v := o[k].(type) {
		case map[string]any:
			if inner, ok := v["value"]; ok && !slices.ContainsFunc(slices.Collect(maps.Keys(v)), isName) {
				v = maps.Clone(v)
				v["metric"], v["value"] = k, inner
			}
			rows = append(rows, fromObject(v, at, depth+1)...)
		case []any:
			rows = append(rows, fromJSON(v, at, depth+1)...)
		default:
			rows = append(rows, one(k, v, nil, at)...)
		}
	}
	return rows
}

// one is a row, or none where the value is missing.
func one(name string, value any, labels map[string]string, at *time.Time) []row {
	if name == "" {
		return flawed("", errors.New("a value has no name"))
	}
	var text string
	switch v := value.(type) {
	case nil:
		return nil
	case json.Number:
		text = v.String()
	case string:
		text = v
	case bool:
		text = map[bool]string{true: "1", false: "0"}[v]
	default:
		return flawed(name, fmt.Errorf("%s: want a number", name))
	}
	n, ok, err := number(text)
	if err != nil {
		return flawed(name, fmt.Errorf("%s: %w", name, err))
	}
	if !ok {
		return nil
	}
	return []row{{name: name, labels: labels, value: n, at: at}}
}

func jsonLabels(v any) (map[string]string, error) {
	if v == nil {
		return nil, nil
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("labels must be an object")
	}
	labels := map[string]string{}
	for k, v := range o {
		switch v := v.(type) {
		case string:
			labels[k] = v
		case json.Number:
			labels[k] = v.String()
		default:
			return nil, fmt.Errorf("label %s must be a text", k)
		}
		if err := checkLabel(k, labels[k]); err != nil {
			return nil, err
		}
		if labels[k] == "" {
			delete(labels, k) // the same as none
		}
	}
	if len(labels) == 0 {
		return nil, nil
	}
	return labels, nil
}
