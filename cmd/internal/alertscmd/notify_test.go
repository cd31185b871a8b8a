package alertscmd

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/cmd/internal/cli"
)

// everybody sets up all receivers of the routes that ship, and nothing is reached but
// through the proxy, over TLS.
func everybody(t *testing.T, load map[string][]int) *world {
	w := newWorld(t, load)
	w.internet("hooks.slack.com", "events.pagerduty.com", "api.twilio.com")
	w.env["SLACK_URL"] = "https://hooks.slack.com/services/TAAAAAAAA/BBBBBBBBB/123456789123456789123456"
	w.env["PAGERDUTY_URL"] = "pagerduty:///0123456789abcdef0123456789abcdef"
	w.env["EMAIL_URL"] = "smtp://" + w.mailServer() + "/?from=llmops@example.com&to=oncall@example.com"
	w.env["TWILIO_ACCOUNT_SID"], w.env["TWILIO_AUTH_TOKEN"] = "AC0123456789", "s3cret-t0ken"
	w.env["TWILIO_FROM"], w.env["TWILIO_TO"] = "+14155550100", "+14155550101"
	w.replies(func(rw http.ResponseWriter, s seen) {
		switch s.Host {
		case "events.pagerduty.com":
			rw.WriteHeader(http.StatusAccepted)
		case "api.twilio.com":
			rw.WriteHeader(http.StatusCreated)
		}
		_, _ = rw.Write([]byte("ok"))
	})
	return w
}

// Each channel of the routes that ship gets what is said of a critical alert, in its
// own form.
func TestNotifyEverybody(t *testing.T) {
	w := everybody(t, map[string][]int{"a": {10, 95, 95}})
	r := w.alerts("--notify", "--tls-ca", w.path("ca.pem"), "--history", w.path("told.jsonl"))
	if r.Code != cli.CodeOK || r.Err != "" {
		t.Fatalf("exit %d\n%s", r.Code, r.Err)
	}
	for _, line := range []string{"pagerduty pagerduty new [FIRING:1] Hot (critical) yes", "sms sms new [FIRING:1] Hot (critical) yes"} {
		if !strings.Contains(strings.Join(strings.Fields(r.Out), " "), line) {
			t.Errorf("no %q in\n%s", line, r.Out)
		}
	}
	if posts := w.of("hooks.slack.com"); len(posts) != 2 || !strings.Contains(posts[0].Body+posts[1].Body, "a is at 95") {
		t.Errorf("Slack: %+v", posts)
	}
	event := w.of("events.pagerduty.com")
	if len(event) != 1 || event[0].Path != "/v2/enqueue" || event[0].json(t)["event_action"] != "trigger" {
		t.Errorf("PagerDuty: %+v", event)
	}
	sms := w.of("api.twilio.com")
	if len(sms) != 1 || sms[0].Path != "/2010-04-01/Accounts/AC0123456789/Messages.json" || !strings.HasPrefix(sms[0].Authorization, "Basic ") {
		t.Fatalf("Twilio: %+v", sms)
	}
	if form, err := url.ParseQuery(sms[0].Body); err != nil || form.Get("To") != "+14155550101" || form.Get("Body") != "[FIRING:1] Hot (critical) a is at 95" {
		t.Errorf("Twilio: %v %v", form, err)
	}
	if len(w.mails) != 2 || !strings.Contains(w.mails[0]+w.mails[1], "Subject: [FIRING:1] Hot (critical)") {
		t.Errorf("mail: %q", w.mails)
	}
	history, err := os.ReadFile(w.path("told.jsonl"))
	if err != nil || strings.Count(string(history), "\n") != 6 {
		t.Errorf("%v\n%s", err, history)
	}
	if info, err := os.Stat(w.path("told.jsonl")); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	for _, secret := range []string{"123456789123456789123456", "0123456789abcdef", "s3cret-t0ken"} {
		if strings.Contains(r.Out+r.Err+string(history), secret) {
			t.Errorf("%s is shown", secret)
		}
	}

	// Without the authority nobody but the mail server is believed.
	untrusted := w.told(cli.CodeFailed)
	if got := strings.Count(strings.Join(untrusted, "\n"), "certificate signed by unknown authority"); got != 4 || len(untrusted) != 6 {
		t.Errorf("%d of %q", got, untrusted)
	}
}

