package metricinput

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"llmops/analysis/series"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
)

// verb is a command that only loads, and writes the series that it got.
func verb(w Wants, got *Input) cli.Verb {
	return func(app *cli.App) *cobra.Command {
		f := &Flags{}
		cmd := &cobra.Command{Use: "load " + Args, Args: cobra.ArbitraryArgs, RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.Check(app, args); err != nil {
				return err
			}
			in, err := f.Load(cmd.Context(), app, args, w)
			if err != nil {
				return err
			}
			if got != nil {
				*got = in
			}
			if err := in.Empty(); err != nil {
				return err
			}
			for _, x := range in.Store.Series() {
				first, last := x.Bounds()
				fmt.Fprintf(app.Out, "%s %d %d..%d\n", x.Labels(), x.Count(), first-t0, last-t0)
			}
			return nil
		}}
		f.AddFlags(cmd)
		return cmd
	}
}

// t0 is 2026-03-01T00:00:00Z.
const t0 = int64(1_772_323_200_000)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, w Wants, app *cli.App, args ...string) (Input, clitest.Result) {
	t.Helper()
	var in Input
	r := clitest.Run(t, app, []cli.Verb{verb(w, &in)}, append([]string{"load"}, args...)...)
	return in, r
}

func TestFiles(t *testing.T) {
	a := write(t, "a.csv", "timestamp,\"DCGM_FI_DEV_FB_USED{gpu=\"\"0\"\"}\",\"DCGM_FI_DEV_FB_FREE{gpu=\"\"0\"\"}\"\n2026-03-01T00:00:00Z,30,10\n2026-03-01T00:01:00Z,20,20\n")
	b := write(t, "b.prom", "up{job=\"x\"} 1 1772323260000\n")
	in, r := load(t, Wants{Expressions: []string{"gpu_memory_utilization > 0.9"}}, nil, a, b)
	want := `{__name__="DCGM_FI_DEV_FB_FREE", gpu="0"} 2 0..60000
{__name__="DCGM_FI_DEV_FB_USED", gpu="0"} 2 0..60000
{__name__="gpu_memory_free_bytes", gpu="0"} 2 0..60000
{__name__="gpu_memory_used_bytes", gpu="0"} 2 0..60000
{__name__="gpu_memory_utilization", gpu="0"} 2 0..60000
{__name__="up", job="x"} 1 60000..60000
`
	if diff := cmp.Diff(want, r.Out); diff != "" || r.Code != cli.CodeOK || r.Err != "" {
		t.Errorf("exit %d\n%s%s", r.Code, r.Err, diff)
	}
	if in.Start.UnixMilli() != t0 || in.End.UnixMilli() != t0+60_000 || in.Summary.Series != 3 {
		t.Errorf("%v to %v, %+v", in.Start, in.End, in.Summary)
	}
	// The same from stdin, from a folder, and with what a rule records left alone.
	text, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	_, r = load(t, Wants{Expressions: []string{"gpu_memory_utilization > 0.9"}, Recorded: []string{"gpu_memory_utilization"}}, &cli.App{In: bytes.NewReader(text)}, "-")
	if strings.Contains(r.Out, "gpu_memory_utilization") || strings.Count(r.Out, "\n") != 4 {
		t.Errorf("exit %d\n%s%s", r.Code, r.Err, r.Out)
	}
	if _, folder := load(t, Wants{}, nil, filepath.Dir(a), "--format", "csv-wide"); folder.Out != r.Out {
		t.Errorf("exit %d\n%s%s", folder.Code, folder.Err, folder.Out)
	}
}

