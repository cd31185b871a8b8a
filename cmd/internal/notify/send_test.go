package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// hook is a webhook; in a bubble nothing may reach the network.
func hook(t *testing.T, name string) *Channel { return channel(t, name, "generic://"+name+".test/x") }

// TestRetry holds tries and waits to the second, in virtual time.
func TestRetry(t *testing.T) {
	soon := func() *http.Response { return reply(503, "busy", "Retry-After", "7") }
	for _, c := range []struct {
		name    string
		answers []func() *http.Response // the last one again and again; nil: hangs
		options Options
		tries   int
		took    time.Duration
		want    string // of the error; "": none
	}{
		{"at once", []func() *http.Response{func() *http.Response { return reply(200, "ok") }}, Options{}, 1, 0, ""},
		{"500, then 200", []func() *http.Response{func() *http.Response { return reply(500, "") }, func() *http.Response { return reply(200, "") }}, Options{}, 2, time.Second, ""},
		{"always 500", []func() *http.Response{func() *http.Response { return reply(500, "") }}, Options{}, 3, 3 * time.Second, "a.test answers Internal Server Error (3 tries)"},
		{"five tries", []func() *http.Response{func() *http.Response { return reply(502, "") }}, Options{Tries: 5}, 5, 15 * time.Second, "(5 tries)"},
		{"Retry-After", []func() *http.Response{soon, func() *http.Response { return reply(204, "") }}, Options{}, 2, 7 * time.Second, ""},
		{"Retry-After shorter than the wait", []func() *http.Response{func() *http.Response { return reply(429, "", "Retry-After", "0.25") }, func() *http.Response { return reply(200, "") }}, Options{}, 2, time.Second, ""},
		{"Retry-After too long", []func() *http.Response{func() *http.Response { return reply(429, "slow down", "Retry-After", "120") }}, Options{}, 1, 0, "slow down; it asks to wait for 2m0s, and no more than 30s is spent on a message"},
		{"400", []func() *http.Response{func() *http.Response { return reply(400, `{"message":"no such hook"}`) }}, Options{}, 1, 0, "no such hook"},
		{"redirect", []func() *http.Response{func() *http.Response { return reply(307, "", "Location", "https://elsewhere.test/") }}, Options{}, 1, 0, "Temporary Redirect"},
		{"hangs", []func() *http.Response{nil}, Options{}, 3, 30 * time.Second, "did not answer within 7s (3 tries)"}, // 10 s, 1 s, 10 s, 2 s, and what is left
		{"hangs, short", []func() *http.Response{nil}, Options{Attempt: time.Second, Total: 20 * time.Second}, 3, 6 * time.Second, "did not answer within 1s (3 tries)"},
		{"hangs, then 200", []func() *http.Response{nil, func() *http.Response { return reply(200, "") }}, Options{Attempt: 2 * time.Second}, 2, 3 * time.Second, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n atomic.Int64
				o := c.options
				o.Jitter = steady
				o.Client = &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
					i := min(int(n.Add(1)), len(c.answers)) - 1
					if c.answers[i] != nil {
						return c.answers[i](), nil
					}
					<-r.Context().Done()
					return nil, r.Context().Err()
				})}
				begun := time.Now()
				r := tell(t, hook(t, "a"), group(latency("a", 1, "10:00:00", "")), o)
				if took := time.Since(begun); took != c.took || r.Tries != c.tries || int(n.Load()) != c.tries {
					t.Errorf("%v, %d tries, %d requests; want %v, %d", took, r.Tries, n.Load(), c.took, c.tries)
				}
				if got := fmt.Sprint(r.Err); r.Err == nil && c.want != "" || r.Err != nil && (c.want == "" || !strings.Contains(got, c.want)) {
					t.Errorf("%v, want %s", r.Err, c.want)
				}
			})
		})
	}
}

// A service's own limit, of 10 s in Slack, counts as no answer.
func TestOwnLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		client := &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		r := tell(t, channel(t, "chat", addresses()["slack"][0]), group(latency("a", 1, "10:00:00", "")), Options{Client: client, Attempt: time.Minute, Total: time.Hour, Jitter: steady})
		if r.Err == nil || time.Since(begun) != 33*time.Second || !strings.Contains(r.Err.Error(), "hooks.slack.com did not answer within 10s (3 tries)") {
			t.Error(r.Err, time.Since(begun))
		}
	})
}

// A channel that hangs keeps only its own messages waiting.
func TestIndependent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
			if strings.HasPrefix(r.URL.Host, "dead") {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			time.Sleep(100 * time.Millisecond)
			return reply(200, ""), nil
		})}
		m := group(latency("a", 1, "10:00:00", ""))
		var deliveries []Delivery
		for i := range 8 {
			dead, well := hook(t, fmt.Sprint("dead", i)), hook(t, fmt.Sprint("well", i))
			deliveries = append(deliveries, Delivery{dead, m}, Delivery{well, m}, Delivery{well, m})
		}
		begun := time.Now()
		took := map[string]time.Duration{}
		calls := 0
		results := Send(t.Context(), deliveries, Options{Client: client, Jitter: steady, Done: func(r Result) {
			calls++
			took[r.Channel.Receiver] = time.Since(begun)
		}})
		for _, r := range results {
			want, fails := 200*time.Millisecond, false
			if strings.HasPrefix(r.Channel.Receiver, "dead") {
				want, fails = 30*time.Second, true
			}
			if (r.Err != nil) != fails || took[r.Channel.Receiver] != want {
				t.Errorf("%s: %v after %v", r.Channel.Receiver, r.Err, took[r.Channel.Receiver])
			}
		}
		if calls != len(deliveries) {
			t.Errorf("%d calls", calls)
		}
	})
}

