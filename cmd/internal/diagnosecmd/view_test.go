package diagnosecmd

import (
	"bytes"
	"encoding/xml"
	"io"
	"math"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"llmops/analysis/diagnose"
	"llmops/cmd/internal/render"
	"llmops/rules/fault"
)

// incident is a report with text of somebody who means no good in all that comes from
// labels.
func incident(t *testing.T, evil string) shown {
	t.Helper()
	c := shipped(t)
	at := time.Date(2026, 3, 1, 23, 50, 0, 0, time.UTC)
	where := diagnose.Entity{Label: "replica", Name: "llm-0" + evil}
	series := `kv_usage{replica="llm-0` + evil + `",zone="` + evil + `"}`
	e := diagnose.Evidence{Symptom: "the cache is full", Series: series, Value: 0.98, Normal: new(0.5), Unit: "ratio", At: at.Add(time.Minute), Degree: 1}
	find := func(id string) diagnose.Diagnosis {
		return diagnose.Diagnosis{Fault: id, Name: c.Find(id).En, Confidence: 0.9, RootCause: c.Find(id).Cause, Entity: where.String(), Severity: fault.High, Onset: at,
			Evidence: []diagnose.Evidence{e}, Against: []diagnose.Evidence{e}, NotCollected: []diagnose.Missing{{Symptom: "preemptions", Collect: "nothing"}}, Pattern: c.Find(id), Where: where, Actions: []string{"x" + evil}}
	}
	effect := find("demand_overload")
	effect.Explained = "kv_cache_exhaustion"
	s := shown{catalogue: c, files: []string{"a" + evil}, names: map[diagnose.Entity]fault.Names{where: {Replica: "llm-0" + evil, Namespace: "n" + evil}}}
	s.Report = diagnose.Report{
		Schema: diagnose.Schema, Verdict: diagnose.IncidentSeen,
		Input: diagnose.Input{Series: 1, Points: 100, Start: at, End: at.Add(time.Hour), Normal: &diagnose.Period{From: at, To: at}, Replicas: []string{"llm-0" + evil}},
		Incidents: []diagnose.Incident{{
			ID: "inc-1", Onset: at, End: at.Add(20 * time.Minute), Severity: fault.High, Entities: []string{where.String()}, Impact: []diagnose.Evidence{e},
			Diagnoses: []diagnose.Diagnosis{find("kv_cache_exhaustion"), effect}, Tie: &diagnose.Tie{Between: [2]string{"a", "b" + evil}, Measure: "m" + evil},
			Suspects: []diagnose.Suspect{{Entity: where.String(), Series: series, Score: 2}},
			Curves:   []diagnose.Curve{{Name: series, Unit: "ratio", Start: at, Step: time.Minute, Values: []float64{0.5, 0.5, math.NaN(), 0.98}}},
		}},
	}
	return s
}

func (s shown) screen(t *testing.T, width int, verbose bool) string {
	t.Helper()
	var b strings.Builder
	v := view{Screen: render.Screen{W: &b, Width: width}, shown: s, verbose: verbose}
	if err := v.table(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestScreenFits: nothing but commands is wider than the terminal, and times say the day
// where the data have two.
func TestScreenFits(t *testing.T) {
	s := incident(t, "")
	for _, width := range []int{80, 120} {
		text := s.screen(t, width, false)
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width && !strings.HasPrefix(line, "     ") {
				t.Errorf("%d columns of %d: %s", n, width, line)
			}
		}
		for _, want := range []string{"since 03-01 23:50:00", "+ the cache is full", "03-01 23:51:00", "kv_usage", "\n     kubernetes: n=\"$(kubectl -n n ", "also seen: demand_overload of replica=llm-0 0.90, an effect of"} {
			if !strings.Contains(text, want) {
				t.Errorf("width %d: no %q in\n%s", width, want, text)
			}
		}
	}
	for _, f := range s.catalogue.Faults {
		var b strings.Builder
		v := view{Screen: render.Screen{W: &b, Width: 80}}
		if err := v.fault(&f); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 && !strings.HasPrefix(line, "     ") {
				t.Errorf("%s: %d columns: %s", f.ID, n, line)
			}
		}
		for _, x := range append(f.Symptoms, f.Against...) {
			if !strings.Contains(b.String(), x.Expr) {
				t.Errorf("%s: the expression of %q is cut", f.ID, x.Name)
			}
		}
	}
}

