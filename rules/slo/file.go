package slo

import (
	"errors"
	"fmt"
	"io"
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
	data, err := io.ReadAll(io.LimitReader(r, MaxFileSize+1))
	if err != nil {
		return File{}, fmt.Errorf("read %s: %w", name, err)
	}
	f, err := load(name, data)
	if e, ok := errors.AsType[*Error](err); ok && e.File == "" {
		e.File = name
	}
	return f, err
}

func load(name string, data []byte) (File, error) {
	roots, err := documents(data)
	if err != nil {
		return File{}, err
	}
	if isOpenSLO(roots[0]) {
		docs := make([]document, len(roots))
		for i, root := range roots {
			docs[i] = document{file: name, root: root}
		}
		return readOpenSLO(docs)
	}
	if len(roots) > 1 {
		return File{}, failAt(roots[1], "a second document in the file", "put all objectives into one list 'slos'")
	}
	return readFile(roots[0])
}

func readFile(root *yaml.Node) (File, error) {
	top, err := mapping(root, "the file", "exclude_status", "slos")
	if err != nil {
		return File{}, err
	}
	f := File{ExcludeStatus: DefaultExcludeStatus()}
	if n := top["exclude_status"]; n != nil {
		if f.ExcludeStatus, err = statuses(n); err != nil {
			return File{}, err
		}
	}
	list := top["slos"]
	if list == nil {
		return File{}, failAt(root, "no 'slos' in the file", "list the objectives under 'slos:'")
	}
	entries, err := sequence(list, "slos")
	if err != nil {
		return File{}, err
	}
	if len(entries) == 0 {
		return File{}, failAt(list, "'slos' is empty", "list at least one objective")
	}
	names := map[string]bool{}
	for _, n := range entries {
		o, err := readObjective(n)
		if err != nil {
			return File{}, err
		}
		if names[o.Name] && o.Name != o.Expr {
			return File{}, failAt(n, fmt.Sprintf("another objective is called %q too", o.Name), "give it a name of its own: results are told apart by it")
		}
		names[o.Name] = true
		f.Objectives = append(f.Objectives, o)
	}
	return f, nil
}

func statuses(n *yaml.Node) ([]int, error) {
	items, err := sequence(n, "exclude_status")
	if err != nil {
		return nil, err
	}
	out := make([]int, 0, len(items))
	for _, item := range items {
		v, err := strconv.Atoi(item.Value)
		if item.Kind != yaml.ScalarNode || err != nil || v < 100 || v > 599 {
			return nil, failAt(item, fmt.Sprintf("%q is no HTTP status", item.Value), "want a number from 100 to 599")
		}
		out = append(out, v)
	}
	return out, nil
}
