package catalog

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// group is how a file writes metrics.
type group struct {
	Category string   `yaml:"category"`
	Group    string   `yaml:"group"`
	Sources  []string `yaml:"sources"` // of those that name none
	Labels   []string `yaml:"labels"`
	Metrics  []entry  `yaml:"metrics"`
}

// entry is a Metric, or a family of them when Stats is set: "{stat}" in Name
// stands for each, "{of}" in the texts for its words.
type entry struct {
	Name       string              `yaml:"name"`
	Stats      []string            `yaml:"stats"`
	Only       map[string][]string `yaml:"only"` // the statistics that a source has, where it lacks some
	Unit       string              `yaml:"unit"`
	Kind       string              `yaml:"kind"` // gauge unless it says else
	EN         string              `yaml:"en"`
	ZH         string              `yaml:"zh"`
	Sources    []string            `yaml:"sources"`
	Labels     []string            `yaml:"labels"`
	Expr       string              `yaml:"expr"`
	SameAs     string              `yaml:"same_as"`
	Factor     ratio               `yaml:"factor"`
	Note       string              `yaml:"note"`
	Range      []float64           `yaml:"range"` // of possible values, where the unit and the kind do not say it
	Aliases    []aliasEntry        `yaml:"aliases"`
	Histograms []aliasEntry        `yaml:"histograms"` // of a family: without _bucket, _sum, _count
	// HTTP is what it is of the HTTP answers that http.yaml counts: all, failed or
	// timed out.
	HTTP string `yaml:"http"`
}

type aliasEntry struct {
	System string   `yaml:"system"`
	Stats  []string `yaml:"stats"` // of a family, those that it is
	Name   string   `yaml:"name"`
	Factor ratio    `yaml:"factor"`
	Expr   string   `yaml:"expr"`
	Sure   string   `yaml:"sure"`
	Note   string   `yaml:"note"`
	Bare   bool     `yaml:"bare"`
	// Of a histogram: matchers of the series that count, and labels that are not kept.
	Where   string   `yaml:"where"`
	Without []string `yaml:"without"`
}

type systemEntry struct {
	ID       string            `yaml:"id"`
	Title    string            `yaml:"title"`
	Doc      string            `yaml:"doc"`
	Sure     string            `yaml:"sure"`
	Prefixes []string          `yaml:"prefixes"`
	Labels   map[string]string `yaml:"labels"`
}

// ratio is a factor as a file writes it: 0.01, 1048576 or 1/60.
type ratio struct {
	text  string
	value float64
}

// UnmarshalYAML reads a number or a fraction.
func (r *ratio) UnmarshalYAML(n *yaml.Node) error {
	v, ok := new(big.Rat).SetString(n.Value)
	if !ok || v.Sign() <= 0 {
		return fmt.Errorf("line %d: factor %q is no positive number or fraction", n.Line, n.Value)
	}
	r.text = n.Value
	r.value, _ = v.Float64()
	return nil
}

// or1 is the factor, 1 where none is written.
func (r ratio) or1() float64 {
	if r.text == "" {
		return 1
	}
	return r.value
}

func (s systemEntry) system() System {
	return System{ID: s.ID, Title: s.Title, Doc: s.Doc, Prefixes: s.Prefixes, Labels: s.Labels, Sure: s.Sure}
}

// metrics are those that an entry stands for.
func (e entry) metrics(systems []System, counters []answers) ([]Metric, error) {
	m := Metric{
		Name: e.Name, Unit: e.Unit, Kind: e.Kind, EN: e.EN, ZH: e.ZH, Sources: e.Sources, Labels: e.Labels,
		Expr: strings.TrimSpace(e.Expr), SameAs: e.SameAs, Note: e.Note,
	}
	if m.Kind == "" {
		m.Kind = Gauge
	}
	switch m.Low, m.High = possible(m.Unit, m.Kind); len(e.Range) {
	case 0:
	case 2:
		m.Low, m.High = e.Range[0], e.Range[1]
	default:
		return nil, fmt.Errorf("range %v: want two numbers", e.Range)
	}
	if m.SameAs != "" {
		m.Factor = e.Factor.or1()
	}
	for _, a := range e.Aliases {
		if a.Factor.text != "" && a.Expr != "" {
			return nil, fmt.Errorf("alias %s has a factor and an expression", a.Name)
		}
		alias, err := a.alias(systems)
		if err != nil {
			return nil, err
		}
		m.Aliases = append(m.Aliases, alias)
	}
	if e.HTTP != "" {
		aliases, err := httpAliases(counters, e.HTTP, systems)
		if err != nil {
			return nil, err
		}
		m.Aliases = append(m.Aliases, aliases...)
	}
	if len(e.Stats) == 0 {
		return []Metric{m}, nil
	}
	var all []Metric
	for _, name := range e.Stats {
		s, ok := statistics[name]
		if !ok {
			return nil, fmt.Errorf("no statistic is called %q", name)
		}
		one := m
		one.Name = strings.ReplaceAll(e.Name, "{stat}", name)
		one.EN = strings.ReplaceAll(e.EN, "{of}", s.en)
		one.ZH = strings.ReplaceAll(e.ZH, "{of}", s.zh)
		one.Sources = slices.DeleteFunc(slices.Clone(e.Sources), func(source string) bool {
			has, limited := e.Only[source]
			return limited && !slices.Contains(has, name)
		})
		one.Aliases = nil
		for _, h := range e.Histograms {
			expr := s.of(h)
			if expr == "" {
				continue // a histogram has no least and no greatest value
			}
			alias, err := aliasEntry{System: h.System, Name: h.Name, Expr: expr, Sure: h.Sure, Note: h.Note}.alias(systems)
			if err != nil {
				return nil, err
			}
			one.Aliases = append(one.Aliases, alias)
		}
		for i, a := range e.Aliases {
			if slices.Contains(a.Stats, name) {
				one.Aliases = append(one.Aliases, m.Aliases[i])
			}
		}
		all = append(all, one)
	}
	return all, nil
}

func (a aliasEntry) alias(systems []System) (Alias, error) {
	i := slices.IndexFunc(systems, func(s System) bool { return s.ID == a.System })
	if i < 0 {
		return Alias{}, fmt.Errorf("alias %s: no system is called %q", a.Name, a.System)
	}
	out := Alias{System: a.System, Name: a.Name, Expr: strings.TrimSpace(a.Expr), Sure: a.Sure, Note: a.Note, Bare: a.Bare}
	if out.Sure == "" {
		out.Sure = systems[i].Sure
	}
	if out.Expr == "" {
		out.Factor = a.Factor.or1()
	}
	return out, nil
}
