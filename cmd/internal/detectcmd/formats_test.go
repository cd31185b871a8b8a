package detectcmd

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/detect"
	"llmops/analysis/detect/rows"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
)

// judgedReport is a report of one table with two series, of which the second one has a spike.
func judgedReport(t *testing.T, ctx context.Context, name string) (*options, *report) {
	t.Helper()
	var b strings.Builder
	c := csv.NewWriter(&b)
	_ = c.Write([]string{"timestamp", "steady", name})
	for i := range 300 {
		v := 10 + i%5
		if i == 250 {
			v = 90
		}
		_ = c.Write([]string{strconv.Itoa(1_772_323_200 + i*600), strconv.Itoa(i % 3), strconv.Itoa(v)})
	}
	c.Flush()
	table, ok, err := rows.Parse("a.csv", []byte(b.String()))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	o := &options{output: cli.Output{Format: "csv"}}
	r := &report{files: []*judgedFile{o.judge(ctx, &file{name: "a.csv", table: table}, nil, &progress{files: 1, now: time.Now})}}
	r.sort()
	return o, r
}

func TestForms(t *testing.T) {
	const evil = "v{a=\"</script><img src=x>\x1b[2J\",token=\"s3cret\"}\n::error::"
	o, r := judgedReport(t, t.Context(), evil)
	if len(r.anomalies) != 1 || r.verdict() != anomalies {
		t.Fatalf("%+v", r.anomalies)
	}
	app := &cli.App{}
	for _, format := range append(render.Formats(), "html", "junit", "sarif", "github") {
		o.output.Format = format
		var b bytes.Buffer
		if err := o.shown(app, r)(&b); err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		text := b.String()
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && r != '\r' && unicode.IsControl(r) }); i >= 0 {
			t.Errorf("%s: a control character in %q", format, text[max(0, i-20):i+5])
		}
		if strings.Contains(text, "s3cret") || strings.Contains(text, "NaN") || !strings.Contains(text, "redacted") {
			t.Errorf("%s: %s", format, text)
		}
		switch format {
		case "html":
			if strings.Contains(text, "<img") || strings.Count(text, "data-chart") == 0 {
				t.Error("html: an element of a label, or no chart")
			}
		case "junit":
			var suites struct {
				Tests    int `xml:"tests,attr"`
				Failures int `xml:"failures,attr"`
			}
			if err := xml.Unmarshal(b.Bytes(), &suites); err != nil || suites.Tests != 2 || suites.Failures != 1 {
				t.Errorf("junit: %v: %s", err, text)
			}
		case "github":
			if strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "::warning file=a.csv,title=novelty::") {
				t.Errorf("github: %q", text)
			}
		case "sarif":
			if !strings.Contains(text, `"ruleId": "novelty"`) || !strings.Contains(text, `"level": "warning"`) {
				t.Errorf("sarif: %s", text)
			}
		}
	}
}

// TestHostileFile: names of files may hold anything but 0 and the slash.
func TestHostileFile(t *testing.T) {
	const evil = "a\x1b[2J,::x%\n</script>\a.csv"
	o, r := judgedReport(t, t.Context(), "spiky")
	r.files[0].name = evil
	r.files = append(r.files, r.files[0])
	r.sort()
	for _, format := range append(render.Formats(), "html", "junit", "sarif", "github") {
		o.output.Format = format
		var b bytes.Buffer
		if err := o.shown(&cli.App{}, r)(&b); err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		text := b.String()
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && r != '\r' && unicode.IsControl(r) }); i >= 0 {
			t.Errorf("%s: a control character in %q", format, text[max(0, i-20):i+5])
		}
		if format == "github" && strings.Count(text, "\n") != len(r.anomalies) {
			t.Errorf("github: %q", text)
		}
	}
}

// TestUnknownValue: what JSON has no number for is absent, and every form is written.
func TestUnknownValue(t *testing.T) {
	inf := detect.Anomaly{Series: "x", Value: math.Inf(1), Low: math.Inf(-1), High: math.NaN(), Score: 0.9, Rule: "r"}
	r := &report{files: []*judgedFile{{name: "a", ruled: []detect.Anomaly{inf}, results: make([]detect.Judgement, 1), names: []string{"x"}, scores: make([][]float64, 1), file: &file{table: &rows.Table{Series: []string{"x"}}}}}}
	r.sort()
	o := &options{}
	for _, format := range append(render.Formats(), "html", "junit", "sarif", "github") {
		o.output.Format = format
		var b bytes.Buffer
		if err := o.shown(&cli.App{}, r)(&b); err != nil || strings.Contains(b.String(), "NaN") {
			t.Errorf("%s: %v: %s", format, err, b.String())
		}
	}
	if b, err := json.Marshal(r.document()); err != nil || strings.Contains(string(b), `"value"`) {
		t.Errorf("%s, %v", b, err)
	}
}

