package catalog

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"slices"

	"go.yaml.in/yaml/v3"
)

// The files are in the order in which their metrics are listed.
//
//go:embed *.yaml
var files embed.FS

var metricFiles = []string{"performance.yaml", "serving.yaml", "gpu.yaml", "host.yaml", "container.yaml", "business.yaml"}

// Load reads the catalogue that ships with the program. It fails only if the
// files contradict each other, which the tests of this package rule out.
func Load() (Catalog, error) {
	var c Catalog
	var systems []systemEntry
	if err := decode("systems.yaml", &systems); err != nil {
		return c, err
	}
	for _, s := range systems {
		c.Systems = append(c.Systems, s.system())
	}
	var counters []answers
	if err := decode("http.yaml", &counters); err != nil {
		return c, err
	}
	for _, file := range metricFiles {
		var groups []group
		if err := decode(file, &groups); err != nil {
			return c, err
		}
		for _, g := range groups {
			for _, e := range g.Metrics {
				if e.Sources == nil {
					e.Sources = g.Sources
				}
				if e.Labels == nil {
					e.Labels = g.Labels
				}
				metrics, err := e.metrics(c.Systems, counters)
				if err != nil {
					return c, fmt.Errorf("%s: %s: %w", file, e.Name, err)
				}
				for _, m := range metrics {
					m.Category, m.Group = g.Category, g.Group
					c.Metrics = append(c.Metrics, m)
				}
			}
		}
	}
	slices.SortStableFunc(c.Metrics, func(a, b Metric) int {
		return slices.Index(Categories(), a.Category) - slices.Index(Categories(), b.Category)
	})
	return c, c.index()
}

func decode(name string, into any) error {
	data, err := files.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read the catalogue: %w", err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("read the catalogue: %s: %w", name, err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the catalogue: %s: more than one YAML document", name)
	}
	return nil
}

// index fills the maps, and refuses names that mean two things.
func (c *Catalog) index() error {
	c.byName, c.byAlias = map[string]int{}, map[string]target{}
	for i, m := range c.Metrics {
		if _, twice := c.byName[m.Name]; twice {
			return fmt.Errorf("the catalogue has %s twice", m.Name)
		}
		c.byName[m.Name] = i
	}
	add := func(name string, t target) error {
		if before, twice := c.byAlias[name]; twice {
			return fmt.Errorf("%s stands for %s and for %s", name, c.Metrics[before.metric].Name, c.Metrics[t.metric].Name)
		}
		c.byAlias[name] = t
		return nil
	}
	for i, m := range c.Metrics {
		t := target{metric: i, factor: 1}
		if m.SameAs != "" {
			to, ok := c.byName[m.SameAs]
			if !ok || c.Metrics[to].SameAs != "" || to == i {
				return fmt.Errorf("%s is said to be the same as %q, which is no canonical name", m.Name, m.SameAs)
			}
			t = target{metric: to, factor: m.Factor}
		}
		if err := add(m.Name, t); err != nil {
			return err
		}
		for _, a := range m.Aliases {
			if a.Expr != "" || a.Bare {
				continue
			}
			system, _ := c.System(a.System)
			if err := add(a.Name, target{t.metric, t.factor * a.Factor, system.Labels}); err != nil {
				return err
			}
		}
	}
	return nil
}
