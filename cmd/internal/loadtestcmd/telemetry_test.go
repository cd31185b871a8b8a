package loadtestcmd

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
	"llmops/probes/sim"
	"llmops/probes/snapshot"
)

// engine is a simulated server whose first token takes 30 ms.
func engine(t testing.TB) http.Handler {
	cfg := sim.DefaultConfig()
	cfg.PrefillBase, cfg.PrefillPerToken, cfg.DecodeBase = 30*time.Millisecond, 0, time.Millisecond
	s, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s.Handler()
}

func serve(t testing.TB, h http.Handler) *httptest.Server {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// tested runs a load test with a summary and a folder.
func tested(t *testing.T, args ...string) (loadreport.Summary, clitest.Result, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	r := clitest.Run(t, &cli.App{}, []cli.Verb{New}, append([]string{"loadtest", "--out", dir, "-o", "json", "--output-tokens", "4", "--prompt-tokens", "8"}, args...)...)
	var s loadreport.Summary
	if err := json.Unmarshal([]byte(r.Out), &s); err != nil {
		t.Fatalf("exit %d: %v\n%s", r.Code, err, r.Err)
	}
	return s, r, dir
}

// readings are the lines of telemetry.jsonl.
func readings(t *testing.T, dir string) (list []snapshot.Snapshot) {
	t.Helper()
	name := filepath.Join(dir, telemetryFile)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for line := range strings.Lines(string(data)) {
		var s snapshot.Snapshot
		if err := json.Unmarshal([]byte(line), &s); err != nil || s.Schema != snapshot.Schema {
			t.Fatalf("%v: %s", err, line)
		}
		list = append(list, s)
	}
	return list
}

// Client and engine count the same requests, and their means lie a loopback apart.
func TestServerSide(t *testing.T) {
	s, r, dir := tested(t, serve(t, engine(t)).URL+"/v1", "--rate", "40", "--duration", "2500ms")
	x := s.Server
	if x == nil || x.Engine != "vllm" || x.TTFT == nil || x.ClientTTFT == nil || x.Split == nil || x.Running == nil || x.KVCacheUtilization == nil {
		t.Fatalf("%+v\n%s", x, r.Err)
	}
	if n := float64(s.Requests.Total); x.TTFT.Count != n || x.ClientTTFT.Count != n || x.E2E.Count != n {
		t.Errorf("%v requests: %+v, %+v", n, x.TTFT, x.ClientTTFT)
	}
	if *x.ClientTTFT.Mean < *x.TTFT.Mean || *x.TTFT.Mean < 30 || *x.Split.PrefillMs < 29.9 {
		t.Errorf("client %v, engine %v: %+v", *x.ClientTTFT.Mean, *x.TTFT.Mean, x.Split)
	}
	list := readings(t, dir)
	if len(list) != x.Scrapes || len(list) < 4 || list[0].Host == nil {
		t.Errorf("%d readings, %d counted", len(list), x.Scrapes)
	}
	if first, last := list[0].Servers[0], list[len(list)-1].Servers[0]; *first.RequestsTotal != 0 || *last.RequestsTotal != float64(s.Requests.Total) {
		t.Errorf("%v to %v requests", *first.RequestsTotal, *last.RequestsTotal)
	}
}

// delayed is a proxy in front of a server that holds each completion back.
func delayed(t *testing.T, to string, d time.Duration) *httptest.Server {
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.FlushInterval = -1
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			time.Sleep(d)
		}
		proxy.ServeHTTP(w, whole(r))
	}))
}

// whole reads the body first: net/http closes it with the first byte of the reply, and a
// proxy that is still about to see its end then breaks the reply off.
func whole(r *http.Request) *http.Request {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return r
}