func TestWords(t *testing.T) {
	empty, page := write(t, "empty", ""), write(t, "page", "up 1\n")
	torn := write(t, "torn.prom", "up 1 1772323200000\nup x 1772323260000\n")
	token := write(t, "token", "t0p-s3cret")
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"status":"error","error":"not with t0p-s3cret"}`)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/values") {
			_, _ = io.WriteString(w, `{"status":"success","data":["up"]}`)
			return
		}
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"matrix","result":[]}}`)
	}))
	defer srv.Close()
	p := "--prometheus " + srv.URL
	for _, c := range []struct {
		args  string
		wants Wants
		code  cli.Code
		words []string
	}{
		{"", Wants{}, 2, []string{"nothing to read: name metric files, or a server with --prometheus", "the form is: llmops load METRICS… | --prometheus URL"}},
		{"none.csv", Wants{}, 2, []string{"none.csv", "hint: name a metric file, a folder"}},
		{empty, Wants{}, 4, []string{"the files hold no sample", "are they the right files?"}},
		{page, Wants{}, 2, []string{page + ":1:3: a sample without a timestamp"}},
		{torn, Wants{}, 2, []string{torn + ":2:", "1 of 2 rows or cells cannot be read (50%), more than --max-malformed 1%", "read as prometheus-text"}},
		{torn + " --max-malformed 50%", Wants{}, 0, []string{"warning: 1 of 2 rows or cells could not be read"}},
		{torn + " --max-malformed 2", Wants{}, 2, []string{"--max-malformed", "want at most 1"}},
		{torn + " --by region", Wants{}, 2, []string{`--by "region": must be of model, route`}},
		{torn + " --format csvv", Wants{}, 2, []string{"must be one of auto, "}},
		{torn, Wants{Expressions: []string{"up >"}}, 2, []string{"up >", "at character"}},
		{torn + " --step 15s", Wants{}, 2, []string{"--step says how to ask a server, but no --prometheus names one"}},
		{torn + " --start soon", Wants{}, 2, []string{`--start "soon": neither a time nor a duration`}},
		{torn + " --max-malformed 50% --end 2020-01-01T00:00:00Z", Wants{}, 4, []string{"no sample lies between --start and --end", "there are samples from 2026-"}},
		{torn + " " + p, Wants{}, 2, []string{"--prometheus and " + torn + " exclude each other"}},
		{p + " --format csv-wide", Wants{}, 2, []string{"--format and --prometheus exclude each other"}},
		{"--prometheus=", Wants{}, 2, []string{"--prometheus: the URL is missing"}},
		{"--prometheus ftp://h --query up", Wants{}, 2, []string{"--prometheus: want http://HOST:PORT"}},
		{"--prometheus http://u:p4ss@h --query up", Wants{}, 2, []string{"the URL holds a user name or password", "credentials come from --user"}},
		{p + " --start yesterday", Wants{}, 2, []string{`--start "yesterday": neither a time nor a duration`, "6h for six hours before"}},
		{p + " --end 3x", Wants{}, 2, []string{`--end "3x"`}},
		{p + " --start 2026-03-01T00:00:00Z --end 2026-03-01", Wants{}, 2, []string{"is not before the end, 2026-03-01T00:00:00Z"}},
		{p + " --start 2026-03-01T00:00:00Z --end 2026-02-01T00:00:00Z", Wants{}, 2, []string{"--start 2026-03-01T00:00:00Z is not before the end, 2026-02-01T00:00:00Z"}},
		{p + " --step 0s", Wants{}, 2, []string{`--step "0s"`, "such as 15s or 1m"}},
		{p + " --server-timeout 0s", Wants{}, 2, []string{"--server-timeout: want a time above 0"}},
		{p, Wants{}, 2, []string{"nothing to ask the server for", "name it with --query"}},
		{p + " --query rate(up[5m])", Wants{}, 2, []string{"is an expression, of which no samples are stored", "add --step"}},
		{p + " --query n=up", Wants{}, 2, []string{"samples are read under the name that they are stored with", "leave n= out"}},
		{p + " --query up{", Wants{}, 2, []string{"--query: expression", "at character"}},
		{p + " --step 1m --query sum(up) --query max(up)", Wants{}, 2, []string{"several expressions without a name", "NAME=EXPRESSION"}},
		{p + " --query up", Wants{}, 4, []string{"has none of these metrics between 2026-01-02T02:04:05Z and 2026-01-02T03:04:05Z", "is it the right server"}},
		{p, Wants{Names: []string{"up"}}, 4, []string{"has none of these metrics"}},
		{p + " --query up --token-file " + token, Wants{}, 1, []string{"not with redacted", "put a token into $LLMOPS_TOKEN"}},
		{p + " --token-file " + token, Wants{Names: []string{"up"}}, 1, []string{"not with redacted", "put a token into $LLMOPS_TOKEN"}},
		{"--prometheus http://127.0.0.1:1 --query up", Wants{}, 1, []string{"--prometheus: 127.0.0.1:1: ", "is it the address of a server"}},
	} {
		_, r := load(t, c.wants, nil, strings.Fields(c.args)...)
		if r.Code != c.code {
			t.Errorf("%s: exit %d, want %d\n%s", c.args, r.Code, c.code, r.Err)
		}
		for _, words := range c.words {
			if !strings.Contains(r.Err, words) {
				t.Errorf("%s: %q is missing in\n%s", c.args, words, r.Err)
			}
		}
		if strings.Contains(r.Err, "s3cret") || strings.Contains(r.Err, "p4ss") {
			t.Errorf("%s: shows a credential\n%s", c.args, r.Err)
		}
	}
}

// A server that repeats what it was told does not have it shown, wherever it says it.
func TestServerRepeatsTheToken(t *testing.T) {
	token := write(t, "token", "t0p-s3cret")
	for _, answer := range []string{
		`{"status":"error","errorType":"execution","error":"not with t0p-s3cret"}`,
		`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"up"},"values":[[1,"t0p-s3cret"]]}]}}`,
		`{"status":"success","data":{"resultType":"t0p-s3cret","result":[]}}`,
		`{"t0p-s3cret":"`,
		`{"status":"success","data":{"resultType":"matrix","result":[]},"warnings":["t0p-s3cret"]}`,
		"t0p-s3cret",
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }))
		_, r := load(t, Wants{}, nil, "--prometheus", srv.URL, "--query", "up", "--token-file", token, "-v")
		srv.Close()
		if r.Code == cli.CodeOK || strings.Contains(r.Err, "s3cret") {
			t.Errorf("%s: exit %d\n%s", answer, r.Code, r.Err)
		}
	}
}

