package detectcmd

import (
	"io"
	"strings"
	"time"

	"llmops/analysis/detect"
	"llmops/cmd/internal/render"
)

// junit has a case for each series, which fails where an anomaly reaches the gate.
func (r *report) junit(w io.Writer, gate float64) error {
	type place struct{ file, series string }
	failed := map[place][]string{}
	var rules []finding
	for _, a := range r.anomalies {
		if a.Score < gate {
			continue
		}
		if a.Rule != "" {
			rules = append(rules, a)
			continue
		}
		at := place{a.file, a.Series}
		failed[at] = append(failed[at], r.headline(a))
	}
	verdict := r.verdict()
	suite := render.Suite{Name: "llmops detect"}
	last := int64(0)
	for _, f := range r.files {
		for i, j := range f.results {
			last = max(last, j.Last)
			c := render.Case{Name: render.Clean(f.names[i]), Class: render.Clean(f.name), Failure: strings.Join(failed[place{f.name, f.names[i]}], "\n")}
			switch {
			case verdict == insufficient:
				c.Error = "too few values to be judged"
			case !j.Judged && c.Failure == "":
				c.Output = "too few values to be judged"
			}
			suite.Cases = append(suite.Cases, c)
		}
	}
	for _, a := range rules {
		suite.Cases = append(suite.Cases, render.Case{Name: render.Clean(a.Names()[0] + " " + a.Series), Class: render.Clean(a.file), Failure: r.headline(a)})
	}
	if last > 0 {
		suite.At = time.UnixMilli(last)
	}
	return render.JUnit(w, suite)
}

// findings are the anomalies at the places where files say so.
func (r *report) findings(gate float64) []render.Finding {
	var list []render.Finding
	for _, a := range r.anomalies {
		level := "warning"
		if gate > 0 && a.Score >= gate {
			level = "error"
		}
		list = append(list, render.Finding{Check: a.check(), Level: level, File: render.Clean(a.file), Message: r.headline(a)})
	}
	return list
}

// check is what found an anomaly: the first of several.
func (a finding) check() string {
	if names := a.Names(); len(names) > 0 {
		return names[0]
	}
	return "anomaly"
}

func (r *report) sarif(w io.Writer, version string, gate float64) error {
	var rules []render.SARIFRule
	for _, k := range detect.Kinds() {
		rules = append(rules, render.SARIFRule{ID: k.Name, About: k.About})
	}
	for _, k := range detect.Rules() {
		rules = append(rules, render.SARIFRule{ID: detect.RulesName + "/" + k.Name, About: k.About})
	}
	return render.SARIF(w, "llmops detect", version, rules, r.findings(gate))
}