// A proxy that adds 50 ms is found, and the loss is put between the two sides.
func TestProxyIsFound(t *testing.T) {
	s, r, _ := tested(t, delayed(t, serve(t, engine(t)).URL, 50*time.Millisecond).URL+"/v1", "--rate", "40", "--duration", "1s")
	d := s.Server.Disagreement
	if d == nil || d.Side != loadreport.SideBetween && s.Client.Verdict == loadreport.ClientValid || *d.DifferenceMs < 50 || d.Figures[0] != "mean" {
		t.Fatalf("%+v\n%s", d, r.Err)
	}
	if *s.Server.Split.NetworkMs < 45 || !strings.Contains(r.Err, "warning: TTFT of client and engine differ by more than 10 %") {
		t.Errorf("%+v\n%s", s.Server.Split, r.Err)
	}
}

// The metrics of another server than the one that gets the requests may be named.
func TestNamedServer(t *testing.T) {
	behind := serve(t, engine(t))
	gateway := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			http.NotFound(w, r)
			return
		}
		u, _ := url.Parse(behind.URL)
		p := httputil.NewSingleHostReverseProxy(u)
		p.FlushInterval = -1
		p.ServeHTTP(w, whole(r))
	}))
	s, _, _ := tested(t, gateway.URL+"/v1", "--requests", "10", "--server", behind.URL)
	if s.Server == nil || s.Server.URL != behind.URL || s.Server.TTFT == nil || s.Server.TTFT.Count != 10 || s.Requests.Succeeded != 10 {
		t.Fatalf("%+v of %+v", s.Server, s.Requests)
	}
	s, r, dir := tested(t, gateway.URL+"/v1", "--requests", "3")
	if s.Server != nil || strings.Count(r.Err, "the server's side is not measured") != 1 {
		t.Errorf("%+v\n%s", s.Server, r.Err)
	}
	if list := readings(t, dir); len(list) == 0 || list[0].Host == nil || len(list[0].Servers) != 0 {
		t.Errorf("%d readings", len(list))
	}
	s, r, dir = tested(t, gateway.URL+"/v1", "--requests", "3", "--telemetry=false")
	if _, err := os.Stat(filepath.Join(dir, telemetryFile)); s.Server != nil || strings.Contains(r.Err, "server's side") || err == nil {
		t.Errorf("%+v %v\n%s", s.Server, err, r.Err)
	}
	bad := clitest.Run(t, &cli.App{}, []cli.Verb{New}, "loadtest", gateway.URL, "--server", "localhost:1")
	none := clitest.Run(t, &cli.App{}, []cli.Verb{New}, "loadtest", gateway.URL, "--server", "http://a:1", "--telemetry=false")
	if bad.Code != cli.CodeUsage || none.Code != cli.CodeUsage || !strings.Contains(bad.Err, "--server") {
		t.Errorf("%d %s%d %s", bad.Code, bad.Err, none.Code, none.Err)
	}
}

// A server that restarts or disappears midway leaves no counts of the run, and says so.
func TestServerThatRestarts(t *testing.T) {
	for name, c := range map[string]struct {
		after http.Handler // what answers from the fourth reading on; nil: nothing
		want  string
	}{"restarts": {engine(t), "restarted"}, "changes": {http.HandlerFunc(otherEngine), "another engine"}, "disappears": {nil, ""}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := engine(t)
			var served, read atomic.Int64
			front := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n := read.Load() // one to find out, one before the first request, one midway
				if r.URL.Path == "/metrics" {
					n = read.Add(1) - 1
				}
				switch {
				case n < 3:
					if r.Method == http.MethodPost {
						served.Add(1)
					}
					first.ServeHTTP(w, r)
				case c.after == nil:
					panic(http.ErrAbortHandler)
				default:
					c.after.ServeHTTP(w, r)
				}
			}))
			s, r, _ := tested(t, front.URL+"/v1", "--rate", "20", "--duration", "2500ms")
			x := s.Server
			if x == nil {
				t.Fatal(r.Err)
			}
			if c.want != "" {
				if !strings.Contains(x.NotMeasured, c.want) || x.TTFT != nil || x.Queue != nil || x.Preemptions != nil || x.Disagreement != nil || x.Scrapes == 0 {
					t.Errorf("%+v", x)
				}
				return
			}
			// Until it disappeared everything was counted, but for what came after the last reading.
			if x.TTFT == nil || x.TTFT.Count > float64(served.Load()) || x.ScrapesFailed == 0 {
				t.Errorf("%+v of %d", x, served.Load())
			}
		})
	}
}