// TestHostileLabels: no form lets a label command a terminal, a browser, a table or CI.
func TestHostileLabels(t *testing.T) {
	const evil = "</script><img src=x onerror=alert(1)>\x1b[2J\x07|`[a](http://e)`\n::error::%0A\u202e"
	s := incident(t, evil)
	forms := map[string]func(io.Writer) error{
		"table":    func(w io.Writer) error { _, err := io.WriteString(w, s.screen(t, 100, true)); return err },
		"markdown": s.markdown, "github": s.annotations,
		"html":  func(w io.Writer) error { return s.page(w, "v") },
		"junit": func(w io.Writer) error { return s.junit(w, none) },
		"sarif": func(w io.Writer) error { return s.sarif(w, "v") },
		"csv":   func(w io.Writer) error { return render.Write(w, "csv", 0, nil, s.flat()) },
		"json":  func(w io.Writer) error { return render.Write(w, "json", 0, s.Report) },
		"plan":  func(w io.Writer) error { return render.YAML(w, s.plan()) },
	}
	for name, write := range forms {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text := b.String()
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && r != '\r' && unicode.IsControl(r) }); i >= 0 {
			t.Errorf("%s: a control character in %q", name, text[max(0, i-20):i+5])
		}
		if name == "html" && strings.Contains(text, "<img") {
			t.Error("html: an element of a label")
		}
		if name == "markdown" && (strings.Contains(strings.ReplaceAll(text, "``", ""), "| <img") || strings.Contains(text, "\n::")) {
			t.Errorf("markdown: %s", text)
		}
		if name == "github" && strings.Count(text, "\n") != 1 {
			t.Errorf("github: more than one command: %q", text)
		}
		if name == "junit" {
			if err := xml.Unmarshal(b.Bytes(), new(struct{})); err != nil {
				t.Errorf("junit: %v", err)
			}
		}
	}
}

func TestNamed(t *testing.T) {
	for _, c := range [][3]string{
		{`gpu_temp{gpu="0",replica="a"}`, "replica=a,gpu=0", "gpu_temp"},
		{`gpu_temp{gpu="1",replica="a"}`, "replica=a,gpu=0", `gpu_temp{gpu="1"}`},
		{`sum by (x) ({__name__=~"a|b"}) {gpu="1",odd="}\",b"}`, "gpu=1", `sum by (x) ({__name__=~"a|b"}){odd="}\",b"}`},
		{`gpu_clock and on (gpu) x > 0.3 {gpu="0"}`, "", `gpu_clock and on (gpu) x > 0.3{gpu="0"}`},
		{`latency{service="web",stat="p95"}`, "service=web", `latency{stat="p95"}`},
		{"rate(x[5m])", "", "rate(x[5m])"}, {"x{odd}", "", "x{odd}"}, {"{}", "", "{}"}, {"", "", ""},
	} {
		if got := named(c[0], c[1]); got != c[2] {
			t.Errorf("%q of %q: %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

// TestTimeline is in order of time, and says nothing twice.
func TestTimeline(t *testing.T) {
	s := incident(t, "")
	rows := s.timeline(s.Incidents[0]).Rows
	if len(rows) != 4 || rows[0][1] != "onset" || rows[3][1] != "over" {
		t.Fatalf("%q", rows)
	}
	for i := range rows[1:] {
		if rows[i+1][0] < rows[i][0] {
			t.Errorf("%q after %q", rows[i+1], rows[i])
		}
	}
}
