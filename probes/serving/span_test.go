package serving

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// counter is a server that shows what it is told to.
type counter struct {
	*httptest.Server
	mu     sync.Mutex
	engine string
	n      float64 // requests, each with a first token after 20 ms
	broken bool
	asked  []string
}

func (c *counter) set(change func(*counter)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c)
}

func newCounter(t *testing.T) *counter {
	c := &counter{engine: "vllm"}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.asked = append(c.asked, r.URL.Path)
		switch {
		case c.broken:
			http.Error(w, "no", http.StatusInternalServerError)
		case r.URL.Path == "/v1/models":
			fmt.Fprintf(w, `{"data":[{"id":"m","owned_by":%q}]}`, c.engine)
		case r.URL.Path == "/version":
			fmt.Fprint(w, `{"version":"1.2.3"}`)
		case r.URL.Path == "/metrics":
			name := c.engine + ":time_to_first_token_seconds"
			fmt.Fprintf(w, "# TYPE %s histogram\n", name)
			for _, b := range []struct {
				le string
				n  float64
			}{{"0.01", 0}, {"0.025", c.n}, {"+Inf", c.n}} {
				fmt.Fprintf(w, "%s_bucket{model_name=\"m\",le=%q} %g\n", name, b.le, b.n)
			}
			fmt.Fprintf(w, "%s_sum{model_name=\"m\"} %g\n%s_count{model_name=\"m\"} %g\n", name, c.n*0.02, name, c.n)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// What was counted over a span is told when every reading of it belongs together, and
// not at all otherwise.
func TestSpan(t *testing.T) {
	to := func(n float64) func(*counter) { return func(c *counter) { c.n = n } }
	for name, c := range map[string]struct {
		steps []func(*counter) // a reading follows each
		want  float64
		err   error
	}{
		"steady":                     {[]func(*counter){to(100), to(150), to(150), to(180)}, 80, nil},
		"nothing happened":           {[]func(*counter){to(100), to(100)}, 0, nil},
		"one reading":                {[]func(*counter){to(100)}, 0, ErrNoSpan},
		"a reading failed":           {[]func(*counter){to(100), func(c *counter) { c.broken = true }, func(c *counter) { c.broken, c.n = false, 170 }}, 70, nil},
		"the end failed":             {[]func(*counter){to(100), to(130), func(c *counter) { c.broken = true }}, 30, nil},
		"restarted":                  {[]func(*counter){to(100), to(5)}, 0, ErrRestarted},
		"restarted, then overtaken":  {[]func(*counter){to(100), to(130), to(3), to(500)}, 0, ErrRestarted},
		"restarted behind a failure": {[]func(*counter){to(100), func(c *counter) { c.broken = true }, func(c *counter) { c.broken, c.n = false, 7 }, to(300)}, 0, ErrRestarted},
		"another engine":             {[]func(*counter){to(100), func(c *counter) { c.engine, c.n = "sglang", 200 }}, 0, ErrEngineChanged},
		"there and back":             {[]func(*counter){to(100), func(c *counter) { c.engine = "sglang" }, func(c *counter) { c.engine, c.n = "vllm", 300 }}, 0, ErrEngineChanged},
	} {
		for _, lean := range []bool{false, true} {
			t.Run(fmt.Sprint(name, lean), func(t *testing.T) {
				server := newCounter(t)
				client := New(Config{Lean: lean})
				defer client.Close()
				x, err := client.Target(server.URL)
				if err != nil {
					t.Fatal(err)
				}
				server.set(to(40))
				x.Read(t.Context(), 0) // before it all
				if _, ok := x.Began(); ok {
					t.Error("it began before it was asked to")
				}
				x.Begin()
				for _, step := range c.steps {
					server.set(step)
					x.Read(t.Context(), 0)
				}
				span, err := Over(x)
				if !errors.Is(err, c.err) || err == nil && (span.Server.TTFT.Count != c.want || span.Server.Engine != "vllm" || !span.To.After(span.From)) {
					t.Fatalf("%+v, %v", span, err)
				}
				if err == nil && c.want > 0 && math.Abs(*span.Server.TTFT.Mean-20) > 1e-9 {
					t.Errorf("mean %v", *span.Server.TTFT.Mean)
				}
			})
		}
	}
}

// The counts of several servers are added up; those of different engines are not.
func TestSpanOfSeveral(t *testing.T) {
	client := New(Config{Lean: true})
	defer client.Close()
	var targets []*Target
	var servers []*counter
	for i := range 3 {
		s := newCounter(t)
		s.n = float64(1000 * i)
		x, err := client.Target(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		x.Begin()
		x.Read(t.Context(), 0)
		targets, servers = append(targets, x), append(servers, s)
	}
	for i, s := range servers {
		s.set(func(c *counter) { c.n += float64(10 * (i + 1)) })
		targets[i].Read(t.Context(), 0)
	}
	span, err := Over(targets...)
	if err != nil || span.Server.TTFT.Count != 60 || span.Server.URL != "" {
		t.Errorf("%+v, %v", span.Server, err)
	}
	servers[1].set(func(c *counter) { c.engine = "sglang" })
	targets[1].Begin()
	targets[1].Read(t.Context(), 0)
	targets[1].Read(t.Context(), 0)
	if _, err := Over(targets...); !errors.Is(err, ErrMixed) {
		t.Errorf("%v", err)
	}
	if _, err := Over(); !errors.Is(err, ErrNoSpan) {
		t.Errorf("%v", err)
	}
}

// A lean client asks for one page a reading, and tells the same.
func TestLean(t *testing.T) {
	server := newCounter(t)
	client := New(Config{Lean: true})
	defer client.Close()
	x, err := client.Target(server.URL + "/v1")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s, problems := x.Read(t.Context(), 0)
		if !s.Up || s.Version != "1.2.3" || !slices.Equal(s.Models, []string{"m"}) || len(problems) > 0 {
			t.Errorf("%+v %v", s, problems)
		}
	}
	if want := []string{"/v1/models", "/metrics", "/version", "/metrics", "/metrics"}; !slices.Equal(server.asked, want) {
		t.Errorf("asked for %v", server.asked)
	}
	if d, ok := client.RoundTrip(); !ok || d <= 0 {
		t.Errorf("round trip %v", d)
	}
	server.Close()
	if s, problems := x.Read(t.Context(), 0); s.Up || len(problems) != 1 {
		t.Errorf("%+v %v", s, problems)
	}
}