// otherEngine shows the metrics of SGLang.
func otherEngine(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/metrics" {
		http.NotFound(w, r)
		return
	}
	fmt.Fprint(w, "# TYPE sglang:num_running_reqs gauge\nsglang:num_running_reqs 3\n")
}

// A server whose page hangs delays no request, and costs its readings only.
func TestHangingMetrics(t *testing.T) {
	inner := engine(t)
	var open sync.WaitGroup
	release := make(chan struct{})
	front := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			open.Add(1)
			defer open.Done()
			select {
			case <-release:
			case <-r.Context().Done():
			}
			return
		}
		inner.ServeHTTP(w, r)
	}))
	began := time.Now()
	s, _, _ := tested(t, front.URL+"/v1", "--rate", "20", "--duration", "1s")
	close(release)
	open.Wait()
	if took := time.Since(began); took > 9*time.Second {
		t.Errorf("it took %v", took)
	}
	if s.Requests.Succeeded != 20 || s.Server == nil || s.Server.TTFT != nil || s.Server.Scrapes != 0 || s.Server.NotMeasured == "" {
		t.Errorf("%+v %+v", s.Requests, s.Server)
	}
}

// With a warm-up only what came after it is compared.
func TestServerSideAfterWarmup(t *testing.T) {
	for _, warmup := range []string{"20", "500ms"} {
		// The reading is in the moment in which the first one is due; what is on its way
		// then may be counted by one side. A busy machine reads late, but not each time.
		var n, counted float64
		for try := 0; try < 5 && (n == 0 || math.Abs(counted-n) > 8); try++ {
			s, r, _ := tested(t, serve(t, engine(t)).URL+"/v1", "--rate", "40", "--duration", "1s", "--warmup", warmup)
			x := s.Server
			if x == nil || x.TTFT == nil {
				t.Fatalf("%+v\n%s", x, r.Err)
			}
			n, counted = float64(s.Requests.Total), x.TTFT.Count
		}
		if math.Abs(counted-n) > 8 || n < 35 {
			t.Errorf("%s: %v of %v", warmup, counted, n)
		}
	}
}

// The credentials of the target go to its metrics, and are in no output.
func TestMetricsWithCredentials(t *testing.T) {
	const key = "sk-very-secret-key"
	inner := engine(t)
	var without atomic.Int64
	front := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+key {
			without.Add(1)
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	dir := filepath.Join(t.TempDir(), "run")
	app := &cli.App{Getenv: clitest.Env(map[string]string{"LLMOPS_API_KEY": key})}
	r := clitest.Run(t, app, []cli.Verb{New}, "loadtest", front.URL+"/v1", "--requests", "5", "-o", "json", "--out", dir)
	var s loadreport.Summary
	if err := json.Unmarshal([]byte(r.Out), &s); err != nil || s.Server == nil || s.Server.TTFT.Count != 5 || without.Load() > 0 {
		t.Errorf("%v, %d without a key\n%s%s", err, without.Load(), r.Out, r.Err)
	}
	data, err := os.ReadFile(filepath.Join(dir, telemetryFile))
	if err != nil || strings.Contains(string(data)+r.Out+r.Err, key) {
		t.Errorf("%v, or the key is shown", err)
	}
}

func TestMetricsBase(t *testing.T) {
	for address, want := range map[string]string{
		"http://a:8000/v1/chat/completions":       "http://a:8000",
		"https://a/team/v1/completions?key=x":     "https://a/team",
		"http://a:11434/api/chat":                 "http://a:11434",
		"http://[::1]:3000/generate_stream":       "http://[::1]:3000",
		"http://a/openai/deployments/x/responses": "http://a",
	} {
		if got := metricsBase(address); got != want {
			t.Errorf("%s: %s", address, got)
		}
	}
}

func TestIsLocal(t *testing.T) {
	own := []string{"127.0.0.1", "[::1]", "localhost", "127.8.8.8", "0.0.0.0"}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
			own = append(own, n.IP.String())
		}
	}
	for _, host := range own {
		if !isLocal(t.Context(), "http://"+host+":8000") {
			t.Errorf("%s is another machine", host)
		}
	}
	for _, host := range []string{"192.0.2.1", "[2001:db8::1]"} {
		if isLocal(t.Context(), "http://"+host+":8000") {
			t.Errorf("%s is this machine", host)
		}
	}
}

