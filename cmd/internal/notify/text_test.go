package notify

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func at(clock string) time.Time {
	t, err := time.Parse("15:04:05", clock)
	if err != nil {
		panic(err)
	}
	return t.AddDate(2026, 2, 1) // 2026-03-02
}

func latency(replica string, value float64, from, to string) Alert {
	a := Alert{
		Labels:      map[string]string{"alertname": "HighLatency", "severity": "critical", "model": "llama", "replica": replica},
		Annotations: map[string]string{"summary": "p95 latency is above 2 s", "runbook_url": "https://runbooks.test/latency"},
		Value:       new(value), StartsAt: at(from),
	}
	if to != "" {
		a.EndsAt = at(to)
	}
	return a
}

func group(alerts ...Alert) Message {
	return Message{GroupKey: `{}:{alertname="HighLatency"}`, GroupLabels: map[string]string{"alertname": "HighLatency"}, Alerts: alerts}
}

func TestText(t *testing.T) {
	mixed := group(latency("b", 2.5, "10:16:00", ""), latency("c", 1.9, "10:00:00", "10:10:30"), latency("a", 2.3125, "10:15:00", ""))
	noted := group(latency("a", 3, "10:15:00", ""))
	noted.Note = "still firing after 15m"
	other := latency("b", math.Inf(1), "10:20:00", "")
	other.Labels = map[string]string{"alertname": "ServiceDown", "severity": "warning"}
	other.Annotations = map[string]string{"description": "no answer\n  from <b>"}
	many := group()
	for _, n := range []string{"A", "B", "C", "D"} {
		many.Alerts = append(many.Alerts, Alert{Labels: map[string]string{"alertname": n, "severity": "odd"}, StartsAt: at("10:00:00")})
	}
	for _, c := range []struct {
		name               string
		m                  Message
		title, body, short string
	}{
		{"one", group(latency("a", 2.3125, "10:15:00", "")), "[FIRING:1] HighLatency (critical)",
			`p95 latency is above 2 s
model=llama replica=a
- value 2.3125, since 2026-03-02 10:15:00 UTC
runbook: https://runbooks.test/latency`,
			"[FIRING:1] HighLatency (critical) p95 latency is above 2 s https://runbooks.test/latency"},
		{"some resolved", mixed, "[FIRING:2] HighLatency (critical)",
			`p95 latency is above 2 s
model=llama
- replica=a: value 2.3125, since 2026-03-02 10:15:00 UTC
- replica=b: value 2.5, since 2026-03-02 10:16:00 UTC
resolved:
- replica=c: value 1.9, from 2026-03-02 10:00:00 UTC for 10m30s
runbook: https://runbooks.test/latency`,
			"[FIRING:2] HighLatency (critical) p95 latency is above 2 s https://runbooks.test/latency"},
		{"all resolved", group(latency("c", 1.9, "10:00:00", "10:10:30")), "[RESOLVED:1] HighLatency (critical)",
			`p95 latency is above 2 s
model=llama replica=c
- value 1.9, from 2026-03-02 10:00:00 UTC for 10m30s
runbook: https://runbooks.test/latency`,
			"[RESOLVED:1] HighLatency (critical) p95 latency is above 2 s https://runbooks.test/latency"},
		{"note", noted, "[FIRING:1] HighLatency (critical)",
			`still firing after 15m
p95 latency is above 2 s
model=llama replica=a
- value 3, since 2026-03-02 10:15:00 UTC
runbook: https://runbooks.test/latency`,
			"[FIRING:1] HighLatency (critical) still firing after 15m. p95 latency is above 2 s https://runbooks.test/latency"},
		{"two rules", group(latency("a", 3, "10:15:00", ""), other), "[FIRING:2] HighLatency, ServiceDown (critical)",
			`- alertname=HighLatency model=llama replica=a severity=critical: p95 latency is above 2 s, value 3, since 2026-03-02 10:15:00 UTC, runbook https://runbooks.test/latency
- alertname=ServiceDown severity=warning: no answer from <b>, value +Inf, since 2026-03-02 10:20:00 UTC`,
			"[FIRING:2] HighLatency, ServiceDown (critical) model=llama replica=a severity=critical: p95 latency is above 2 s, value 3, since 2026-03-02 10:15:00 UTC, runbook https://runbooks.test/latency"},
		{"many rules", many, "[FIRING:4] A, B, C and 1 more (odd)",
			`- alertname=A: since 2026-03-02 10:00:00 UTC
- alertname=B: since 2026-03-02 10:00:00 UTC
- alertname=C: since 2026-03-02 10:00:00 UTC
- alertname=D: since 2026-03-02 10:00:00 UTC`,
			"[FIRING:4] A, B, C and 1 more (odd) severity=odd: since 2026-03-02 10:00:00 UTC"},
		{"nothing", Message{}, "[RESOLVED] alerts", "no alert of this group fires any longer", "[RESOLVED] alerts"},
		{"gone", Message{GroupLabels: map[string]string{"alertname": "A", "model": "llama"}, Note: "not in the metrics"}, "[RESOLVED] A", "not in the metrics\nno alert of this group fires any longer", "[RESOLVED] A not in the metrics."},
		{"gone, of a group without a name", Message{GroupLabels: map[string]string{"model": "llama", "gpu": "0"}}, "[RESOLVED] gpu=0 model=llama", "no alert of this group fires any longer", "[RESOLVED] gpu=0 model=llama"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.title, c.m.Title()); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(c.body, c.m.Body(4000)); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(c.short, c.m.Short()); d != "" {
				t.Error(d)
			}
		})
	}
}

