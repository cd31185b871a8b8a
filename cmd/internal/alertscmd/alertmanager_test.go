package alertscmd

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"llmops/cmd/internal/cli"
)

// freePort is an address that nobody listens at.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// await polls until it holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatal("waited in vain: " + what)
}

// serve starts a program of the system in dir, and waits until the URL answers.
func serve(t *testing.T, dir, ready, program string, args ...string) {
	t.Helper()
	var logs bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stderr = dir, &logs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	t.Cleanup(stop)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if resp, err := http.Get(ready); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
	}
	stop()
	t.Fatalf("%s does not start:\n%s", program, logs.String())
}

func get(t *testing.T, url string, into any) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("%s: %v\n%s", url, err, body)
	}
}

// A real Alertmanager has what was posted, until when it was said to fire, tells its own
// receivers, and drops what is resolved.
func TestRealAlertmanager(t *testing.T) {
	program, err := exec.LookPath("prometheus-alertmanager")
	if err != nil {
		t.Skip("Alertmanager is not installed (Debian package prometheus-alertmanager)")
	}
	w := newWorld(t, nil)
	var mu sync.Mutex
	hooks := ""
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		hooks += string(body) + "\n"
	}))
	defer hook.Close()
	told := func(parts ...string) bool {
		mu.Lock()
		defer mu.Unlock()
		for line := range strings.Lines(hooks) {
			all := true
			for _, p := range parts {
				all = all && strings.Contains(line, p)
			}
			if all {
				return true
			}
		}
		return false
	}
	w.write("am.yml", "route: {receiver: hook, group_by: ['...'], group_wait: 100ms, group_interval: 500ms}\nreceivers: [{name: hook, webhook_configs: [{url: '"+hook.URL+"'}]}]\n")
	address := freePort(t)
	server := "http://" + address
	serve(t, w.dir, server+"/-/ready", program, "--config.file=am.yml", "--storage.path=am", "--web.listen-address="+address, "--cluster.listen-address=")

	// The samples are of now, for an Alertmanager knows no other time.
	now := time.Now().Truncate(time.Minute)
	was := start
	start = now.Add(-3 * time.Minute)
	defer func() { start = was }()
	w.now = time.Now()
	post := func(load ...int) string {
		t.Helper()
		w.measure(map[string][]int{"a": load})
		r := w.alerts("--alertmanager", server, "--alertmanager-hold", "10m")
		if r.Code != cli.CodeOK || r.Err != "" {
			t.Fatalf("exit %d\n%s", r.Code, r.Err)
		}
		return r.Out
	}
	if out := post(10, 95, 95, 95); !strings.Contains(out, "Alertmanager: 2 alerts accepted") {
		t.Error(out)
	}
	type apiAlert struct {
		Labels, Annotations map[string]string
		StartsAt, EndsAt    time.Time
		Status              struct{ State string }
	}
	var list []apiAlert
	await(t, "the alert is there", func() bool {
		get(t, server+"/api/v2/alerts?filter=alertname%3D%22Hot%22", &list)
		return len(list) == 1
	})
	if a := list[0]; a.Labels["instance"] != "a" || a.Labels["severity"] != "critical" || a.Annotations["summary"] != "a is at 95" || a.Status.State == "suppressed" ||
		!a.StartsAt.Equal(start.Add(time.Minute)) || a.EndsAt.Sub(w.now).Round(time.Second) != 10*time.Minute {
		t.Errorf("%+v", a)
	}
	await(t, "its webhook is told", func() bool {
		return told(`"status":"firing"`, `"Hot"`, "a is at 95") && told(`"status":"firing"`, `"Warm"`)
	})
	post(10, 95, 95, 10)
	await(t, "its webhook is told the end", func() bool { return told(`"status":"resolved"`, `"Hot"`) && told(`"status":"resolved"`, `"Warm"`) })
	get(t, server+"/api/v2/alerts", &list)
	if len(list) != 0 {
		t.Errorf("still there: %+v", list)
	}
}

// An Alertmanager that does not answer, or takes nothing, fails the run, and the report
// is printed all the same.
func TestDeadAlertmanager(t *testing.T) {
	w := newWorld(t, map[string][]int{"a": {10, 95, 95}})
	for _, address := range []string{"http://" + freePort(t), "http://127.0.0.1:1/prefix"} {
		r := w.alerts("--alertmanager", address, "--fail-on", "warning")
		if r.Code != cli.CodeFailed || !strings.Contains(r.Out, "verdict: firing") || !strings.Contains(r.Err, "llmops: error: --alertmanager: ") || !strings.Contains(r.Err, "refused") || !strings.Contains(r.Err, "gate failed") {
			t.Errorf("%s: exit %d\n%s%s", address, r.Code, r.Out, r.Err)
		}
	}
	denying := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "who are you", http.StatusUnauthorized) }))
	defer denying.Close()
	w.env["LLMOPS_ALERTMANAGER_TOKEN"] = "wr0ng-t0ken"
	r := w.alerts("--alertmanager", denying.URL, "-o", "json")
	if r.Code != cli.CodeFailed || !strings.Contains(r.Out, `"verdict": "firing"`) || !strings.Contains(r.Err, "401") || strings.Contains(r.Out+r.Err, "wr0ng") || !strings.Contains(r.Err, "hint: ") {
		t.Errorf("exit %d\n%s%s", r.Code, r.Out, r.Err)
	}
}
