package budgetcmd

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/accesslog"
	"llmops/analysis/budget"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
	"llmops/cmd/internal/inputs"
	"llmops/probes/prometheus/prometheustest"
	"llmops/rules/slo"
)

// counters are what a server scrapes: by series, the value at some minutes.
type counters map[string]map[int64]int64

// exposition is all of it in the form that promtool backfills from.
func (c counters) exposition() string {
	var b strings.Builder
	for _, series := range slices.Sorted(maps.Keys(c)) {
		for _, at := range slices.Sorted(maps.Keys(c[series])) {
			fmt.Fprintf(&b, "%s %d %d\n", series, c[series][at], at/1000)
		}
	}
	return b.String()
}

const t0 = int64(1_772_323_200_000) // a whole minute

// Of a real server the counts of each minute are the requests of it, through counters
// that begin anew and series that appear late.
func TestRealCounters(t *testing.T) {
	const minutes = 3000
	rng := rand.New(rand.NewPCG(5, 1))
	c := counters{}
	set := func(series string, at, v int64) {
		if c[series] == nil {
			c[series] = map[int64]int64{}
		}
		c[series][at] = v
	}
	truth := make([][2]int64, minutes+1) // all, bad
	now := map[string]int64{}
	for n := range int64(minutes + 1) {
		at := t0 + n*60_000
		for _, instance := range []string{"a:1", "b:1"} {
			ok := fmt.Sprintf(`http_responses_total{job="j",instance=%q,method="POST",endpoint="/v1/completions",status_code="200"}`, instance)
			bad := strings.Replace(ok, `"200"`, `"503"`, 1)
			switch {
			case n == 0:
				now[ok] = rng.Int64N(100_000)
			case rng.IntN(300) == 0: // begins anew, and is read before the next request
				now[ok] = 0
				if _, there := now[bad]; there {
					now[bad] = 0
				}
			default:
				k := rng.Int64N(40)
				now[ok] += k
				truth[n][0] += k
				if rng.IntN(10) == 0 {
					k = rng.Int64N(9) + 1
					now[bad] += k
					truth[n][0] += k
					truth[n][1] += k
				}
			}
		}
		for series, v := range now {
			set("sglang:"+series, at, v)
		}
	}
	url := prometheustest.Start(t, "", c.exposition())
	slos := write(t, "slos.yaml", "slos: [{name: a, sli: availability, target: 0.99}]")
	args := func(window string, n int) []string {
		return []string{"--prometheus", url, "--engine", "sglang", "--slo-file", slos, "--window", window, "--at", strconv.FormatInt((t0+int64(n)*60_000)/1000, 10)}
	}
	check := func(window, first, last int) {
		t.Helper()
		doc, r := report(t, args(fmt.Sprintf("%dm", window), last)...)
		var all, bad int64
		for _, x := range truth[first+1 : last+1] {
			all, bad = all+x[0], bad+x[1]
		}
		if s := doc.SLOs[0]; s.Total != all || s.Bad != bad {
			t.Errorf("%d m up to %d: %d of %d, want %d of %d\n%s", window, last, s.Bad, s.Total, bad, all, r.Err)
		}
	}
	for range 40 {
		n := 1 + rng.IntN(minutes)
		check(1, n-1, n)
	}
	check(minutes, 0, minutes)
	check(60*24*30, 0, minutes)

	// Now is the newest reading: one of this minute, and one that lies hours back.
	for _, behind := range []time.Duration{40 * time.Second, 26*time.Hour + 7*time.Minute} {
		app := &cli.App{Now: func() time.Time { return time.UnixMilli(t0 + minutes*60_000).Add(behind) }}
		r := clitest.Run(t, app, []cli.Verb{New}, "budget", "-o", "json", "--prometheus", url, "--engine", "sglang", "--slo-file", slos)
		var doc budget.Report
		if err := json.Unmarshal([]byte(r.Out), &doc); err != nil || int64(*doc.Now) != t0+minutes*60_000 || strings.Contains(r.Err, "newest reading") != (behind > time.Hour) {
			t.Errorf("%v behind: %v\n%s", behind, err, r.Err)
		}
	}

	// Prometheus's own increase has nothing to extrapolate over the readings of one
	// minute, and says the same of a series that was there.
	series := `http_responses_total{job="j",instance="a:1",method="POST",endpoint="/v1/completions",status_code="200"}`
	own := ask(t, url, `increase(sglang:`+series+`[1m])`, t0+60_000, t0+minutes*60_000)
	const compared = 40
	for k := range compared {
		n := int64(k*minutes/compared + 1)
		doc, _ := report(t, append(args("1m", int(n)), "--match", `instance="a:1",status_code="200"`)...)
		if v, ok := own[t0+n*60_000]; !ok || v != float64(doc.SLOs[0].Total) {
			t.Errorf("minute %d: %d, and increase says %v", n, doc.SLOs[0].Total, v)
		}
	}
	t.Logf("%d minutes with resets, %d compared with increase", minutes, compared)
}

// ask is the plain API.
func ask(t *testing.T, url, query string, start, end int64) map[int64]float64 {
	t.Helper()
	resp, err := http.Get(url + "/api/v1/query_range?step=60&start=" + strconv.FormatInt(start/1000, 10) + "&end=" + strconv.FormatInt(end/1000, 10) + "&query=" + strings.NewReplacer("{", "%7B", "}", "%7D", `"`, "%22", "=", "%3D", "+", "%2B").Replace(query))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var doc struct {
		Data struct {
			Result []struct{ Values [][2]any }
		}
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &doc); err != nil || len(doc.Data.Result) != 1 {
		t.Fatalf("%v: %.300s", err, data)
	}
	out := map[int64]float64{}
	for _, p := range doc.Data.Result[0].Values {
		v, err := strconv.ParseFloat(p[1].(string), 64)
		if err != nil {
			t.Fatal(err)
		}
		out[int64(p[0].(float64)*1000)] = v
	}
	return out
}