// TestInterruptedTraining: when the work ends nobody waits for healthy periods to teach.
func TestInterruptedTraining(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	table, ok, err := rows.Parse("a.csv", []byte("timestamp,x\n1772323200,1\n"))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	p := &progress{files: 1, now: time.Now}
	(&options{}).judge(ctx, &file{name: "a.csv", table: table}, baseline{"x": make([]detect.Row, 10)}, p)
	if p.taught.Load() != 0 {
		t.Error("a series was taught after the end")
	}
}

// TestClassOfFile: a name that ends in _count is a counter's where its _sum is too.
func TestClassOfFile(t *testing.T) {
	f := &file{table: &rows.Table{Series: []string{"connection_count", `wait_count{a="b"}`, `wait_sum{a="b"}`, "wait_sums"}}}
	for i, want := range []detect.Class{detect.Auto, detect.Counter, detect.Counter, detect.Auto} {
		if got := f.class(i); got != want {
			t.Errorf("%s is %v, want %v", f.table.Series[i], got, want)
		}
	}
}

// TestDocument: the keys of the contract, with their types.
func TestDocument(t *testing.T) {
	_, r := judgedReport(t, t.Context(), "spiky")
	var b bytes.Buffer
	if err := render.JSON(&b, r.document()); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Schema    string
		Verdict   string
		Anomalies []map[string]any
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1_772_323_200+250*600, 0).UTC().Format(time.RFC3339)
	want := []map[string]any{{
		"file": "a.csv", "series": "spiky", "from": at, "to": at, "peak_at": at, "value": 90.0, "expected_low": 10.0, "expected_high": 14.0,
		"rows": 1.0,
	}}
	if len(got.Anomalies) == 1 {
		// 76 above the greatest value, of a range of 80 with it, is 19 times the limit of 1/20.
		want[0]["score"], want[0]["p"] = 19.0/20, got.Anomalies[0]["p"]
		want[0]["detectors"] = got.Anomalies[0]["detectors"]
	}
	if diff := cmp.Diff(want, got.Anomalies); diff != "" || got.Schema != "llmops.anomalies/v1" || got.Verdict != "anomalies" {
		t.Errorf("%s %s: %s", got.Schema, got.Verdict, diff)
	}
	empty, _ := json.Marshal((&report{}).document())
	if !strings.Contains(string(empty), `"anomalies":[]`) || !strings.Contains(string(empty), `"verdict":"insufficient_data"`) {
		t.Errorf("%s", empty)
	}
}

// TestInterrupted: what was known by then is shown, in every form.
func TestInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	o, r := judgedReport(t, ctx, "spiky")
	r.interrupted = true
	for _, format := range append(render.Formats(), "html", "junit", "sarif", "github") {
		o.output.Format = format
		if err := o.shown(&cli.App{}, r)(io.Discard); err != nil {
			t.Errorf("%s: %v", format, err)
		}
	}
	b, err := json.Marshal(r.document())
	if err != nil || !strings.Contains(string(b), `"interrupted":true`) {
		t.Errorf("%s, %v", b, err)
	}
}

func TestProgress(t *testing.T) {
	now := time.Unix(0, 0)
	p := &progress{files: 4, now: func() time.Time { return now }, begun: now}
	now = now.Add(10 * time.Second)
	if got := p.line(); got != "file 1 of 4" {
		t.Error(got)
	}
	p.begin(100)
	p.add(100)
	p.pass()
	p.begin(200_000)
	p.add(100_000)
	// 100,100 rows in 10 s; 1.5 of 4 files took 10 s, so the rest takes 16.7 s.
	if got, want := p.line(), "file 2 of 4, 50 % of 200k rows, 10k rows/s, 17s left"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestOrder: files, series and processors in another order give the same report.
func TestOrder(t *testing.T) {
	find := func(file, series string, from int64, score float64) finding {
		return finding{detect.Anomaly{Series: series, From: from, Score: score, Low: math.NaN(), High: math.NaN()}, file}
	}
	want := []finding{find("b", "x", 1, 0.9), find("a", "x", 1, 0.8), find("a", "y", 1, 0.8), find("b", "x", 1, 0.8), find("a", "x", 2, 0.8)}
	for seed := range 20 {
		r := &report{}
		for i := range want {
			a := want[(i*3+seed)%len(want)]
			r.files = append(r.files, &judgedFile{name: a.file, results: []detect.Judgement{{Anomalies: []detect.Anomaly{a.Anomaly}}}})
		}
		r.sort()
		if a, b := fmt.Sprint(r.anomalies), fmt.Sprint(want); a != b {
			t.Fatalf("%s, want %s", a, b)
		}
	}
}

func TestValue(t *testing.T) {
	for want, a := range map[string]detect.Anomaly{
		"99":      {Value: 99, Low: 10, High: 14},
		"5.00001": {Value: 5.00001, Low: 5, High: 5},
		"4.99999": {Value: 4.99999, Low: 5, High: 6},
		"5":       {Value: 5.00001, Low: math.NaN(), High: math.NaN()},
	} {
		if got := value(a); got != want {
			t.Errorf("%+v: %s, want %s", a, got, want)
		}
	}
}