// What is asked for is what is looked at, by each name that the server has for it, as
// far back as it is looked at.
func TestQuestions(t *testing.T) {
	var mu sync.Mutex
	asked := map[string]bool{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasSuffix(r.URL.Path, "/values") {
			asked["names "+r.FormValue("start")+" "+r.FormValue("end")] = true
			_, _ = io.WriteString(w, `{"status":"success","data":["ALERTS","DCGM_FI_DEV_GPU_UTIL","gpu_utilization","http_requests_total","job:up:sum","my_own","up","zzz"]}`)
			return
		}
		asked[strings.Join([]string{r.FormValue("query"), r.FormValue("time"), r.FormValue("start"), r.FormValue("end"), r.FormValue("step")}, " ")] = true
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"matrix","result":[]},"warnings":["a store is away"]}`)
	}))
	defer srv.Close()
	rules := Wants{Expressions: []string{`gpu_utilization{gpu="0"} > 0.9`, `rate(my_own{a="b",c="d"}[2m]) > 1 or my_own{c="d"}`, `sum by (job) (up)`, `job:up:sum > 1`, `ALERTS > 0`, `missing > 1`},
		Recorded: []string{"job:up:sum"}, Step: 30 * time.Second}
	for _, c := range []struct {
		name, args string
		wants      Wants
		want       []string
	}{
		{"what rules look at", "--start 100 --end 399", rules, []string{
			"names -320 399",
			"DCGM_FI_DEV_GPU_UTIL[599001ms] 399   ", `last_over_time(DCGM_FI_DEV_GPU_UTIL[5m]) unless DCGM_FI_DEV_GPU_UTIL  -200 370 30`,
			"gpu_utilization[599001ms] 399   ", `last_over_time(gpu_utilization[5m]) unless gpu_utilization  -200 370 30`,
			`my_own{c="d"}[600000ms] 279.999   `, `my_own{c="d"}[119001ms] 399   `, `last_over_time(my_own{c="d"}[5m]) unless my_own{c="d"}  -320 370 30`,
			"up[599001ms] 399   ", "last_over_time(up[5m]) unless up  -200 370 30",
		}},
		{"a selector", `--query up{job="a"} --start 100 --end 110`, rules, []string{
			`up{job="a"}[430001ms] 110   `, `last_over_time(up{job="a"}[5m]) unless up{job="a"}  -320 100 30`,
		}},
		{"expressions", `--query up --query n=sum(up) --start 1000 --end 1100 --step 40s`, Wants{}, []string{
			`up  680 1080 40`, `label_replace(sum(up), "__name__", "n", "", "")  680 1080 40`,
		}},
	} {
		clear(asked)
		_, r := load(t, c.wants, nil, append([]string{"--prometheus", srv.URL}, strings.Fields(c.args)...)...)
		got := slices.Sorted(maps.Keys(asked))
		slices.Sort(c.want)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if r.Code != cli.CodeNoVerdict || strings.Count(r.Err, "a store is away") != 1 {
			t.Errorf("%s: exit %d\n%s", c.name, r.Code, r.Err)
		}
	}
}

// Request logs are metrics too, by the minute, whole or for each model.
func TestRequestLog(t *testing.T) {
	log := write(t, "requests.csv", "timestamp,status,latency_ms,model\n1772323200,200,100,a\n1772323260,503,5,b\n1772323320,200,300,a\n")
	for by, want := range map[string]string{"": `{__name__="error_rate"} 3 `, "model": `{__name__="error_rate", model="b"} 1 `} {
		args := []string{log}
		if by != "" {
			args = append(args, "--by", by)
		}
		in, r := load(t, Wants{}, nil, args...)
		if r.Code != cli.CodeOK || !strings.Contains(r.Out, want) || in.Summary.Requests == nil || strings.Contains(r.Out, "error_rate\"} ") != (by == "") {
			t.Errorf("by %q: exit %d\n%s%s", by, r.Code, r.Err, r.Out)
		}
	}
}

// Without Wants the flags alone say what is read; the zero Input is empty.
func TestEmpty(t *testing.T) {
	if err := (Input{}).Empty(); cli.CodeOf(err) != cli.CodeNoVerdict {
		t.Error(err)
	}
	if err := (Input{Store: series.NewBuilder().Store(nil)}).Empty(); err == nil || errors.Is(err, io.EOF) {
		t.Error(err)
	}
}
