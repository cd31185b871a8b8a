package slo

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Input is an SLO file to be read, under the name that errors call it by.
type Input struct {
	Name string
	Data io.Reader
}

// place is where something stands.
type place struct {
	file string
	at   *yaml.Node
}

func (p place) String() string { return fmt.Sprintf("%s:%d:%d", p.file, p.at.Line, p.at.Column) }

// excluded is a list of statuses that somebody wrote.
type excluded struct {
	place
	statuses []int
}

// found is an objective and the place of its name.
type found struct {
	place
	Objective
}

// merge puts what was read together. The names of objectives must differ, but for
// those that are an expression, and whoever lists statuses must list the same:
// events are sorted out once for all objectives.
func merge(all []found, lists []excluded) (File, error) {
	f := File{ExcludeStatus: DefaultExcludeStatus()}
	for i, l := range lists {
		if i == 0 {
			f.ExcludeStatus = l.statuses
			continue
		}
		if !slices.Equal(sorted(l.statuses), sorted(lists[0].statuses)) {
			err := failAt(l.at, fmt.Sprintf("the statuses that are left out differ from those in %s", lists[0].place),
				"write the same in both places, or in one alone: it holds for all objectives of a run")
			return File{}, inFile(l.file, err)
		}
	}
	first := map[string]place{}
	for _, o := range all {
		if other, ok := first[o.Name]; ok && o.Name != o.Expr {
			msg := fmt.Sprintf("another objective is called %q too", o.Name)
			if other.file != o.file {
				msg += ", in " + other.String()
			} else if other.at.Line != o.at.Line {
				msg += fmt.Sprintf(", in line %d", other.at.Line)
			}
			return File{}, inFile(o.file, failAt(o.at, msg, "give it a name of its own: results are told apart by it"))
		}
		first[o.Name] = o.place
		f.Objectives = append(f.Objectives, o.Objective)
	}
	return f, nil
}

func sorted(statuses []int) []int {
	return slices.Compact(slices.Sorted(slices.Values(statuses)))
}

// noStatus is the text of an annotation that leaves out no status.
const noStatus = "none"

// statusesOf reads the annotation exclude-status of an object: "400, 404, 499".
func statusesOf(o *object) ([]excluded, error) {
	a, ok := o.annotations[noteStatus]
	if !ok {
		return nil, nil
	}
	list := excluded{place: place{o.file, a.at}, statuses: []int{}}
	if a.text == noStatus {
		return []excluded{list}, nil
	}
	for part := range strings.SplitSeq(a.text, ",") {
		status, ok := parseStatus(strings.TrimSpace(part))
		if !ok {
			return nil, failAt(a.at, fmt.Sprintf("%q is no HTTP status", strings.TrimSpace(part)), "want numbers from 100 to 599 with commas, such as \"400, 404, 499\", or "+noStatus)
		}
		list.statuses = append(list.statuses, status)
	}
	return []excluded{list}, nil
}