// However many messages a channel that hangs has to send, it gives up once the time of
// one was lost and one try more, so that the next run does not find the history locked.
func TestHangingChannelGivesUp(t *testing.T) {
	for name, c := range map[string]struct {
		attempt func(*http.Request) (*http.Response, error)
		most    time.Duration
		tried   int // of 20
	}{
		"hangs": {func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, 40 * time.Second, 2},
		"500 forever": {func(*http.Request) (*http.Response, error) { return reply(500, ""), nil }, 30 * time.Second, 20},
		"500 slowly": {func(*http.Request) (*http.Response, error) {
			time.Sleep(4 * time.Second)
			return reply(500, ""), nil
		}, 42 * time.Second, 5},
		"400": {func(*http.Request) (*http.Response, error) { return reply(400, ""), nil }, 0, 20},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ch := hook(t, "a")
				var deliveries []Delivery
				for range 20 {
					deliveries = append(deliveries, Delivery{ch, group(latency("a", 1, "10:00:00", ""))})
				}
				begun, tried := time.Now(), 0
				for _, r := range Send(t.Context(), deliveries, Options{Client: &http.Client{Transport: trip(c.attempt)}, Jitter: steady}) {
					if r.Tries > 0 {
						tried++
					} else if want := fmt.Sprintf("receiver a: generic: not tried, since %v were lost on messages before it", c.most); !strings.Contains(fmt.Sprint(r.Err), want) {
						t.Error(r.Err)
					}
					if r.Err == nil {
						t.Error("no error")
					}
				}
				if took := time.Since(begun); took != c.most || tried != c.tried {
					t.Errorf("%v, %d tried; want %v, %d", took, tried, c.most, c.tried)
				}
			})
		})
	}
}

// One message that a service hangs on does not keep the others from being told, run after
// run: it is the channel that is given up, not what comes after the message.
func TestHangingMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ch := hook(t, "a")
		var deliveries []Delivery
		for range 20 {
			deliveries = append(deliveries, Delivery{ch, group(latency("a", 1, "10:00:00", ""))})
		}
		calls := 0
		client := &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
			switch calls++; calls {
			case 1, 2, 3: // the tries of the first message
				<-r.Context().Done()
				return nil, r.Context().Err()
			case 4: // and one that it refuses
				return reply(400, ""), nil
			case 5: // or fails at
				return reply(500, ""), nil
			}
			return reply(200, ""), nil
		})}
		for i, r := range Send(t.Context(), deliveries, Options{Client: client, Jitter: steady}) {
			if (r.Err != nil) != (i < 3) {
				t.Errorf("message %d: %v", i, r.Err)
			}
		}
	})
}

func TestInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		begun := time.Now()
		client := &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		m := group(latency("a", 1, "10:00:00", ""))
		ch := hook(t, "a")
		for _, r := range Send(ctx, []Delivery{{ch, m}, {ch, m}}, Options{Client: client}) {
			if !errors.Is(r.Err, context.Canceled) || r.Tries != 1 {
				t.Errorf("%v after %d tries", r.Err, r.Tries)
			}
		}
		if took := time.Since(begun); took != 3*time.Second {
			t.Error(took)
		}
	})
}

func TestJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for jitter, want := range map[float64]time.Duration{0: 1500 * time.Millisecond, 0.5: 3 * time.Second, 0.99999: 4499970 * time.Microsecond} {
			o := Options{Jitter: func() float64 { return jitter }, Client: &http.Client{Transport: trip(func(*http.Request) (*http.Response, error) { return reply(500, ""), nil })}}
			begun := time.Now()
			tell(t, hook(t, "a"), group(latency("a", 1, "10:00:00", "")), o)
			if took := time.Since(begun); (took - want).Abs() > time.Microsecond {
				t.Errorf("%v, want %v", took, want)
			}
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := at("10:00:00")
	got := map[string]time.Duration{}
	for _, text := range []string{"", "5", "1.5", "-3", "1e30", "31536000", "NaN", "soon", "Mon, 02 Mar 2026 10:00:20 GMT", "Mon, 02 Mar 2026 09:00:00 GMT"} {
		got[text] = retryAfter(http.Header{"Retry-After": {text}}, now)
	}
	want := map[string]time.Duration{"": 0, "5": 5 * time.Second, "1.5": 1500 * time.Millisecond, "-3": 0, "1e30": 0, "31536000": 365 * 24 * time.Hour, "NaN": 0, "soon": 0,
		"Mon, 02 Mar 2026 10:00:20 GMT": 20 * time.Second, "Mon, 02 Mar 2026 09:00:00 GMT": 0}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
