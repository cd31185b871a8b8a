package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

	"github.com/google/go-cmp/cmp"

	"llmops/probes/remote"
)

// manager takes posted alerts as Alertmanager does: all valid ones, and 400 if there are
// others.
type manager struct {
	mu       sync.Mutex
	requests []int // alerts of each
	paths    map[string]bool
	headers  http.Header
	valid    []postedAlert
	fails    int // answers 503 so many times
}

func (m *manager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fails--; m.fails >= 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var list []postedAlert
	if err := json.NewDecoder(r.Body).Decode(&list); err != nil {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	m.requests = append(m.requests, len(list))
	m.paths = map[string]bool{r.URL.Path: true}
	m.headers = r.Header
	var bad []string
	for _, a := range list {
		if n := a.Labels["bad"]; n != "" {
			bad = append(bad, n)
		} else {
			m.valid = append(m.valid, a)
		}
	}
	if len(bad) > 0 {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode("not valid: " + strings.Join(bad, ", ") + " with " + r.Header.Get("Authorization"))
	}
}

func labelled(n int, bad ...int) []Alert {
	var list []Alert
	for i := range n {
		a := Alert{Labels: map[string]string{"alertname": "A", "n": fmt.Sprint(i)}, StartsAt: at("10:00:00")}
		if slices.Contains(bad, i) {
			a.Labels["bad"] = fmt.Sprint("b", i)
		}
		list = append(list, a)
	}
	return list
}

func TestPost(t *testing.T) {
	m := &manager{fails: 1}
	srv := httptest.NewServer(m)
	defer srv.Close()
	access := remote.Access{Header: http.Header{"Authorization": {"Bearer t0kent0ken"}, "User-Agent": {"llmops/1"}}, Secrets: []string{"t0kent0ken"}}
	am := Alertmanager{URL: srv.URL + "/prefix/", Access: access, Hold: 4 * time.Minute, Generator: "http://p.test/graph", Options: Options{Jitter: func() float64 { return -0.49 }}}
	alerts := labelled(150, 3, 70, 149)
	alerts[1].EndsAt = at("10:20:00")
	alerts[1].Annotations = map[string]string{"summary": "s"}
	posted, err := am.Post(t.Context(), at("10:30:00"), alerts)
	if err != nil || posted.Accepted != 147 || len(posted.Refused) != 3 {
		t.Fatalf("%v, %d, %+v", err, posted.Accepted, posted.Refused)
	}
	for i, n := range []int{3, 70, 149} {
		r := posted.Refused[i]
		if r.Alert.Labels["n"] != fmt.Sprint(n) || !strings.Contains(r.Why, fmt.Sprintf("not valid: b%d with Bearer redacted", n)) {
			t.Errorf("%+v", r)
		}
	}
	if !m.paths["/prefix/api/v2/alerts"] || m.headers.Get("Authorization") != "Bearer t0kent0ken" || m.headers.Get("User-Agent") != "llmops/1" || slices.Max(m.requests) != maxBatch {
		t.Error(m.paths, m.headers, m.requests)
	}
	want := []postedAlert{
		{Labels: map[string]string{"alertname": "A", "n": "0"}, StartsAt: at("10:00:00"), EndsAt: at("10:34:00"), GeneratorURL: "http://p.test/graph"},
		{Labels: map[string]string{"alertname": "A", "n": "1"}, Annotations: map[string]string{"summary": "s"}, StartsAt: at("10:00:00"), EndsAt: at("10:20:00"), GeneratorURL: "http://p.test/graph"},
	}
	if d := cmp.Diff(want, m.valid[:2]); d != "" {
		t.Error(d)
	}
}

func TestPostFails(t *testing.T) {
	status := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, r.Header.Get("Authorization"))
	}))
	defer srv.Close()
	access := remote.Access{Header: http.Header{"Authorization": {"Basic t0kent0ken"}}, Secrets: []string{"t0kent0ken"}}
	quick := Options{Jitter: func() float64 { return -0.5 }}
	for code, kind := range map[int]remote.Kind{401: remote.Denied, 404: remote.Refused, 302: remote.BadReply, 503: remote.Broken} {
		status = code
		_, err := Alertmanager{URL: srv.URL, Access: access, Options: quick}.Post(t.Context(), at("10:30:00"), labelled(1))
		if e, ok := errors.AsType[*remote.Error](err); !ok || e.Kind != kind || e.Status != code || strings.Contains(err.Error(), "t0kent0ken") {
			t.Errorf("%d: %v", code, err)
		}
	}
	_, err := Alertmanager{URL: "http://127.0.0.1:1", Options: quick}.Post(t.Context(), at("10:30:00"), labelled(1))
	if e, ok := errors.AsType[*remote.Error](err); !ok || e.Kind != remote.Unreachable {
		t.Error(err)
	}
	for _, bad := range []string{"", "ftp://x", "http://u:p4ssw0rd@x", "x:9093"} {
		if _, err := (Alertmanager{URL: bad}).Post(t.Context(), at("10:30:00"), labelled(1)); err == nil || strings.Contains(err.Error(), "p4ssw0rd") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (Alertmanager{URL: srv.URL, Options: quick}).Post(ctx, at("10:30:00"), labelled(1)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestRealAlertmanager posts to the program itself, which tells a webhook.
func TestRealAlertmanager(t *testing.T) {
	var program string
	for _, name := range []string{"prometheus-alertmanager", "alertmanager"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		t.Skip("there is no Alertmanager (Debian: apt-get install prometheus-alertmanager)")
	}
	told := make(chan map[string]any, 20)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m map[string]any
		if json.NewDecoder(r.Body).Decode(&m) == nil {
			told <- m
		}
	}))
	defer hook.Close()
	dir := t.TempDir()
	config := filepath.Join(dir, "alertmanager.yml")
	text := "route: {receiver: hook, group_by: [alertname], group_wait: 100ms, group_interval: 500ms}\nreceivers: [{name: hook, webhook_configs: [{url: '" + hook.URL + "', send_resolved: true}]}]\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "--config.file="+config, "--storage.path="+dir, "--web.listen-address="+address, "--web.route-prefix=/am", "--web.external-url=http://"+address+"/am", "--cluster.listen-address=")
	log := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	base := "http://" + address + "/am"
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if res, err := http.Get(base + "/-/ready"); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Now().After(end) {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			t.Fatal("Alertmanager did not start: ", log)
		}
	}
	now := time.Now()
	firing := latency("a", 3, "10:15:00", "")
	firing.StartsAt = now.Add(-time.Minute)
	firing.Annotations = map[string]string{"summary": "p95 < 2 s"}
	nameless := Alert{Labels: map[string]string{"alertname": ""}, StartsAt: now}
	odd := latency("b", 3, "10:15:00", "")
	odd.Labels["not-a-name"] = "x"
	am := Alertmanager{URL: base, Hold: 10 * time.Minute}
	posted, err := am.Post(ctx, now, []Alert{firing, nameless, odd})
	if err != nil || posted.Accepted != 1 || len(posted.Refused) != 2 || posted.Refused[0].Why == "" {
		t.Fatal(posted, err)
	}
	next := func() map[string]any {
		t.Helper()
		select {
		case m := <-told:
			return m
		case <-ctx.Done():
			t.Fatal("the webhook was not told")
			return nil
		}
	}
	m := next()
	first := m["alerts"].([]any)[0].(map[string]any)
	if m["status"] != "firing" || first["labels"].(map[string]any)["replica"] != "a" || first["annotations"].(map[string]any)["summary"] != "p95 < 2 s" {
		t.Error(m)
	}
	res, err := http.Get(base + "/api/v2/alerts")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var held []postedAlert
	if err := json.NewDecoder(res.Body).Decode(&held); err != nil || len(held) != 1 || held[0].EndsAt.Sub(now.Add(10*time.Minute)).Abs() > time.Second || held[0].StartsAt.Sub(firing.StartsAt).Abs() > time.Second {
		t.Errorf("%v %+v", err, held)
	}
	firing.EndsAt = time.Now()
	if posted, err = am.Post(ctx, time.Now(), []Alert{firing}); err != nil || posted.Accepted != 1 {
		t.Fatal(posted, err)
	}
	for m = next(); m["status"] != "resolved"; m = next() {
	}
}