// The counters of the requests of a log give the report of the log.
func TestCountersOfLogs(t *testing.T) {
	data := os.Getenv("LLMOPS_DATA")
	if data == "" {
		t.Skip("LLMOPS_DATA does not name the folder with logs/")
	}
	fired := 0
	for _, corpus := range []string{"nginx", "csv", "litellm-spendlogs", "vllm-cri"} {
		t.Run(corpus, func(t *testing.T) {
			dir := filepath.Join(data, "logs", corpus)
			slos := filepath.Join(dir, "slos.yaml")
			file, err := os.Open(slos)
			if err != nil {
				t.Fatal(err)
			}
			objectives, err := slo.Load(slos, file)
			file.Close()
			if err != nil {
				t.Fatal(err)
			}
			var logs []string
			for _, pattern := range []string{"*.log.gz", "*.csv.gz"} {
				found, err := filepath.Glob(filepath.Join(dir, pattern))
				if err != nil {
					t.Fatal(err)
				}
				logs = append(logs, found...)
			}
			c, last := scraped(t, logs, objectives)
			url := prometheustest.Start(t, "", c.exposition())
			for _, at := range []int64{last, last - 1440*60_000} {
				when := []string{"--slo-file", slos, "--at", budget.Time(at).String()}
				log, _ := report(t, slices.Concat(when, logs)...)
				for _, o := range objectives.Objectives {
					args := append(slices.Clone(when), "--prometheus", url, "--only", o.Name)
					if o.Statistic == slo.Quantile {
						args = append(args, "--good", `good_total{slo="`+o.Name+`"}`, "--total", `all_total{slo="`+o.Name+`"}`)
					} else {
						args = append(args, "--engine", "sglang")
					}
					got, r := report(t, args...)
					want := log.SLOs[slices.IndexFunc(log.SLOs, func(s budget.SLO) bool { return s.Name == o.Name })]
					for _, s := range []*budget.SLO{&want, &got.SLOs[0]} {
						s.Coverage, s.EmptySlices, s.Course = nil, nil, nil // since the first request, or the reading before it
						s.Contributors = nil                                // a log names more
						delete(s.Excluded, "health_check")                  // no counter of the engine
						if o.Statistic == slo.Quantile {
							s.Excluded = nil // --total counts events only
						}
					}
					if diff := cmp.Diff(want, got.SLOs[0]); diff != "" {
						t.Errorf("%s as of %s: %s\n%s", o.Name, budget.Time(at), diff, r.Err)
					}
					for _, a := range want.Alerts {
						fired += len(a.Fired)
					}
				}
			}
			t.Logf("%d series", len(c))
		})
	}
	if fired == 0 && !t.Failed() {
		t.Error("no alert fires: that tests too little")
	}
	t.Logf("%d firings, each in the same minute", fired)
}

// scraped is what counters of the requests show at every whole minute.
func scraped(t *testing.T, logs []string, file slo.File) (c counters, last int64) {
	t.Helper()
	sources, err := inputs.Walk(logs, nil)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	inc := map[string]map[int64]int64{} // by series and minute
	add := func(minute, n int64, series string) {
		if inc[series] == nil {
			inc[series] = map[int64]int64{}
		}
		inc[series][minute] += n
	}
	const common = `instance="i",job="j"`
	first := int64(1) << 62
	each := func(e *accesslog.Event) {
		mu.Lock()
		defer mu.Unlock()
		minute := (e.End + 59_999) / 60_000 * 60_000
		first, last = min(first, minute), max(last, minute)
		status, endpoint := int(e.Status), "/v1/chat/completions"
		switch {
		case e.HealthCheck:
			endpoint = "/health"
		case e.Cancelled:
			status = 499
		case e.Failed && status < 400: // a log knows of streams that broke
			status = 500
		case !e.Failed && status == 0:
			status = 200
		}
		add(minute, 1, fmt.Sprintf(`sglang:http_responses_total{%s,method="POST",endpoint=%q,status_code="%d"}`, common, endpoint, status))
		if endpoint == "/health" || status == 499 || slices.Contains(file.ExcludeStatus, status) {
			return
		}
		if status < 400 {
			add(minute, max(e.OutputTokens, 0), `sglang:generation_tokens_total{`+common+`}`)
		}
		for _, o := range file.Objectives {
			if o.Statistic != slo.Quantile {
				continue
			}
			value := map[string]accesslog.Fixed{"latency_ms": e.Latency, "ttft_ms": e.TTFT}[o.Metric]
			switch {
			case status >= 400 && o.Errors == slo.ErrorsBad:
				add(minute, 1, fmt.Sprintf(`all_total{%s,slo=%q}`, common, o.Name))
			case status < 400 && value.Known():
				add(minute, 1, fmt.Sprintf(`all_total{%s,slo=%q}`, common, o.Name))
				limit, _ := o.Threshold.Rat.Float64()
				if int64(value) < int64(limit*2e6) {
					add(minute, 1, fmt.Sprintf(`good_total{%s,slo=%q}`, common, o.Name))
				}
			}
		}
	}
	if _, err := accesslog.Read(t.Context(), sources, accesslog.Options{}, func() func(*accesslog.Event) { return each }); err != nil {
		t.Fatal(err)
	}
	c = counters{}
	for series, minutes := range inc {
		c[series] = map[int64]int64{}
		var sum int64
		for at := first - 60_000; at <= last; at += 60_000 {
			sum += minutes[at]
			c[series][at] = sum
		}
	}
	return c, last
}
