package series

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/accesslog"
)

func TestRequestLog(t *testing.T) {
	text := lines(
		"timestamp,status,error,latency_ms,ttft_ms,completion_tokens,path",
		// The first minute is covered from :20 on: 40 s.
		"2026-05-28T20:26:20Z,200,,100,10,30,/v1/chat",
		"2026-05-28T20:26:50Z,503,,5,,,/v1/chat",
		"2026-05-28T20:27:00Z,504,,9000,,,/v1/chat", // on the edge: in the minute before
		// The second has one success, a client that left and a probe.
		"2026-05-28T20:27:10Z,200,,300,30,90,/v1/chat",
		"2026-05-28T20:27:20Z,499,,300,30,10,/v1/chat",
		"2026-05-28T20:27:30Z,200,,1,,,/health",
		// None in the third. The last is covered up to :10 only: no rates.
		"2026-05-28T20:29:10Z,200,,100,,,/v1/chat",
		"2026-05-28T20:29:05Z,400,the prompt is too long,3,,,/v1/chat",
	)
	store, s := mustRead(t, text)
	if s.Format != "csv" || s.Requests == nil || s.Requests.Records != 8 || s.Malformed != 0 {
		t.Errorf("%+v", s)
	}
	end := time.Date(2026, 5, 28, 20, 27, 0, 0, time.UTC).UnixMilli()
	got := map[string]string{}
	for _, x := range store.Series() {
		name := x.Name()
		if c := x.Labels().Get("class"); c != "" {
			name += "/" + c
		}
		for at, v := range x.Points() {
			got[name] += fmt.Sprintf("%d:%.4g ", (at-end)/60_000, v)
		}
	}
	want := map[string]string{
		"requests_per_second": "0:0.075 1:0.01667 2:0 ",
		"tokens_per_second":   "0:0.75 1:1.5 ",
		"success_rate":        "0:0.3333 1:1 3:0.5 ",
		"availability":        "0:0.3333 1:1 3:0.5 ",
		"error_rate":          "0:0.6667 1:0 3:0.5 ",
		"timeout_rate":        "0:0.3333 1:0 3:0 ",
		"p50_latency_ms":      "0:100 1:300 3:100 ",
		"p95_latency_ms":      "0:100 1:300 3:100 ",
		"p99_latency_ms":      "0:100 1:300 3:100 ",
		"max_latency_ms":      "0:100 1:300 3:100 ",
		"mean_latency_ms":     "0:100 1:300 3:100 ",
		"p95_ttft_ms":         "0:10 1:30 ",
		"errors/http_503":     "0:1 1:0 3:0 ",
		"errors/http_504":     "0:1 1:0 3:0 ",
		"errors/http_400":     "0:0 1:0 3:1 ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Percentiles are those of the sorted values: exactly up to 4096 a minute, within
// half a tenth of a per cent above.
func TestRequestPercentiles(t *testing.T) {
	for _, n := range []int{1, 7, fewDurations, 3 * fewDurations} {
		r := rand.New(rand.NewPCG(uint64(n), 3))
		var text strings.Builder
		text.WriteString("timestamp,status,latency_ms\n")
		var all []float64
		for range n {
			v := math.Round(math.Exp(r.NormFloat64()+4)*1000) / 1000
			all = append(all, v)
			fmt.Fprintf(&text, "%d,200,%v\n", 1_780_000_000+r.IntN(20), v)
		}
		slices.Sort(all)
		var sources []accesslog.Source
		rows := strings.SplitAfter(text.String(), "\n")
		half := len(rows) / 2
		sources = append(sources, textSource("a", strings.Join(rows[:half+1], "")))
		if n > 1 {
			sources = append(sources, textSource("b", rows[0]+strings.Join(rows[half+1:], "")))
		}
		store, _, err := Read(t.Context(), sources, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for name, q := range map[string]float64{"p50_latency_ms": 0.5, "p95_latency_ms": 0.95, "p99_latency_ms": 0.99, "max_latency_ms": 1} {
			want := all[int(math.Ceil(q*float64(n)))-1]
			for _, got := range store.Named(name)[0].Points() {
				if n <= fewDurations && got != want || math.Abs(got-want) > 0.0005*want {
					t.Errorf("%d requests: %s is %v, want %v", n, name, got, want)
				}
			}
		}
	}
}

// Errors of many classes are the most frequent ones and the others.
func TestRequestClasses(t *testing.T) {
	var text strings.Builder
	text.WriteString("timestamp,status,error,latency_ms\n")
	for i := range 80 {
		for range 1 + i {
			fmt.Fprintf(&text, "1780000000,200,e%02d,1\n", i)
		}
	}
	store, _ := mustRead(t, text.String())
	classes := store.Named("errors")
	sum := 0.0
	for _, x := range classes {
		for _, v := range x.Points() {
			sum += v
		}
	}
	if len(classes) != maxClasses || sum != 81*80/2 {
		t.Errorf("%d classes, %v errors", len(classes), sum)
	}
	if last := classes[len(classes)-1].Labels().Get("class"); last != otherClass {
		t.Errorf("the last class is %s", last)
	}
}

// values are the points of each series of a log, by its labels, with the minute counted
// from the one that ends at 20:27.
func values(s *Store) map[string]string {
	end := time.Date(2026, 5, 28, 20, 27, 0, 0, time.UTC).UnixMilli()
	got := map[string]string{}
	for _, x := range s.Series() {
		name := strings.TrimSuffix(strings.Replace(strings.TrimPrefix(x.Labels().String(), `{__name__="`+x.Name()+`"`), ", ", x.Name()+"{", 1), "}")
		if name == "" {
			name = x.Name()
		}
		for at, v := range x.Points() {
			got[name] += fmt.Sprintf("%d:%.4g ", (at-end)/60_000, v)
		}
	}
	return got
}

// By model and route each has its own series, and none is for all of them.
func TestRequestsBy(t *testing.T) {
	text := lines(
		"timestamp,status,latency_ms,completion_tokens,model,path",
		"2026-05-28T20:26:00Z,200,100,30,a,/v1/chat", // on the edge: the minute before is not covered
		"2026-05-28T20:26:30Z,200,100,30,a,/v1/chat",
		"2026-05-28T20:26:50Z,503,5,,a,/v1/embeddings",
		"2026-05-28T20:27:00Z,200,300,90,b,/v1/chat",
		"2026-05-28T20:28:10Z,200,20,6,a,/v1/chat",
		"2026-05-28T20:28:40Z,200,30,,,/v1/chat",
		"2026-05-28T20:28:59Z,200,40,6,a,/v1/chat",
	)
	read := func(by ...string) map[string]string {
		store, _, err := Read(t.Context(), []accesslog.Source{textSource("log", text)}, Options{By: by})
		if err != nil {
			t.Fatal(err)
		}
		all := values(store)
		for name := range all {
			switch base, _, _ := strings.Cut(name, "{"); base {
			case "requests_per_second", "error_rate", "mean_latency_ms", "errors":
			default:
				delete(all, name)
			}
		}
		return all
	}
	whole := read()
	if diff := cmp.Diff(map[string]string{
		"requests_per_second":     "0:0.05 1:0 2:0.05085 ", // 3 in 60 s, 3 in 59 s
		"error_rate":              "-1:0 0:0.3333 2:0 ",
		"mean_latency_ms":         "-1:100 0:200 2:30 ",
		`errors{class="http_503"`: "-1:0 0:1 2:0 ",
	}, whole); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{
		`requests_per_second{model="a"`:      "0:0.03333 1:0 2:0.0339 ",
		`requests_per_second{model="b"`:      "0:0.01667 1:0 2:0 ", // the log goes on
		`requests_per_second`:                "2:0.01695 ",
		`error_rate{model="a"`:               "-1:0 0:0.5 2:0 ",
		`error_rate{model="b"`:               "0:0 ",
		`error_rate`:                         "2:0 ",
		`mean_latency_ms{model="a"`:          "-1:100 0:100 2:30 ",
		`mean_latency_ms{model="b"`:          "0:300 ",
		`mean_latency_ms`:                    "2:30 ",
		`errors{class="http_503", model="a"`: "-1:0 0:1 2:0 ",
	}, read("model")); diff != "" {
		t.Error(diff)
	}
	both := read("model", "route")
	if both[`error_rate{model="a", route="/v1/embeddings"`] != "0:1 " || both[`error_rate{model="a", route="/v1/chat"`] != "-1:0 0:0 2:0 " || len(both) != 4+3+4+1 {
		t.Errorf("%d: %v", len(both), both)
	}
}

// Too many of them are refused, whoever reads which.
func TestRequestsByTooMuch(t *testing.T) {
	text := func(from int) string {
		var b strings.Builder
		b.WriteString("timestamp,status,latency_ms,path\n")
		for i := range maxGroups/2 + 1 {
			fmt.Fprintf(&b, "1780000000,200,1,/v1/threads/%d\n", from+i)
		}
		return b.String()
	}
	for from, many := range map[int]bool{maxGroups: true, 0: false} {
		_, _, err := Read(t.Context(), []accesslog.Source{textSource("a", text(0)), textSource("b", text(from))}, Options{By: []string{"route"}})
		if _, ok := errors.AsType[splitError](err); ok != many {
			t.Errorf("%v", err)
		}
	}
}