// A run of cron tells news: what fires, what is resolved, what still fires after the
// repeat interval, and nothing in between.
func TestHistory(t *testing.T) {
	w := everybody(t, map[string][]int{"a": {10, 95, 95}})
	w.write("routes.yaml", `route: {receiver: slack, group_by: [alertname], repeat_interval: 30m, group_interval: 2m}
receivers: [{name: slack, url_env: SLACK_URL}]
`)
	load := map[string][]int{"a": {10, 95, 95}}
	at := func(a ...int) []string {
		t.Helper()
		load["a"] = append(load["a"], a...)
		w.measure(load)
		return w.told(cli.CodeOK, "--tls-ca", w.path("ca.pem"), "--history", w.path("told.jsonl"), "--routes", w.path("routes.yaml"))
	}
	still := func(n int) (list []int) {
		for range n {
			list = append(list, 95)
		}
		return list
	}
	for _, step := range []struct {
		load []int
		want []string
	}{
		{nil, []string{"slack new [FIRING:1] Hot (critical)", "slack new [FIRING:1] Warm (warning)"}},
		{still(1), []string{}},
		{still(28), []string{}},
		{still(1), []string{"slack repeat [FIRING:1] Hot (critical)", "slack repeat [FIRING:1] Warm (warning)"}},
		{append(still(2), 60), []string{"slack resolved [RESOLVED:1] Hot (critical)"}},
		{[]int{60}, []string{}},
		{[]int{95}, []string{"slack new [FIRING:1] Hot (critical)"}},
		{[]int{10}, []string{"slack resolved [RESOLVED:1] Warm (warning)"}}, // Hot was told a minute ago: group_interval
		{[]int{10}, []string{"slack resolved [RESOLVED:1] Hot (critical)"}},
		{[]int{10}, []string{}},
	} {
		if diff := cmp.Diff(step.want, at(step.load...)); diff != "" {
			t.Errorf("after %d minutes: %s", w.minutes, diff)
		}
	}
	if data, err := os.ReadFile(w.path("told.jsonl")); err != nil || len(data) != 0 {
		t.Errorf("%v: all is over, and the history knows\n%s", err, data)
	}
}

// A channel that fails does not stop the others, and is all that the next run tries.
func TestFailingChannel(t *testing.T) {
	w := everybody(t, map[string][]int{"a": {10, 60, 60}})
	args := []string{"--tls-ca", w.path("ca.pem"), "--history", w.path("told.jsonl")}
	w.replies(func(rw http.ResponseWriter, _ seen) { http.Error(rw, "no_service", http.StatusNotFound) })
	want := []string{"email new [FIRING:1] Warm (warning)", "slack new [FIRING:1] Warm (warning): receiver slack: slack: hooks.slack.com answers 404 Not Found: no_service"}
	if diff := cmp.Diff(want, w.told(cli.CodeFailed, args...)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want[1:], w.told(cli.CodeFailed, args...)); diff != "" {
		t.Error(diff)
	}
	w.replies(nil)
	if diff := cmp.Diff([]string{"slack new [FIRING:1] Warm (warning)"}, w.told(cli.CodeOK, args...)); diff != "" {
		t.Error(diff)
	}
	if got := w.told(cli.CodeOK, args...); len(got) != 0 || len(w.mails) != 1 {
		t.Errorf("%q, %d mails", got, len(w.mails))
	}
}

// What reached somebody is in the history at once, whatever becomes of the run.
func TestKilledWhileTelling(t *testing.T) {
	w := everybody(t, map[string][]int{"a": {10, 60, 60}})
	history := ""
	w.replies(func(rw http.ResponseWriter, _ seen) {
		for end := time.Now().Add(5 * time.Second); !strings.Contains(history, `"email"`) && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			data, _ := os.ReadFile(w.path("told.jsonl"))
			history = string(data)
		}
		http.Error(rw, "gone", http.StatusGone)
	})
	w.told(cli.CodeFailed, "--tls-ca", w.path("ca.pem"), "--history", w.path("told.jsonl"))
	if !strings.Contains(history, `"email"`) {
		t.Error("Slack did not answer yet, and the mail that is out is not in the history")
	}
}

