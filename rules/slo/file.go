package slo

import (
	"fmt"
	"io"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// File is what an SLO file says, in either form.
type File struct {
	ExcludeStatus []int // statuses that are no event of the service
	Objectives    []Objective
}

// MaxFileSize bounds an SLO file, in bytes.
const MaxFileSize = 1 << 20

// Load reads an SLO file. Documents with "apiVersion: openslo/v1" are OpenSLO
// (docs/slo.md says what of it); else it is the short form:
//
//	exclude_status: [400, 404]        # optional
//	slos:
//	  - name: latency                 # optional
//	    sli: latency_ms < 500         # or availability, ttft_ms < X, tokens_per_second >= R, ...
//	    target: 0.99                  # a share as decimal text, or 99%
//	    window: 30d                   # optional
//	    method: occurrences           # or timeslices (slice, slice_target, min_events), ratio_timeslices (slice, min_events)
//	    errors: exclude               # or bad
//	    alerts:
//	      - {severity: page, long: 1h, short: 5m, threshold: 14.4}
//
// An inline objective may stand for sli and target. The reader is strict:
// unknown keys and wrong types are an *Error with file, line and column. name
// is what errors call the file.
func Load(name string, r io.Reader) (File, error) {
	return LoadAll(Input{name, r})
}

// LoadAll reads several SLO files as one: their objectives in the order of the
// files, which must not share a name. OpenSLO documents may refer to those of
// other files.
func LoadAll(inputs ...Input) (File, error) {
	var all []found
	var lists []excluded
	var docs []document
	order := map[string]int{}
	for i, in := range inputs {
		data, err := io.ReadAll(io.LimitReader(in.Data, MaxFileSize+1))
		if err != nil {
			return File{}, fmt.Errorf("read %s: %w", in.Name, err)
		}
		if _, twice := order[in.Name]; twice {
			return File{}, &Error{File: in.Name, Msg: "the file is named twice", Hint: "name it once"}
		}
		order[in.Name] = i
		roots, err := documents(data)
		if err != nil {
			return File{}, inFile(in.Name, err)
		}
		if isOpenSLO(roots[0]) {
			for _, root := range roots {
				docs = append(docs, document{file: in.Name, root: root})
			}
			continue
		}
		if len(roots) > 1 {
			return File{}, inFile(in.Name, failAt(roots[1], "a second document in the file", "put all objectives into one list 'slos'"))
		}
		objectives, list, err := readFile(in.Name, roots[0])
		if err != nil {
			return File{}, inFile(in.Name, err)
		}
		all, lists = append(all, objectives...), append(lists, list...)
	}
	if len(docs) > 0 {
		objectives, list, err := readOpenSLO(docs)
		if err != nil {
			return File{}, err
		}
		all, lists = append(all, objectives...), append(lists, list...)
	}
	slices.SortStableFunc(all, func(a, b found) int { return order[a.file] - order[b.file] })
	slices.SortStableFunc(lists, func(a, b excluded) int { return order[a.file] - order[b.file] })
	return merge(all, lists)
}

func readFile(name string, root *yaml.Node) (all []found, lists []excluded, err error) {
	top, err := mapping(root, "the file", "exclude_status", "slos")
	if err != nil {
		return nil, nil, err
	}
	if n := top["exclude_status"]; n != nil {
		list := excluded{place: place{name, n}}
		if list.statuses, err = statuses(n); err != nil {
			return nil, nil, err
		}
		lists = append(lists, list)
	}
	list := top["slos"]
	if list == nil {
		return nil, nil, failAt(root, "no 'slos' in the file", "list the objectives under 'slos:'")
	}
	entries, err := sequence(list, "slos")
	if err != nil {
		return nil, nil, err
	}
	if len(entries) == 0 {
		return nil, nil, failAt(list, "'slos' is empty", "list at least one objective")
	}
	for _, n := range entries {
		o, err := readObjective(n)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, found{place{name, n}, o})
	}
	return all, lists, nil
}

func statuses(n *yaml.Node) ([]int, error) {
	items, err := sequence(n, "exclude_status")
	if err != nil {
		return nil, err
	}
	out := make([]int, 0, len(items))
	for _, item := range items {
		v, ok := parseStatus(item.Value)
		if item.Kind != yaml.ScalarNode || !ok {
			return nil, failAt(item, fmt.Sprintf("%q is no HTTP status", item.Value), "want a number from 100 to 599")
		}
		out = append(out, v)
	}
	return out, nil
}

func parseStatus(text string) (status int, ok bool) {
	status, err := strconv.Atoi(text)
	return status, err == nil && status >= 100 && status <= 599
}
