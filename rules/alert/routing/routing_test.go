package routing_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/rules/alert/routing"
	"llmops/rules/defaults"
)

func read(t testing.TB, text string) routing.Config {
	t.Helper()
	c, err := routing.Read("routes.yaml", strings.NewReader(text))
	if err != nil {
		e, ok := errors.AsType[*routing.ReadError](err)
		if !ok {
			t.Fatal(err)
		}
		t.Fatalf("%+v\n%s", e.Problems, text)
	}
	return c
}

// labels are those of "a=1 b=2".
func labels(text string) map[string]string {
	out := map[string]string{}
	for pair := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(pair, "=")
		out[name] = value
	}
	return out
}

// The shipped file sends by severity as the documentation promises, with the
// usual waits, and Alertmanager's form of it loses nothing but what is warned of.
func TestDefaults(t *testing.T) {
	data, err := defaults.Routes.ReadFile("routes" + defaults.Extension)
	if err != nil {
		t.Fatal(err)
	}
	c := read(t, string(data))
	for severity, want := range map[string][]string{
		"critical": {"pagerduty", "slack", "email", "sms"},
		"warning":  {"slack", "email"},
		"info":     {"slack"},
		"other":    {"slack"},
	} {
		if got := c.Told(map[string]string{"alertname": "A", "severity": severity}); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", severity, got, want)
		}
	}
	c.Walk(func(r *routing.Route) {
		if !slices.Equal(r.GroupBy, []string{"alertname"}) || r.GroupWait != 30*time.Second || r.GroupInterval != 5*time.Minute || r.RepeatInterval != 4*time.Hour {
			t.Errorf("%s: %+v", r.Key, r)
		}
	})
	want := map[string]routing.Receiver{
		"pagerduty": {Name: "pagerduty", URL: routing.Secret{Env: "PAGERDUTY_URL"}, SendResolved: true},
		"slack":     {Name: "slack", URL: routing.Secret{Env: "SLACK_URL"}, SendResolved: true},
		"email":     {Name: "email", URL: routing.Secret{Env: "EMAIL_URL"}, SendResolved: true},
		"sms": {Name: "sms", SMS: &routing.SMS{AccountSID: routing.Secret{Env: "TWILIO_ACCOUNT_SID"},
			AuthToken: routing.Secret{Env: "TWILIO_AUTH_TOKEN"}, FromEnv: "TWILIO_FROM", ToEnv: "TWILIO_TO"}},
	}
	got := map[string]routing.Receiver{}
	for _, r := range c.Receivers {
		r.Position = routing.Position{}
		got[r.Name] = r
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestInheritance(t *testing.T) {
	c := read(t, `
route:
  receiver: a
  group_by: [b, a]
  group_wait: 10s
  escalation: [{after: 1h, receivers: [c, a]}, {after: 15m, receiver: b}]
  routes:
    - matchers: [team="x"]
      receivers: [b, a, b]
      group_by: ['...']
      continue: yes
      mute_time_intervals: [night]
      routes:
        - match: {code: 500}
          match_re: {env: "prod|stage"}
          group_by: []
          repeat_interval: 1d
          escalation: []
    - receiver: ""
receivers: [{name: a}, {name: b}, {name: c}]
time_intervals: [{name: night, time_intervals: [{times: [{start_time: "22:00", end_time: "24:00"}]}]}]
`)
	type line struct {
		Key                string
		Receivers          []string
		Steps              []routing.Escalation
		GroupBy            []string
		All, Continue      bool
		Wait, Every, Again time.Duration
		Mutes              []string
	}
	var got []line
	c.Walk(func(r *routing.Route) {
		got = append(got, line{r.Key, r.Receivers, r.Escalation, r.GroupBy, r.GroupByAll, r.Continue, r.GroupWait, r.GroupInterval, r.RepeatInterval, r.MuteTimeIntervals})
	})
	toB, toC := routing.Escalation{After: 15 * time.Minute, Receivers: []string{"b"}}, routing.Escalation{After: time.Hour, Receivers: []string{"c"}}
	want := []line{
		{Key: "{}", Receivers: []string{"a"}, Steps: []routing.Escalation{toB, toC}, GroupBy: []string{"a", "b"}, Wait: 10 * time.Second, Every: 5 * time.Minute, Again: 4 * time.Hour},
		{Key: `{}/{team="x"}`, Receivers: []string{"b", "a"}, Steps: []routing.Escalation{toC}, All: true, Continue: true, Wait: 10 * time.Second, Every: 5 * time.Minute, Again: 4 * time.Hour, Mutes: []string{"night"}},
		{Key: `{}/{team="x"}/{code="500",env=~"prod|stage"}`, Receivers: []string{"b", "a"}, GroupBy: []string{}, Wait: 10 * time.Second, Every: 5 * time.Minute, Again: 24 * time.Hour},
		{Key: `{}/{}`, Receivers: []string{"a"}, Steps: []routing.Escalation{toB, toC}, GroupBy: []string{"a", "b"}, Wait: 10 * time.Second, Every: 5 * time.Minute, Again: 4 * time.Hour},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for text, want := range map[string][]string{
		"team=x":                     {"b", "a"}, // continues to the last one, whose receiver was named already
		"team=y":                     {"a"},
		"team=x code=500 env=prod":   {"b", "a"},
		"team=x code=500 env=prods":  {"b", "a"},
		"team=xx code=500 env=stage": {"a"},
	} {
		if got := c.Told(labels(text)); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	if got := len(c.Match(labels("team=x code=500 env=prod"))); got != 2 {
		t.Errorf("%d routes", got)
	}
}

func TestReceivers(t *testing.T) {
	c := read(t, `
global: {slack_api_url: https://hooks.slack.example/secret}
route: {receiver: none}
receivers:
  - name: none
  - {name: mail, email_configs: [{to: x@example.com}]}
  - {name: mail-too, email_configs: [{to: x@example.com}, {to: y@example.com, send_resolved: true}]}
  - {name: hook, webhook_configs: [{url: http://x/secret}]}
  - {name: quiet, webhook_configs: [{url: http://x/secret, send_resolved: false}]}
  - {name: file, url_file: secrets/slack}
  - {name: once, url_env: SLACK_URL, send_resolved: false}
  - {name: both, url_env: SLACK_URL, slack_configs: [{channel: '#a'}]}
  - {name: sms, sms: {account_sid_file: sid, auth_token_env: T, from: "+15550100", to: ["+15550101", "+15550102"]}}
`)
	type line struct {
		Sends, Resolved bool
		URL             string
		Integrations    string
	}
	want := map[string]line{
		"none":     {},
		"mail":     {true, false, "", "email_configs"},
		"mail-too": {true, true, "", "email_configs"},
		"hook":     {true, true, "", "webhook_configs"},
		"quiet":    {true, false, "", "webhook_configs"},
		"file":     {true, true, "secrets/slack", ""},
		"once":     {true, false, "$SLACK_URL", ""},
		"both":     {true, true, "$SLACK_URL", "slack_configs"},
		"sms":      {true, true, "", ""},
	}
	got := map[string]line{}
	for _, r := range c.Receivers {
		got[r.Name] = line{r.Sends(), r.SendResolved, r.URL.String(), strings.Join(r.Integrations, " ")}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	sms, _ := c.Receiver("sms")
	if d := cmp.Diff(&routing.SMS{AccountSID: routing.Secret{File: "sid"}, AuthToken: routing.Secret{Env: "T"}, From: "+15550100", To: []string{"+15550101", "+15550102"}}, sms.SMS); d != "" {
		t.Error(d)
	}
}

// Every problem is told, at its place, with a hint; the rest of the file is read
// all the same.
func TestProblems(t *testing.T) {
	const rest = "\nreceivers: [{name: a}]\n"
	for _, tc := range []struct {
		name, text string
		want       []string // "line:column message | hint", of which each is a part
	}{
		{"empty", "", []string{"1:1: the file is empty|route"}},
		{"null", "# nothing\n", []string{"1:1: the file is empty|"}},
		{"no mapping", "[a]", []string{"1:1: the file must be a mapping|", "1:1: the file has no route|"}},
		{"syntax", "route: {receiver: a\n", []string{":1: not valid YAML|"}},
		{"two documents", "route: {receiver: a}" + rest + "---\nroute: {}\n", []string{"a second document|'---'"}},
		{"typo at the top", "routes: {receiver: a}" + rest, []string{`1:1: unknown key "routes" in the file|did you mean route?`, "1:1: the file has no route|"}},
		{"typo in a route", "route:\n  receiver: a\n  group_wiat: 30s" + rest, []string{`3:3: unknown key "group_wiat" in the route|did you mean group_wait?`}},
		{"typo in a receiver", "route: {receiver: a}\nreceivers:\n  - name: a\n    slak_configs: []\n", []string{`4:5: unknown key "slak_configs"|did you mean slack_configs?`}},
		{"unknown receiver", "route: {receiver: b, escalation: [{after: 1m, receiver: c}]}" + rest, []string{`1:8: the route uses the receiver "b", which the file does not have|a`, `"c"`}},
		{"near receiver", "route: {receiver: pagerdutty}\nreceivers: [{name: pagerduty}, {name: slack}]\n", []string{`"pagerdutty"|did you mean pagerduty?`}},
		{"unknown interval", "route: {receiver: a, routes: [{mute_time_intervals: [night]}]}" + rest, []string{`the time interval "night"|the file has none`}},
		{"no receiver", "route: {group_wait: 1s}" + rest, []string{"1:8: the route has no receiver|receiver: NAME"}},
		{"both receivers", "route: {receiver: a, receivers: [a]}" + rest, []string{"receiver and receivers|"}},
		{"root matchers", "route: {receiver: a, matchers: [a=b]}" + rest, []string{"must not have matchers|"}},
		{"root intervals", "route: {receiver: a, active_time_intervals: [x]}\ntime_intervals: [{name: x}]" + rest, []string{"must not have time intervals|"}},
		{"durations", "route:\n  receiver: a\n  group_wait: 30\n  group_interval: 0s\n  repeat_interval: -1h" + rest, []string{`3:15: group_wait "30" is no duration|30s`, "4:19: group_interval must be longer than 0|", "5:20: repeat_interval"}},
		{"group_by", "route: {receiver: a, group_by: [a, '...'], routes: [{group_by: [b, b]}]}" + rest, []string{"and others|", `twice|`}},
		{"matchers", "route:\n  receiver: a\n  routes:\n    - matchers: ['severity=critical', 'x', 'a=~\"(\"', 'a=\"b']" + rest, []string{`4:39: "x" is no matcher|label=`, `4:44: "(" is no regular expression|`, "quote that is not escaped|"}},
		{"a regexp that closes the group around it", "route: {receiver: a, routes: [{matchers: ['a=~\"b)|(c\"']}]}" + rest, []string{`is no regular expression|`}},
		{"match", "route: {receiver: a, routes: [{match: {a-b: c, d: [e]}, match_re: {a: '['}}]}" + rest, []string{`"a-b" is no name of a label|`, "the value of d must be text|", `"[" is no regular|`}},
		{"matchers no list", "route: {receiver: a, routes: [{matchers: a=b}]}" + rest, []string{"matchers must be a list|"}},
		{"escalation", "route: {receiver: a, escalation: [{after: 1m}, {receiver: a}, {after: 0s, receiver: a}]}" + rest, []string{"needs after and receivers|", "needs after and receivers|", "after must be longer than 0|"}},
		{"twice", "route: {receiver: a}\nreceivers:\n  - name: a\n  - name: a\n  - {}\n", []string{`4:5: two receivers are named "a"|`, "5:5: the receiver has no name|"}},
		{"a key twice", "route: {receiver: a, receiver: b}" + rest, []string{`1:22: key "receiver" stands twice|`}},
		{"url", "route: {receiver: a}\nreceivers: [{name: a, url: 'slack://SECRET'}]", []string{"url would be a secret in the file|url_env"}},
		{"url in url_env", "route: {receiver: a}\nreceivers: [{name: a, url_env: 'slack://SECRET'}]", []string{"url_env is no name of an environment variable|SLACK_URL"}},
		{"url in url_file", "route: {receiver: a}\nreceivers: [{name: a, url_file: 'https://hooks/SECRET'}]", []string{"url_file is no path|"}},
		{"url twice", "route: {receiver: a}\nreceivers: [{name: a, url_file: x, url_env: Y}]", []string{"url_env and url_file|"}},
		{"sms", "route: {receiver: a}\nreceivers: [{name: a, sms: {account_sid: SECRET, auth_token_env: ACSECRET-}}]", []string{"account_sid would be a secret|account_sid_env", "auth_token_env is no name|"}},
		{"sms incomplete", "route: {receiver: a}\nreceivers: [{name: a, sms: {account_sid_env: A, auth_token_env: B, from: '+1', from_env: C}}]", []string{"sms needs from, from one place|", "sms needs to, from one place|TWILIO_TO"}},
		{"intervals", `
route: {receiver: a}
time_intervals:
  - name: x
    time_intervals:
      - {weekdays: ['friday:monday'], months: [13], days_of_month: ['0', '-1:5', '5:1'], years: ['2027:2026']}
      - {times: [{start_time: '9:00', end_time: '10:00'}, {start_time: '22:00', end_time: '06:00'}], location: Nowhere/Land}
  - name: x` + rest, []string{`"friday:monday"`, `"13"`, `"0" in days_of_month`, `"-1:5"`, `"5:1"`, `"2027:2026"`, `"9:00" is no time`, "end_time after it|over midnight is two", `"Nowhere/Land"`, `two time intervals are named "x"`}},
		{"silences", `
route: {receiver: a}
silences:
  - {matchers: [a=b], starts_at: 2026-03-01T00:00:00Z, ends_at: tomorrow}
  - {matchers: [a=b], ends_at: 2026-03-01T00:00:00Z}
  - {matchers: [a=b], starts_at: 2026-03-01T00:00:00Z, ends_at: 2026-03-01T00:00:00Z}
  - {matchers: ['a=~".*"', 'b!="c"'], starts_at: 2026-03-01T00:00:00Z, ends_at: 2026-03-02T00:00:00Z}` + rest,
			[]string{"4:65: ends_at is no time|2026", "5:5: the silence has no starts_at|", "6:5: the silence ends before it starts|", "7:5: the silence would keep every alert quiet|"}},
		{"an alias in itself", "route: &a {receiver: a, routes: [*a]}" + rest, []string{"aliases|"}},
	} {
		_, err := routing.Read("f.yaml", strings.NewReader(tc.text))
		e, ok := errors.AsType[*routing.ReadError](err)
		if !ok {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if len(e.Problems) != len(tc.want) {
			t.Errorf("%s: %d problems, want %d: %+v", tc.name, len(e.Problems), len(tc.want), e.Problems)
			continue
		}
		for i, p := range e.Problems {
			where, hint, _ := strings.Cut(tc.want[i], "|")
			if !strings.Contains(p.String(), where) || !strings.Contains(p.Hint, hint) || p.Hint == "" {
				t.Errorf("%s: %s (%s), want %s", tc.name, p, p.Hint, tc.want[i])
			}
			if strings.Contains(p.String()+p.Hint, "SECRET") {
				t.Errorf("%s: a secret is shown: %s", tc.name, p)
			}
		}
		if !strings.HasPrefix(err.Error(), "f.yaml:") {
			t.Errorf("%s: %s", tc.name, err)
		}
	}
}

func TestAliasesAndMerges(t *testing.T) {
	c := read(t, `
route:
  receiver: a
  routes:
    - &x {matchers: [a=b], receiver: b, group_wait: 5s}
    - <<: *x
      receiver: c
    - *x
receivers: [{name: a}, {name: b}, {name: c}]
`)
	second := c.Route.Routes[1]
	if !slices.Equal(second.Receivers, []string{"c"}) || second.GroupWait != 5*time.Second || second.Key != `{}/{a="b"}` {
		t.Errorf("%+v", second)
	}
	if d := cmp.Diff(c.Route.Routes[0].Receivers, c.Route.Routes[2].Receivers); d != "" {
		t.Error(d)
	}
}

func TestIntervals(t *testing.T) {
	c := read(t, `
route: {receiver: a}
receivers: [{name: a}]
time_intervals:
  - name: office
    time_intervals:
      - {weekdays: ['monday:friday'], times: [{start_time: '09:00', end_time: '17:00'}], location: Europe/Berlin}
  - {name: ends, time_intervals: [{days_of_month: ['-2:-1']}]}
  - {name: early, time_intervals: [{days_of_month: ['1:3', '30:31'], months: ['January:march', '12'], years: [2026]}]}
  - {name: saturday, time_intervals: [{weekdays: [Saturday]}]}
  - {name: day, time_intervals: [{times: [{start_time: '00:00', end_time: '24:00'}]}]}
  - {name: never}
`)
	for _, tc := range []struct {
		name, at string
		want     bool
	}{
		{"office", "2026-03-02T08:00:00Z", true}, // a Monday, 09:00 in Berlin
		{"office", "2026-03-02T07:59:59Z", false},
		{"office", "2026-03-02T15:59:59Z", true},
		{"office", "2026-03-02T16:00:00Z", false},
		{"office", "2026-07-03T07:00:00Z", true}, // a Friday in summer
		{"office", "2026-07-04T07:00:00Z", false},
		{"ends", "2026-02-27T00:00:00Z", true},
		{"ends", "2026-02-26T23:59:59Z", false},
		{"ends", "2028-02-28T12:00:00Z", true}, // a leap year
		{"ends", "2028-02-27T12:00:00Z", false},
		{"early", "2026-02-03T00:00:00Z", true},
		{"early", "2026-02-28T00:00:00Z", false}, // there is no 30th
		{"early", "2026-03-31T00:00:00Z", true},
		{"early", "2026-04-01T00:00:00Z", false},
		{"early", "2026-12-01T00:00:00Z", true},
		{"early", "2027-12-01T00:00:00Z", false},
		{"saturday", "2026-03-07T00:00:00+14:00", false}, // Friday in UTC
		{"saturday", "2026-03-07T23:59:00Z", true},
		{"day", "2026-03-07T23:59:59Z", true},
		{"never", "2026-03-07T23:59:59Z", false},
	} {
		at, err := time.Parse(time.RFC3339, tc.at)
		if err != nil {
			t.Fatal(err)
		}
		v, ok := c.Interval(tc.name)
		if !ok || v.Contains(at) != tc.want {
			t.Errorf("%s at %s: %v", tc.name, tc.at, !tc.want)
		}
	}
}

// What is exported reads the same: the same routes for the same labels, in the
// same groups at the same times.
func TestExportReadsTheSame(t *testing.T) {
	for _, text := range corpus(t) {
		c := read(t, text)
		var out bytes.Buffer
		if _, err := c.Alertmanager(&out); err != nil {
			t.Fatal(err)
		}
		again := read(t, out.String())
		type line struct {
			Receivers  string
			GroupBy    string
			All, Cont  bool
			W, I, R    time.Duration
			Mute, Act  string
			Key        string
			Inhibition int
		}
		lines := func(c routing.Config) (all []line) {
			c.Walk(func(r *routing.Route) {
				all = append(all, line{strings.Join(r.Receivers, "+"), strings.Join(r.GroupBy, ","), r.GroupByAll, r.Continue, r.GroupWait, r.GroupInterval, r.RepeatInterval,
					strings.Join(r.MuteTimeIntervals, ","), strings.Join(r.ActiveTimeIntervals, ","), r.Key, len(c.Inhibit)})
			})
			return all
		}
		if d := cmp.Diff(lines(c), lines(again)); d != "" {
			t.Errorf("%s\n%s", d, out.String())
		}
		ignore := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Position" }, cmp.Ignore())
		zones := cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })
		if d := cmp.Diff(c.Intervals, again.Intervals, ignore, zones); d != "" {
			t.Error(d)
		}
	}
}

func corpus(t testing.TB) []string {
	paths, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%v, %v", paths, err)
	}
	texts := make(map[string]string)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[path] = string(data)
	}
	data, err := defaults.Routes.ReadFile("routes" + defaults.Extension)
	if err != nil {
		t.Fatal(err)
	}
	texts["defaults"] = string(data)
	var out []string
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		out = append(out, texts[path])
	}
	return out
}

func FuzzRead(f *testing.F) {
	for _, text := range corpus(f) {
		f.Add(text)
	}
	f.Add("route: &a {receiver: a, <<: [{group_by: ['...']}], routes: [*a]}")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := routing.Read("f", strings.NewReader(text))
		if err != nil {
			e, ok := errors.AsType[*routing.ReadError](err)
			if !ok || len(e.Problems) == 0 {
				t.Fatalf("%v", err)
			}
			for _, p := range e.Problems {
				if p.Msg == "" || p.Hint == "" {
					t.Fatalf("%+v", p)
				}
			}
			return
		}
		if len(c.Told(map[string]string{"alertname": "a"})) == 0 {
			t.Fatal("an alert goes nowhere")
		}
		var out bytes.Buffer
		if _, err := c.Alertmanager(&out); err != nil {
			t.Fatal(err)
		}
		if _, err := routing.Read("again", &out); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
	})
}