// A step of the escalation is told by the run that comes after its time, once; and of
// what is silenced or explained by another alert nobody is told.
func TestEscalationAndSilence(t *testing.T) {
	w := everybody(t, nil)
	w.write("routes.yaml", `route:
  receiver: slack
  group_by: [alertname]
  group_interval: 1m
  escalation: [{after: 15m, receivers: [boss]}]
receivers: [{name: slack, url_env: SLACK_URL}, {name: boss, url_env: EMAIL_URL}]
inhibit_rules:
  - {source_matchers: [alertname="Hot"], target_matchers: [alertname="Warm"], equal: [instance]}
silences:
  - {matchers: [instance="b"], starts_at: 2026-03-01T00:00:00Z, ends_at: 2026-03-02T00:00:00Z, comment: new hardware}
`)
	run := func(minutes int) []string {
		t.Helper()
		load := []int{10}
		for range minutes {
			load = append(load, 95)
		}
		w.measure(map[string][]int{"a": load, "b": load})
		return w.told(cli.CodeOK, "--tls-ca", w.path("ca.pem"), "--history", w.path("told.jsonl"), "--routes", w.path("routes.yaml"))
	}
	for _, step := range []struct {
		minutes int
		want    []string
	}{
		{1, []string{"slack new [FIRING:1] Hot (critical)"}},
		{10, []string{}},
		{16, []string{"boss escalation [FIRING:1] Hot (critical)"}},
		{20, []string{}},
	} {
		if diff := cmp.Diff(step.want, run(step.minutes)); diff != "" {
			t.Errorf("after %d minutes: %s", step.minutes, diff)
		}
	}
	if len(w.mails) != 1 || !strings.Contains(w.mails[0], "still firing after 15m") {
		t.Errorf("%q", w.mails)
	}
}

// How long an alert fires is not known where it fired before the replay begins: that a
// step of the escalation may be overdue is said.
func TestEscalationBeyondTheReplay(t *testing.T) {
	w := everybody(t, nil)
	w.write("routes.yaml", `route:
  receiver: slack
  routes:
    - {matchers: [alertname="Hot"], escalation: [{after: 2m, receivers: [boss]}, {after: 2h, receivers: [boss, all]}]}
receivers: [{name: slack, url_env: SLACK_URL}, {name: boss, url_env: EMAIL_URL}, {name: all, url_env: EMAIL_URL}]
`)
	for name, c := range map[string]struct {
		load []int
		want string
	}{
		"since before": {[]int{95, 95, 95, 95}, "llmops: warning: Hot fires since the replay begins, 3m ago, or longer: whether the escalation after 2h is due is not known; replay more (--start)\n"},
		"since then":   {[]int{10, 95, 95, 95}, ""},
		"over":         {[]int{95, 95, 95, 10}, ""},
	} {
		w.measure(map[string][]int{"a": c.load, "b": c.load})
		r := w.alerts("--notify", "--tls-ca", w.path("ca.pem"), "--history", w.path(name), "--routes", w.path("routes.yaml"))
		if r.Code != cli.CodeOK || r.Err != c.want {
			t.Errorf("%s: exit %d\n%s", name, r.Code, r.Err)
		}
	}
}

