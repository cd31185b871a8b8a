package dispatch_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"llmops/analysis/alerting/dispatch"
	"llmops/rules/alert/routing"
)

const live = `
route:
  receiver: hook
  group_by: [alertname]
  group_wait: 1s
  group_interval: 2s
  repeat_interval: 5s # not a multiple of 2s: Alertmanager would be off by one at times
  routes:
    - matchers: [alertname="Quiet"]
      receiver: once
    - matchers: [severity="critical"]
      receiver: pager
      continue: true
    - matchers: [alertname=~"All|Every"]
      group_by: ['...']
      receiver: hook
inhibit_rules:
  - {source_matchers: [alertname="A"], target_matchers: [alertname=~"A|Symptom"], equal: [r]}
receivers:
  - {name: hook, webhook_configs: [{url: "URL"}]}
  - {name: once, webhook_configs: [{url: "URL", send_resolved: false}]}
  - {name: pager, webhook_configs: [{url: "URL"}]}
`

// delivery is a message, as a real Alertmanager sends it.
type delivery struct {
	Receiver string
	GroupKey string
	Alerts   []struct {
		Status string
		Labels map[string]string
	}
	at time.Duration
}

// A real Alertmanager is given alerts at their times, and tells the same
// receivers the same of the same groups, in the same order, at the same times
// within its own delays.
func TestSimulateAgreesWithAlertmanager(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 15 s")
	}
	path, err := exec.LookPath("prometheus-alertmanager")
	if err != nil {
		t.Skip("Alertmanager is not installed (Debian package prometheus-alertmanager)")
	}
	var mu sync.Mutex
	var got []delivery
	var began time.Time
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var d delivery
		err := json.NewDecoder(r.Body).Decode(&d)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			t.Error(err)
		}
		d.at = time.Since(began)
		got = append(got, d)
	}))
	defer sink.Close()
	text := strings.ReplaceAll(live, "URL", sink.URL)
	api := start(t, path, text)

	// No event is within 0.4 s of a time of its group.
	ms := func(a dispatch.Alert, from, to int64) dispatch.Alert { a.From, a.To = from, to; return a }
	alerts := []dispatch.Alert{
		ms(alert(1, "A r=1", 0, 0), 0, 4500),
		ms(alert(2, "A r=2", 0, 0), 1500, 0),
		ms(alert(3, "Brief severity=critical", 0, 0), 0, 500),
		ms(alert(4, "Symptom r=1", 0, 0), 500, 8000), // times: 1.5 s, 3.5 s, ...
		ms(alert(5, "Quiet", 0, 0), 500, 6000),
		ms(alert(6, "Both severity=critical", 0, 0), 500, 7000),
		ms(alert(7, "All r=1", 0, 0), 500, 0),
		ms(alert(8, "All r=2", 0, 0), 1000, 5000),
		ms(alert(9, "Silent", 0, 0), 500, 0),
	}
	mu.Lock()
	began = time.Now()
	mu.Unlock()
	silence, until := routing.Silence{Start: time.UnixMilli(0), End: time.UnixMilli(4500)}, began.Add(4500*time.Millisecond)
	silence.Matchers, err = routing.ParseMatchers(`alertname="Silent"`)
	if err != nil {
		t.Fatal(err)
	}
	post(t, api+"/api/v2/silences", map[string]any{
		"matchers": []map[string]any{{"name": "alertname", "value": "Silent", "isRegex": false, "isEqual": true}},
		"startsAt": began.UTC().Format(time.RFC3339Nano), "endsAt": until.UTC().Format(time.RFC3339Nano), "createdBy": "test", "comment": "test",
	})
	type event struct {
		at    int64
		alert dispatch.Alert
	}
	var events []event
	for _, a := range alerts {
		if events = append(events, event{a.From, a}); a.To != 0 {
			events = append(events, event{a.To, a})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	late := time.Duration(0) // of this process; Alertmanager is no faster
	wait := func(at int64) {
		due := began.Add(time.Duration(at) * time.Millisecond)
		time.Sleep(time.Until(due))
		late = max(late, time.Since(due))
	}
	for _, e := range events {
		wait(e.at)
		body := map[string]any{"labels": e.alert.Labels, "startsAt": began.Add(time.Duration(e.alert.From) * time.Millisecond).UTC().Format(time.RFC3339Nano)}
		if e.at == e.alert.To {
			body["endsAt"] = time.Now().UTC().Format(time.RFC3339Nano)
		} else {
			body["endsAt"] = began.Add(time.Hour).UTC().Format(time.RFC3339Nano)
		}
		post(t, api+"/api/v2/alerts", []any{body})
		wait(e.at)
	}
	const stop = 12_500
	for at := events[len(events)-1].at; at <= stop; at += 250 {
		wait(at)
	}
	if late > 200*time.Millisecond {
		t.Skipf("the machine is too busy: %v late", late)
	}

	c := routes(t, text)
	c.Silences = append(c.Silences, silence)
	labels := map[int]string{}
	for _, a := range alerts {
		labels[a.ID] = fmt.Sprint(a.Labels)
	}
	type message struct {
		at   time.Duration
		text string
	}
	var want []message
	for _, n := range dispatch.Simulate(c, alerts, 0, stop).Notifications {
		var parts []string
		for _, id := range n.Firing {
			parts = append(parts, "firing "+labels[id])
		}
		for _, id := range n.Resolved {
			parts = append(parts, "resolved "+labels[id])
		}
		slices.Sort(parts)
		want = append(want, message{time.Duration(n.At) * time.Millisecond, fmt.Sprint(n.Receiver, " ", n.GroupKey, " ", parts)})
	}
	mu.Lock()
	defer mu.Unlock()
	for _, d := range got {
		var parts []string
		for _, a := range d.Alerts {
			parts = append(parts, a.Status+" "+fmt.Sprint(a.Labels))
		}
		slices.Sort(parts)
		m := message{d.at, fmt.Sprint(d.Receiver, " ", d.GroupKey, " ", parts)}
		i := slices.IndexFunc(want, func(w message) bool {
			return w.text == m.text && w.at-100*time.Millisecond <= m.at && m.at < w.at+900*time.Millisecond
		})
		if i < 0 {
			t.Errorf("Alertmanager sent at %v, and the simulation did not: %s", m.at, m.text)
			continue
		}
		want = slices.Delete(want, i, i+1)
	}
	for _, w := range want {
		t.Errorf("the simulation sent at %v, and Alertmanager did not: %s", w.at, w.text)
	}
	t.Logf("%d messages", len(got))
	if len(got) < 12 {
		t.Errorf("only %d messages", len(got))
	}
}

// start runs Alertmanager with a configuration, and is its address.
func start(t *testing.T, path, config string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "alertmanager.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	cmd := exec.Command(path, "--config.file="+file, "--storage.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--cluster.listen-address=")
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get("http://" + address + "/-/ready")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return "http://" + address
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("Alertmanager does not start")
		}
	}
}

func post(t *testing.T, url string, body any) {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(url, "application/json", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", url, resp.Status)
	}
}