// What does not fit is counted, and the runbook stays.
func TestBodyLimit(t *testing.T) {
	m := group()
	for i := range 40 {
		m.Alerts = append(m.Alerts, latency(strings.Repeat("x", 1+i), 1, "10:15:00", ""))
	}
	want := `p95 latency is above 2 s
model=llama
- replica=x: value 1, since 2026-03-02 10:15:00 UTC
- replica=xx: value 1, since 2026-03-02 10:15:00 UTC
… and 38 more firing
runbook: https://runbooks.test/latency`
	if d := cmp.Diff(want, m.Body(250)); d != "" {
		t.Error(d)
	}
	for limit := 3; limit < 3000; limit += 7 {
		body := m.Body(limit)
		if len(body) > limit || !utf8.ValidString(body) {
			t.Fatalf("%d bytes for a limit of %d", len(body), limit)
		}
		if limit > 200 && limit < 2000 && (!strings.Contains(body, "more firing") || !strings.HasSuffix(body, "/latency")) {
			t.Fatalf("limit %d: %s", limit, body)
		}
	}
}

// Whatever labels and annotations hold, a title is one line, a body keeps to its limit
// and has a line an alert, and a short message fits two parts.
func TestTextProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	letters := []rune("ab \n\r\t\x00\x1b<>&é漢🙂\u202e:,-=\"'")
	word := func(n int) string {
		s := make([]rune, r.IntN(n))
		for i := range s {
			s[i] = letters[r.IntN(len(letters))]
		}
		return string(s)
	}
	for range 400 {
		m := Message{Note: word(50), GroupLabels: map[string]string{word(9): word(9)}}
		for range r.IntN(6) {
			a := Alert{Labels: map[string]string{"alertname": word(30), "severity": word(5), word(9): word(200)}, Annotations: map[string]string{"summary": word(900), "runbook": word(60)}, StartsAt: at("10:00:00")}
			if r.IntN(2) == 0 {
				a.EndsAt = at("11:00:00")
			}
			m.Alerts = append(m.Alerts, a)
		}
		title, limit := m.Title(), 40+r.IntN(3000)
		body, short := m.Body(limit), m.Short()
		if strings.ContainsAny(title+short, "\n\r\x00\x1b") || strings.ContainsAny(body, "\r\x00\x1b\u202e") {
			t.Fatalf("%q\n%q\n%q", title, body, short)
		}
		if len(body) > limit || utf8.RuneCountInString(short) > maxSMS || strings.Count(body, "\n") > len(m.Alerts)+5 || m.Body(limit) != body {
			t.Fatalf("%d of %d bytes, %d characters: %q", len(body), limit, utf8.RuneCountInString(short), body)
		}
	}
}

func TestShortCutsOnAWord(t *testing.T) {
	a := latency("a", 1, "10:15:00", "")
	a.Annotations = map[string]string{"summary": strings.Repeat("latency ", 60), "runbook": "https://runbooks.test/latency"}
	got := group(a).Short()
	if !strings.HasSuffix(got, " latency…") || utf8.RuneCountInString(got) > 320 || strings.Contains(got, "https") {
		t.Errorf("%d: %q", utf8.RuneCountInString(got), got)
	}
}
