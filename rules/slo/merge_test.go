package slo

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// files reads texts under the names a.yaml, b.yaml and so on.
func files(texts ...string) (File, error) {
	var inputs []Input
	for i, text := range texts {
		inputs = append(inputs, Input{string(rune('a'+i)) + ".yaml", strings.NewReader(text)})
	}
	return LoadAll(inputs...)
}

const (
	shortOne  = "slos:\n  - {name: one, sli: availability, target: 0.9}\n"
	shortTwo  = "exclude_status: [404, 400]\nslos:\n  - {name: two, sli: availability, target: 0.9}\n  - {sli: p95_latency_ms < 500}\n"
	openThree = "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: three}\nspec: {indicatorRef: requests, budgetingMethod: Occurrences, objectives: [{target: 0.99}]}\n"
	openSLI   = "apiVersion: openslo/v1\nkind: SLI\nmetadata: {name: requests, annotations: {llmops/sli: availability}}\n" +
		"spec: {ratioMetric: {counter: true, good: {metricSource: {metricSourceRef: m, spec: {query: g}}}, total: {metricSource: {type: Prometheus, spec: {query: t}}}}}\n"
)

func names(f File) (out []string) {
	for _, o := range f.Objectives {
		out = append(out, o.Name)
	}
	return out
}

// Several files are one: in their order, and OpenSLO's refer to each other.
func TestLoadAll(t *testing.T) {
	f, err := files(shortTwo, openThree, shortOne, openSLI)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"two", "p95_latency_ms < 500", "three", "one"}, names(f)); d != "" {
		t.Error(d)
	}
	if !slices.Equal(f.ExcludeStatus, []int{404, 400}) {
		t.Errorf("exclude_status %v", f.ExcludeStatus)
	}
	want := &Source{Good: Query{Text: "g"}, Total: Query{Type: "Prometheus", Text: "t"}, Counter: true}
	if d := cmp.Diff(want, f.Objectives[2].Source); d != "" {
		t.Errorf("source (-want +got):\n%s", d)
	}
	if f.Objectives[0].Source != nil {
		t.Errorf("the short form has the source %+v", f.Objectives[0].Source)
	}
	// An expression is its own name, and may stand in several files.
	if f, err = files(shortTwo, "slos: [{sli: p95_latency_ms < 500}]"); err != nil || len(f.Objectives) != 3 {
		t.Errorf("%v, %v", names(f), err)
	}
}

func TestLoadAllErrors(t *testing.T) {
	note := func(text string) string {
		return strings.Replace(openThree, "{name: three}", "{name: three, annotations: {llmops/exclude-status: '"+text+"'}}", 1)
	}
	for name, c := range map[string]struct {
		texts []string
		want  string
	}{
		"two files":       {[]string{shortOne, shortTwo, shortOne}, `c.yaml:2:5: another objective is called "one" too, in a.yaml:2:5`},
		"two forms":       {[]string{openThree, openSLI, strings.Replace(shortOne, "one", "three", 1)}, `c.yaml:2:5: another objective is called "three" too, in a.yaml:3:18`},
		"one file":        {[]string{shortOne + "  - {name: one, sli: availability, target: 0.9}\n"}, `a.yaml:3:5: another objective is called "one" too, in line 2`},
		"two documents":   {[]string{openThree, openSLI, openThree}, `c.yaml:3:18: a second SLO is called "three"`},
		"statuses":        {[]string{shortTwo, "exclude_status: [400]\n" + shortOne}, "b.yaml:1:17: the statuses that are left out differ from those in a.yaml:1:17"},
		"statuses, forms": {[]string{note("404"), openSLI, shortTwo}, "c.yaml:1:17: the statuses that are left out differ from those in a.yaml:3:62"},
		"no status":       {[]string{note("404, x"), openSLI}, `a.yaml:3:62: "x" is no HTTP status`},
		"beyond":          {[]string{note("4040"), openSLI}, `a.yaml:3:62: "4040" is no HTTP status`},
		"no SLO":          {[]string{openSLI, shortOne}, "a.yaml:1:1: no document of kind SLO"},
		"lost":            {[]string{shortOne, openThree}, `b.yaml:4:22: no SLI is called "requests"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := files(c.texts...)
			e, ok := errors.AsType[*Error](err)
			if !ok || err.Error() != c.want || e.Hint == "" {
				t.Errorf("%v (%+v)\nwant %s", err, e, c.want)
			}
		})
	}
	if _, err := LoadAll(Input{"x", strings.NewReader(shortOne)}, Input{"x", strings.NewReader(shortOne)}); err == nil || !strings.Contains(err.Error(), "named twice") {
		t.Error(err)
	}
	_, err := files(openThree, openSLI, openThree)
	if e, ok := errors.AsType[*Error](err); !ok || !strings.Contains(e.Hint, "a.yaml:3:18") {
		t.Errorf("%+v", e)
	}
}

func TestExcludeStatusOfOpenSLO(t *testing.T) {
	for _, c := range []struct {
		slo, sli string // annotations, "" for none
		want     []int
	}{
		{"", "", DefaultExcludeStatus()},
		{"400, 404,499", "", []int{400, 404, 499}},
		{"", "429", []int{429}},
		{"429,400", "400, 429", []int{429, 400}}, // the same in another order
		{"none", "", []int{}},
	} {
		three, sli := openThree, openSLI
		if c.slo != "" {
			three = strings.Replace(three, "{name: three}", "{name: three, annotations: {llmops/exclude-status: '"+c.slo+"'}}", 1)
		}
		if c.sli != "" {
			sli = strings.Replace(sli, "annotations: {", "annotations: {llmops/exclude-status: '"+c.sli+"', ", 1)
		}
		f, err := files(three + "---\n" + sli)
		if err != nil || !slices.Equal(f.ExcludeStatus, c.want) {
			t.Errorf("%q and %q: %v, %v; want %v", c.slo, c.sli, f.ExcludeStatus, err, c.want)
		}
	}
	// Also of an SLI that stands within the SLO.
	inline := strings.Replace(openThree, "indicatorRef: requests", "indicator: {metadata: {annotations: {llmops/sli: availability, llmops/exclude-status: '418'}}, "+
		"spec: {ratioMetric: {good: {metricSource: {type: x}}, total: {metricSource: {type: x}}}}}", 1)
	if f, err := files(inline); err != nil || !slices.Equal(f.ExcludeStatus, []int{418}) {
		t.Errorf("%v, %v", f.ExcludeStatus, err)
	}
}