// Of the receivers that ship one sets up those that one has; of routes of one's own all
// are meant.
func TestReceiversThatAreNotSetUp(t *testing.T) {
	w := everybody(t, map[string][]int{"a": {10, 95, 95}})
	for _, name := range []string{"PAGERDUTY_URL", "EMAIL_URL", "TWILIO_TO", "TWILIO_FROM", "TWILIO_AUTH_TOKEN", "TWILIO_ACCOUNT_SID"} {
		delete(w.env, name)
	}
	ca := []string{"--notify", "--tls-ca", w.path("ca.pem"), "--history", w.path("told.jsonl")}
	const rest = "receiver pagerduty: the environment has no PAGERDUTY_URL, receiver email: the environment has no EMAIL_URL, receiver sms: the environment has no TWILIO_ACCOUNT_SID"
	r := w.alerts(ca...)
	if r.Code != cli.CodeOK || len(w.of("hooks.slack.com")) != 2 || r.Err != "llmops: warning: not told, since they are not set up: "+rest+"\n" {
		t.Errorf("exit %d\n%s", r.Code, r.Err)
	}
	// Nobody is told at all of what goes to others only.
	w.env["EMAIL_URL"], w.env["SLACK_URL"] = "smtp://"+w.mailServer()+"/?from=llmops@example.com&to=oncall@example.com", ""
	w.write("rules.yaml", strings.ReplaceAll(loadRules, "warning", "info"))
	r = w.alerts("--notify")
	if r.Code != cli.CodeFailed || len(w.mails) != 1 || !strings.Contains(r.Err, "error: nobody is told of Warm: receiver pagerduty: the environment has no PAGERDUTY_URL, receiver slack: the environment has no SLACK_URL, receiver sms") {
		t.Errorf("exit %d, %d mails\n%s", r.Code, len(w.mails), r.Err)
	}
	// In routes of one's own each counts.
	w.write("routes.yaml", "route: {receiver: a, routes: [{matchers: [severity=critical], receivers: [a, b]}]}\nreceivers: [{name: a, url_env: EMAIL_URL}, {name: b, url_file: b.url}, {name: c, slack_configs: [{channel: x}]}]\n")
	r = w.alerts("--notify", "--routes", w.path("routes.yaml"))
	missing := "receiver b: there is no file " + w.path("b.url")
	if r.Code != cli.CodeFailed || len(w.mails) != 3 || !strings.Contains(r.Err, "warning: "+missing+", so it cannot be told\n") || !strings.Contains(r.Err, "error: not told: "+missing+"\nllmops: hint: set them up") {
		t.Errorf("exit %d, %d mails\n%s", r.Code, len(w.mails), r.Err)
	}
	// What only an Alertmanager can send.
	w.write("routes.yaml", "route: {receiver: c}\nreceivers: [{name: c, slack_configs: [{channel: x}]}]\n")
	r = w.alerts("--notify", "--routes", w.path("routes.yaml"))
	if r.Code != cli.CodeUsage || !strings.Contains(r.Err, "receiver c: only an Alertmanager sends by slack_configs") || !strings.Contains(r.Err, "--alertmanager URL") {
		t.Errorf("exit %d\n%s", r.Code, r.Err)
	}
	w.write("routes.yaml", "route: {receiver: c, routes: [{matchers: [severity=critical], receivers: [a]}]}\nreceivers: [{name: a, url_env: EMAIL_URL}, {name: c, slack_configs: [{channel: x}]}]\n")
	r = w.alerts("--notify", "--routes", w.path("routes.yaml"))
	if r.Code != cli.CodeFailed || !strings.Contains(r.Err, "error: not told: receiver c: only an Alertmanager sends by slack_configs") {
		t.Errorf("exit %d\n%s", r.Code, r.Err)
	}
	// Where there is one, that is its concern.
	am := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer am.Close()
	r = w.alerts("--notify", "--routes", w.path("routes.yaml"), "--alertmanager", am.URL)
	if r.Code != cli.CodeOK || !strings.Contains(r.Out, "2 alerts accepted") {
		t.Errorf("exit %d\n%s", r.Code, r.Err)
	}
}

// A history that cannot be kept is found before anybody is told.
func TestHistoryThatCannotBe(t *testing.T) {
	w := everybody(t, map[string][]int{"a": {10, 95, 95}})
	w.write("notes.txt", "buy milk\n")
	for _, path := range []string{w.path("notes.txt"), filepath.Join(w.dir, "none", "told.jsonl")} {
		r := w.alerts("--notify", "--tls-ca", w.path("ca.pem"), "--history", path)
		if r.Code != cli.CodeFailed || !strings.Contains(r.Err, "error: --history: ") || len(w.of("hooks.slack.com")) != 0 {
			t.Errorf("%s: exit %d\n%s", path, r.Code, r.Err)
		}
	}
	if data, err := os.ReadFile(w.path("notes.txt")); err != nil || string(data) != "buy milk\n" {
		t.Errorf("%v %q", err, data)
	}
}
