package metricscmd

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
	"llmops/rules/catalog"
)

// On a terminal the list is never wider than the screen, and every metric keeps
// its name and unit.
func TestFitsTheScreen(t *testing.T) {
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range languages {
		r := clitest.Run(t, &cli.App{OutTTY: true, Width: 80, Color: "never"}, []cli.Verb{New}, "metrics", "list", "--lang", lang, "--color", "never")
		if r.Code != 0 {
			t.Fatal(r.Err)
		}
		units := map[string]string{}
		for line := range strings.Lines(r.Out) {
			line = strings.TrimRight(line, "\n")
			if utf8.RuneCountInString(line) > 80 {
				t.Errorf("%d columns: %s", utf8.RuneCountInString(line), line)
			}
			if f := strings.Fields(line); len(f) > 2 && !strings.HasPrefix(line, " ") {
				units[f[0]] = f[1]
			}
		}
		for _, m := range c.Metrics {
			if units[m.Name] != m.Unit {
				t.Errorf("%s: %s has the unit %q, want %q", lang, m.Name, units[m.Name], m.Unit)
			}
		}
	}
}

// The JSON form is the whole catalogue, and comes back as it was.
func TestJSONIsComplete(t *testing.T) {
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	r := clitest.Run(t, nil, []cli.Verb{New}, "metrics", "list", "-o", "json")
	var doc document
	dec := json.NewDecoder(strings.NewReader(r.Out))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if doc.Schema != Schema || len(doc.Systems) != len(c.Systems) {
		t.Errorf("schema %q, %d systems", doc.Schema, len(doc.Systems))
	}
	want, err := json.Marshal(c.Metrics)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(doc.Metrics)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("the metrics are not those of the catalogue")
	}
}

// Every metric and every alias can be asked for.
func TestShowEverything(t *testing.T) {
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range c.Metrics {
		if found, err := find(c, m.Name); err != nil || len(found) != 1 || found[0].Name != m.Name {
			t.Errorf("%s: %v, %d found", m.Name, err, len(found))
		}
		for _, a := range m.Aliases {
			found, err := find(c, a.Name)
			if _, own := c.Lookup(a.Name); own {
				continue // our own name comes first
			}
			if err != nil || !slices.ContainsFunc(found, func(f catalog.Metric) bool { return f.Name == m.Name }) {
				t.Errorf("%s does not lead to %s: %v", a.Name, m.Name, err)
			}
		}
	}
}

func TestReference(t *testing.T) {
	page, err := Reference()
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	for name := range c.Names() {
		if !strings.Contains(page, "| "+name+" |") {
			t.Errorf("the page lacks %s", name)
		}
	}
	for _, s := range c.Systems {
		if !strings.Contains(page, "\n## "+s.Title+"\n") {
			t.Errorf("the page lacks %s", s.ID)
		}
	}
}
