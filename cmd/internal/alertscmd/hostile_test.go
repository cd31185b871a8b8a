package alertscmd

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
)

// formats are all of -o.
func formats() []string {
	return []string{"table", "json", "yaml", "csv", "markdown", "junit", "github"}
}

// Thousands of alerts fit a screen, and the machine-readable forms have all of them.
func TestManyAlerts(t *testing.T) {
	load := map[string][]int{}
	for i := range 3000 {
		load[fmt.Sprintf("node-%d", i)] = []int{10, 95}
	}
	w := newWorld(t, load)
	w.write("rules.yaml", "groups: [{name: load, rules: [{alert: Hot, expr: load > 90, labels: {severity: critical}, annotations: {summary: 'is at {{ $value }}'}}]}]")
	r := w.alerts("--report", w.path("r.html"))
	if lines := strings.Count(r.Out, "\n"); r.Code != cli.CodeOK || lines > 60 || !strings.Contains(r.Out, "and 2988 more alerts") {
		t.Errorf("exit %d, %d lines\n%s%s", r.Code, lines, r.Err, r.Out)
	}
	if page, err := os.ReadFile(w.path("r.html")); err != nil || len(page) > 1<<20 || !strings.Contains(string(page), "the first 1000 of 3000") {
		t.Errorf("%v: a page of %d bytes", err, len(page))
	}
	var doc document
	if err := json.Unmarshal([]byte(w.alerts("-o", "json").Out), &doc); err != nil || len(doc.Alerts) != 3000 || doc.Noise.Alerts != 3000 {
		t.Errorf("%v: %d alerts", err, len(doc.Alerts))
	}
	maps.DeleteFunc(load, func(instance string, _ []int) bool { return len(instance) > len("node-99") })
	w.measure(load)
	for _, format := range []string{"junit", "github"} { // for people
		if out := w.alerts("-o", format).Out; len(out) > 5000 || !strings.Contains(out, "and 80 more times") {
			t.Errorf("%s: %d bytes", format, len(out))
		}
	}
}

// What stands in labels cannot command a terminal, break a table, or become markup.
func TestHostileLabels(t *testing.T) {
	w := newWorld(t, nil)
	hostile := "\x1b[31mred\x1b[0m\x07 |a|\n::error::x\n<script>alert(1)</script>"
	var b strings.Builder
	b.WriteString("timestamp,metric,value,instance\n")
	for _, instance := range []string{hostile, strings.Repeat("x", 20_000)} {
		fmt.Fprintf(&b, "%s,load,95,%q\n", start.Format(time.RFC3339), "INSTANCE")
		text := strings.ReplaceAll(b.String(), `"INSTANCE"`, `"`+instance+`"`)
		b.Reset()
		b.WriteString(text)
	}
	w.write("metrics.csv", b.String())
	for _, format := range formats() {
		r := w.alerts("-o", format, "--report", w.path("r.html"))
		if r.Code != cli.CodeOK || !strings.Contains(r.Out, "Hot") {
			t.Fatalf("%s: exit %d\n%s", format, r.Code, r.Err)
		}
		for _, c := range r.Out {
			if unicode.IsControl(c) && c != '\n' && c != '\t' {
				t.Errorf("%s: the control character %U", format, c)
				break
			}
		}
		for line := range strings.Lines(r.Out) {
			if long := len(line) > 2000 && format != "json" && format != "csv" && format != "yaml"; long || format == "github" && !strings.HasPrefix(line, "::warning") {
				t.Errorf("%s: %.200q", format, line)
			}
		}
	}
	page, err := os.ReadFile(w.path("r.html"))
	if err != nil || strings.Contains(string(page), "<script>alert") || strings.Contains(string(page), "\x1b") {
		t.Errorf("%v: markup of a label is in the page", err)
	}
	// What goes on to an Alertmanager and to programs is as it was.
	var doc document
	if err := json.Unmarshal([]byte(w.alerts("-o", "json").Out), &doc); err != nil || doc.Alerts[0].Labels["instance"] != hostile {
		t.Errorf("%v %q", err, doc.Alerts[0].Labels)
	}
}

// The same bytes come of the same input, whatever the number of processors.
func TestSameBytes(t *testing.T) {
	w := newWorld(t, nil)
	w.write("rules.yaml", fleetRules)
	if err := os.Rename(w.write("page.txt", fleet()+"# EOF\n"), w.path("metrics.csv")); err != nil {
		t.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, format := range formats() {
		var first string
		for _, processors := range []int{1, 2, 7, 2} {
			runtime.GOMAXPROCS(processors)
			r := w.alerts("-o", format, "--report", w.path("r.html"))
			page, err := os.ReadFile(w.path("r.html"))
			if r.Code != cli.CodeOK || err != nil {
				t.Fatal(r.Err, err)
			}
			if out := r.Out + r.Err + string(page); first == "" {
				first = out
			} else if out != first {
				t.Fatalf("%s differs with %d processors", format, processors)
			}
		}
	}
}

// An interrupt ends the sending; what is known is printed.
func TestInterrupted(t *testing.T) {
	w := everybody(t, map[string][]int{"a": {10, 60}})
	ctx, interrupt := context.WithCancel(t.Context())
	w.replies(func(_ http.ResponseWriter, _ seen) { interrupt(); <-t.Context().Done() })
	app := &cli.App{Getenv: clitest.Env(w.env), Now: func() time.Time { return start.Add(time.Minute) }}
	done := make(chan clitest.Result, 1)
	go func() {
		done <- clitest.RunContext(ctx, app, []cli.Verb{New}, "alerts", w.path("metrics.csv"), "--rules", w.path("rules.yaml"), "--notify", "--tls-ca", w.path("ca.pem"), "--fail-on", "warning")
	}()
	select {
	case r := <-done:
		if r.Code != cli.CodeInterrupted || !strings.Contains(r.Out, "verdict: firing") {
			t.Errorf("exit %d\n%s%s", r.Code, r.Out, r.Err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("it goes on")
	}
}

// A "for" that is longer than what is replayed is told of, and is no proof of health.
func TestForLongerThanReplay(t *testing.T) {
	w := newWorld(t, map[string][]int{"a": {95, 95, 95}})
	w.write("rules.yaml", "groups: [{name: g, rules: [{alert: Slow, expr: load > 90, for: 1h, labels: {severity: critical}}]}]")
	r := w.alerts("--fail-on", "critical")
	if r.Code != cli.CodeNoVerdict || !strings.Contains(r.Err, "warning: 2m is less than the time for which the condition of Slow must hold, so they cannot fire: replay more (--start)") {
		t.Errorf("exit %d\n%s", r.Code, r.Err)
	}
}

// The night is that of the people who are told.
func TestNight(t *testing.T) {
	w := newWorld(t, map[string][]int{"a": {10, 95, 95}}) // 09:01 UTC
	for zone, want := range map[string]int{"UTC": 0, "Asia/Shanghai": 0, "America/Los_Angeles": 6, "Pacific/Auckland": 6} {
		var doc document
		if err := json.Unmarshal([]byte(w.alerts("-o", "json", "--time-zone", zone).Out), &doc); err != nil || doc.Noise.AtRest != want {
			t.Errorf("%s: %d at night, want %d", zone, doc.Noise.AtRest, want)
		}
	}
}