// The metrics are read over TLS as the requests are sent: with the same authority, and
// with the key, which no other host is shown, whatever the server redirects to.
func TestServerSideOverTLS(t *testing.T) {
	var elsewhere atomic.Int64
	other := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	sims, away := engine(t), atomic.Bool{}
	var keyless atomic.Int64
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer k3y-of-one-host":
			keyless.Add(1)
			http.Error(w, "who is this?", http.StatusUnauthorized)
		case away.Load() && r.Method == http.MethodGet:
			http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
		default:
			sims.ServeHTTP(w, r)
		}
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that are meant to fail
	srv.StartTLS()
	t.Cleanup(srv.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	app := func() *cli.App {
		return &cli.App{Getenv: clitest.Env(map[string]string{"LLMOPS_API_KEY": "k3y-of-one-host"})}
	}
	test := func(args ...string) (loadreport.Summary, string) {
		r := clitest.Run(t, app(), []cli.Verb{New}, append([]string{"loadtest", srv.URL + "/v1", "-o", "json", "--requests", "5", "--output-tokens", "4", "--prompt-tokens", "8"}, args...)...)
		var s loadreport.Summary
		if err := json.Unmarshal([]byte(r.Out), &s); err != nil {
			t.Fatalf("%v: exit %d\n%s", err, r.Code, r.Err)
		}
		if strings.Contains(r.Out+r.Err, "k3y-of-one-host") {
			t.Errorf("%v: the key is shown\n%s", args, r.Err)
		}
		return s, r.Err
	}
	for _, trust := range [][]string{{"--tls-ca", ca}, {"--tls-insecure"}, {"--tls-ca", ca, "--tls-server-name", "example.com"}} {
		s, said := test(trust...)
		if x := s.Server; s.Requests.Succeeded != 5 || x == nil || x.Engine != "vllm" || x.NotMeasured != "" || x.TTFT == nil || x.TTFT.Count != 5 {
			t.Errorf("%v: %+v, %+v\n%s", trust, s.Requests, x, said)
		}
	}
	away.Store(true)
	if s, said := test("--tls-insecure", "--model", "sim"); s.Requests.Succeeded != 5 || !strings.Contains(said, "redirects elsewhere") {
		t.Errorf("redirected: %+v\n%s", s.Requests, said)
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("%d requests, with the key, to where the server redirects", n)
	}
	if n := keyless.Load(); n != 0 {
		t.Errorf("%d requests without the key", n)
	}
	away.Store(false)
	if s, _ := test(); s.Requests.Succeeded != 0 || s.Server != nil && s.Server.TTFT != nil {
		t.Errorf("an authority that nobody trusts: %+v, %+v", s.Requests, s.Server)
	}
}

// A reading that hangs while the warm-up ends hides where the measured part began: then
// there are no counts of it, rather than those of the warm-up with it.
func TestReadingThatHangsOverTheWarmup(t *testing.T) {
	for range 4 {
		inner := engine(t)
		var read atomic.Int64
		front := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/metrics" && read.Add(1) == 3 { // one to find out, one before the first request
				<-r.Context().Done()
				return
			}
			inner.ServeHTTP(w, r)
		}))
		s, r, _ := tested(t, front.URL+"/v1", "--rate", "40", "--duration", "300ms", "--warmup", "1200ms")
		if x := s.Server; x == nil || x.TTFT != nil && x.TTFT.Count > float64(s.Requests.Total)+8 {
			t.Fatalf("%+v counted, %d measured\n%s", x, s.Requests.Total, r.Err)
		}
	}
}
