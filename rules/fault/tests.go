package fault

import (
	"io"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// Tests is a file of tests of faults: series, and what is to be found in them.
type Tests struct {
	Name  string
	Files []Text // files of faults that add to those that ship, relative to the tests
	Tests []Case
}

// Text is a value and its place.
type Text struct {
	Value string
	Position
}

// Case is one test.
type Case struct {
	Name     string
	Interval time.Duration // between samples; of the file where the test says nothing, else 15 s
	Series   []Samples
	Baseline []Samples // of a healthy period that ends where Series begin; nil: there is none
	Verdict  string    // ok, incident, insufficient_data; "": any
	First    string    // the first answer of the first incident; "": any
	Expected []Expected
	Absent   []string // faults that must be no answer
	Position
}

// Samples is a series and its values as promtool's unit tests have them.
type Samples struct {
	Series, Values string
	Position
}

// Expected is a diagnosis that has to be there.
type Expected struct {
	Fault        string
	Entity       string // "": any
	Confidence   *Ramp  // both ends are in it; nil: 0.5 to 1
	Evidence     []Text // symptoms that have to be seen
	Against      []Text // what has to speak against it
	NotCollected []Text // symptoms that have to be missing
	ExplainedBy  string // the fault of which it has to be an effect
	Position
}

// DefaultInterval is how far samples are apart where a file does not say.
const DefaultInterval = 15 * time.Second

// ReadTests reads a file of tests; the error is Problems, unless r fails. Series are not
// looked into.
func ReadTests(name string, r io.Reader) (Tests, error) {
	d := &decoder{file: name}
	t := Tests{Name: name}
	interval := DefaultInterval
	err := d.read(r, fields{
		"fault_files": d.places(&t.Files),
		"interval":    d.duration(&interval),
		"fault_tests": d.list(func(n *yaml.Node) { t.Tests = append(t.Tests, d.example(n)) }),
	})
	if err != nil {
		return Tests{}, err
	}
	for i := range t.Tests {
		if t.Tests[i].Interval == 0 {
			t.Tests[i].Interval = interval
		}
	}
	return t, nil
}

func (d *decoder) example(n *yaml.Node) Case {
	c := Case{Position: d.at(n)}
	d.object(n, fields{
		"name": d.text(&c.Name), "interval": d.duration(&c.Interval),
		"input_series":    d.list(func(n *yaml.Node) { c.Series = append(c.Series, d.samples(n)) }),
		"baseline_series": d.list(func(n *yaml.Node) { c.Baseline = append(c.Baseline, d.samples(n)) }),
		"verdict":         choice(d, &c.Verdict, "ok", "incident", "insufficient_data"),
		"first":           d.text(&c.First),
		"diagnoses":       d.list(func(n *yaml.Node) { c.Expected = append(c.Expected, d.expected(n)) }),
		"absent":          d.texts(&c.Absent),
	})
	switch {
	case c.Name == "":
		d.fail(n, "name: says what is tested", "a test without name:")
	case len(c.Series) == 0:
		d.fail(n, "input_series: is a list of series: and values:", "the test %q has no series", c.Name)
	case c.Verdict == "" && c.First == "" && len(c.Expected) == 0 && len(c.Absent) == 0:
		d.fail(n, "verdict, first, diagnoses or absent", "the test %q expects nothing", c.Name)
	}
	return c
}

func (d *decoder) samples(n *yaml.Node) Samples {
	s := Samples{Position: d.at(n)}
	d.object(n, fields{"series": func(n *yaml.Node) { d.text(&s.Series)(n); s.Position = d.at(n) }, "values": d.text(&s.Values)})
	if s.Series == "" || s.Values == "" {
		d.fail(n, "series: 'up{job=\"a\"}' with values: '1 2 _ 1+1x10 stale'", "want series: and values:")
	}
	return s
}

func (d *decoder) expected(n *yaml.Node) Expected {
	e := Expected{Position: d.at(n)}
	d.object(n, fields{
		"fault": d.text(&e.Fault), "entity": d.text(&e.Entity), "confidence": d.ramp(&e.Confidence), "explained_by": d.text(&e.ExplainedBy),
		"evidence": d.places(&e.Evidence), "against": d.places(&e.Against), "not_collected": d.places(&e.NotCollected),
	})
	switch c := e.Confidence; {
	case e.Fault == "":
		d.fail(n, "fault: is its id", "a diagnosis without fault:")
	case c != nil && (c.From > c.To || c.From < 0 || c.To > 1):
		d.fail(n, "such as [0.5, 1]", "confidence: want the least and the most, from 0 to 1")
	}
	return e
}

func (d *decoder) places(into *[]Text) func(*yaml.Node) {
	return d.list(func(n *yaml.Node) {
		t := Text{Position: d.at(n)}
		d.text(&t.Value)(n)
		*into = append(*into, t)
	})
}

func (d *decoder) duration(into *time.Duration) func(*yaml.Node) {
	return func(n *yaml.Node) {
		v, err := model.ParseDuration(n.Value)
		if n.Kind != yaml.ScalarNode || err != nil || v == 0 {
			d.fail(n, "such as 30s or 1m", "want a duration above 0, not %q", n.Value)
			return
		}
		*into = time.Duration(v)
	}
}

// Check tells of faults and symptoms that tests expect and a catalogue does not have; the
// error is Problems. others are faults that it may also name, such as unknown.
func (t Tests) Check(c Catalogue, others ...string) error {
	d := decoder{file: t.Name}
	known := func(at Position, id string) {
		if id != "" && c.Find(id) == nil && !slices.Contains(others, id) {
			n := &yaml.Node{Line: at.Line, Column: at.Column}
			d.fail(n, d.suggest(id, c.IDs()), "no fault is called %q", id)
		}
	}
	for _, test := range t.Tests {
		known(test.Position, test.First)
		for _, id := range test.Absent {
			known(test.Position, id)
		}
		for _, e := range test.Expected {
			known(e.Position, e.Fault)
			known(e.Position, e.ExplainedBy)
			f := c.Find(e.Fault)
			if f == nil {
				continue
			}
			names := SymptomNames(f)
			for _, s := range slices.Concat(e.Evidence, e.Against, e.NotCollected) {
				if !slices.Contains(names, s.Value) {
					d.fail(&yaml.Node{Line: s.Line, Column: s.Column}, d.suggest(s.Value, names), "%s has no symptom %q", e.Fault, s.Value)
				}
			}
		}
	}
	if len(d.problems) == 0 {
		return nil
	}
	return d.problems
}

// SymptomNames are the words for what a fault shows and what speaks against it, each of
// several alternatives too.
func SymptomNames(f *Fault) []string {
	var names []string
	for _, s := range slices.Concat(f.Symptoms, f.Against) {
		names = append(names, s.Name)
		for _, a := range s.Any {
			names = append(names, a.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
