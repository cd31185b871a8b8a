package prometheus

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/remote"
)

// A storage answers like a Prometheus that has samples of x at these times, in ms, and
// no answer for more than most ms at a time.
type storage struct {
	times []int64
	most  int64
	open  bool // a range is open on its left, as since version 3
	after string

	mu    sync.Mutex
	asked []string
}

func (s *storage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ms := func(name string) int64 {
		v, _ := strconv.ParseFloat(r.FormValue(name), 64)
		return int64(v*1000 + 0.5)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var points []string
	var long int64
	if m := regexp.MustCompile(`^x\[(\d+)ms\]$`).FindStringSubmatch(r.FormValue("query")); m != nil && r.URL.Path == "/api/v1/query" {
		long, _ = strconv.ParseInt(m[1], 10, 64)
		end := ms("time")
		for _, t := range s.times {
			if t <= end && (t > end-long || t == end-long && !s.open) {
				points = append(points, fmt.Sprintf(`[%s,"%d"]`, seconds(t), t%1000))
			}
		}
		s.asked = append(s.asked, fmt.Sprintf("%d+%d", end-long+1-origin, long))
	} else if r.URL.Path == "/api/v1/query_range" {
		long = ms("end") - ms("start")
		for t := ms("start"); t <= ms("end"); t += ms("step") {
			points = append(points, fmt.Sprintf(`[%s,"1"]`, seconds(t)))
		}
		s.asked = append(s.asked, fmt.Sprintf("%d..%d/%d", ms("start")-origin, ms("end")-origin, ms("step")))
	}
	if long > s.most {
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory"}`)
		return
	}
	_, _ = fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"x"},"values":[%s]}]}%s}`, strings.Join(points, ","), s.after)
}

const origin = int64(1_772_323_200_000)

// read is the points of the documents that a stream holds.
func read(t *testing.T, r io.ReadCloser) (list []string) {
	t.Helper()
	defer r.Close()
	for dec := json.NewDecoder(r); ; {
		var doc struct {
			Data struct{ Result []struct{ Values [][2]any } }
		}
		if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		for _, x := range doc.Data.Result {
			for _, v := range x.Values {
				list = append(list, fmt.Sprintf("%.3f=%s", v[0].(float64)-float64(origin)/1000, v[1]))
			}
		}
	}
}

// Whatever pieces the server gives, each sample comes, and those at the ends.
func TestSamples(t *testing.T) {
	s := &storage{}
	var want []string
	for i := range int64(500) {
		at := origin + i*15_000 + i%7
		s.times = append(s.times, at)
		want = append(want, fmt.Sprintf("%.3f=%d", float64(at-origin)/1000, at%1000))
	}
	c := client(t, s.ServeHTTP, Config{})
	for _, most := range []int64{1 << 40, 3_600_000, 700_000, 60_000} {
		for _, open := range []bool{true, false} {
			s.most, s.open, s.asked = most, open, nil
			got := read(t, c.Samples(t.Context(), Question{Expr: "x", Start: origin, End: s.times[len(s.times)-1]}, nil))
			if !open {
				got = slices.Compact(got)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("at most %d, open %v: %s\n%s", most, open, s.asked, diff)
			}
			if most == 1<<40 {
				if diff := cmp.Diff([]string{"0+600000", "600000+1200000", "1800000+2400000", "4200000+3285003"}, s.asked); diff != "" {
					t.Error(diff)
				}
			}
		}
	}
	s.most, s.asked = 59_000, nil
	_, err := io.ReadAll(c.Samples(t.Context(), Question{Expr: "x", Start: origin, End: origin + 1e6}, nil))
	if e, ok := errors.AsType[*remote.Error](err); !ok || e.Kind != remote.Refused || len(s.asked) > 10 {
		t.Errorf("%v after %d questions", err, len(s.asked))
	}
}

// Steps go on from one piece to the next, of 11,000 at most.
func TestSteps(t *testing.T) {
	for _, c := range []struct {
		most, end, step int64
		asked           []string
	}{
		{1 << 40, 25_000, 1, []string{"0..10999/1", "11000..21999/1", "22000..25000/1"}},
		{1 << 40, 600_000, 60_000, []string{"0..600000/60000"}},
		{1 << 40, 601_000, 60_000, []string{"0..600000/60000"}},
		{250_000, 600_000, 60_000, []string{"0..600000/60000", "0..300000/60000", "0..120000/60000", "180000..300000/60000", "360000..480000/60000", "540000..600000/60000"}},
	} {
		s := &storage{most: c.most}
		cl := client(t, s.ServeHTTP, Config{})
		got := read(t, cl.Samples(t.Context(), Question{Expr: "x", Start: origin, End: origin + c.end, Step: c.step}, nil))
		var want []string
		for at := int64(0); at <= c.end; at += c.step {
			want = append(want, fmt.Sprintf("%.3f=1", float64(at)/1000))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v: %s", c, diff)
		}
		if diff := cmp.Diff(c.asked, s.asked); diff != "" {
			t.Error(diff)
		}
	}
}

func TestSamplesWarn(t *testing.T) {
	s := &storage{most: 1 << 40, times: []int64{origin}, after: `,"warnings":["a store\u001b is away"],"infos":["x"]`}
	c := client(t, s.ServeHTTP, Config{})
	var got []string
	warn := func(text string) { got = append(got, text) }
	read(t, c.Samples(t.Context(), Question{Expr: "x", Start: origin, End: origin}, warn))
	if diff := cmp.Diff([]string{"a store is away"}, got); diff != "" {
		t.Error(diff)
	}
	got = nil
	partial := client(t, text(200, `{"status":"success","isPartial":true,"data":{"resultType":"matrix","result":[{"metric":{"a":"\"warnings\":[\"no\"]"},"values":[]}]}}`), Config{})
	read(t, partial.Samples(t.Context(), Question{Expr: "x", Start: origin, End: origin}, warn))
	if len(got) != 1 || !strings.Contains(got[0], "partial") {
		t.Errorf("%q", got)
	}
}

func TestSamplesErrors(t *testing.T) {
	const ok = `{"status":"success","data":{"resultType":"matrix","result":[`
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		kind    remote.Kind
		msg     string
	}{
		"denied":     {text(401, "Unauthorized"), remote.Denied, "HTTP status 401"},
		"bad query":  {text(400, `{"status":"error","errorType":"bad_data","error":"parse error"}`), remote.Refused, "parse error"},
		"a web page": {text(200, "<html>Please log in"), remote.BadReply, `it begins with "<html>Please log in"`},
		"nothing":    {text(200, ""), remote.BadReply, "the answer is none of Prometheus's API"},
		"too large":  {text(200, ok+strings.Repeat(" ", 2<<20)+`]}}`), remote.TooLarge, "the reply is larger than 1 MiB"},
		"breaks off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, ok+strings.Repeat(" ", 600))
			panic(http.ErrAbortHandler)
		}, remote.Unreachable, "EOF"},
		"slow": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, ok+strings.Repeat(" ", 600))
			_ = http.NewResponseController(w).Flush()
			_, _ = io.ReadAll(r.Body)
			<-r.Context().Done()
		}, remote.TimedOut, "no answer within 300ms"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{MaxReply: 1 << 20}
			if c.kind == remote.TimedOut {
				cfg.Timeout = 300 * time.Millisecond
			}
			body := client(t, c.handler, cfg).Samples(t.Context(), Question{Expr: "x", Start: 0, End: 60_000}, nil)
			defer body.Close()
			_, err := io.ReadAll(body)
			if e, ok := errors.AsType[*remote.Error](err); !ok || e.Kind != c.kind || !strings.Contains(e.Msg, c.msg) {
				t.Errorf("%v, want %s: %s", err, c.kind, c.msg)
			}
		})
	}
}

func TestEnded(t *testing.T) {
	var asked []string
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.FormValue("query")+" "+r.FormValue("start")+" "+r.FormValue("end"))
		if len(asked) == 1 {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, `{"status":"error","error":"too many samples"}`)
			return
		}
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"x","llmops_name":"x","a":"\""},"values":[[`+r.FormValue("start")+`,"7"]]}]},"warnings":["w"]}`)
	}, Config{})
	warned := 0
	r := c.Ended(t.Context(), Question{Expr: `{job="a"}`, Start: 0, End: 240_000, Step: 60_000}, func(string) { warned++ })
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"data":{"resultType":"matrix","result":[{"metric":{"__name__":"x","a":"\""},"values":[[0,"NaN"]]}]}}
{"data":{"resultType":"matrix","result":[{"metric":{"__name__":"x","a":"\""},"values":[[180,"NaN"]]}]}}
`
	if diff := cmp.Diff(want, string(data)); diff != "" || warned != 2 {
		t.Error(diff, warned)
	}
	q := `label_replace(last_over_time({job="a"}[5m]), "llmops_name", "$1", "__name__", "(.*)") unless label_replace({job="a"}, "llmops_name", "$1", "__name__", "(.*)")`
	if diff := cmp.Diff([]string{q + " 0 240", q + " 0 120", q + " 180 240"}, asked); diff != "" {
		t.Error(diff)
	}
	if got := endedExpr(`up{a="b"}`); got != `last_over_time(up{a="b"}[5m]) unless up{a="b"}` {
		t.Error(got)
	}
	stopped := c.Ended(t.Context(), Question{Expr: "x", Start: 0, End: 1 << 40, Step: 1}, func(string) {})
	_ = stopped.Close() // nobody reads it: the goroutine ends
}

func TestNames(t *testing.T) {
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/api/v1/label/__name__/values" || r.FormValue("start") != "1.5" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, `{"status":"success","data":["a","b"],"warnings":["w"]}`)
	}, Config{})
	names, warnings, err := c.Names(t.Context(), 1500, 2000)
	if err != nil || !slices.Equal(names, []string{"a", "b"}) || len(warnings) != 1 {
		t.Error(names, warnings, err)
	}
	denied := client(t, text(403, "no"), Config{})
	_, _, err = denied.Names(t.Context(), 0, 1)
	if e, ok := errors.AsType[*remote.Error](err); !ok || e.Kind != remote.Denied {
		t.Error(err)
	}
}
