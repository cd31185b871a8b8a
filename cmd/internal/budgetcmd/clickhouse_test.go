package budgetcmd

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/budget"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
)

// answers are what a server says to queries that begin so.
type answers map[string]string

const (
	columnsQuery = "DESCRIBE TABLE `logs`.`requests`"
	newestQuery  = "SELECT count(), max("
	minutesQuery = "SELECT intDiv("
	errorsQuery  = "SELECT if(llmops_class"
	modelsQuery  = "SELECT replaceRegexpOne("
)

// hour is the minute that 2026-03-01 01:00 ends; 30 of 3000 requests before it failed.
func goodAnswers() answers {
	return answers{
		columnsQuery: "timestamp\tDateTime64(3)\t\t\nstatus\tUInt16\t\t\nmodel\tLowCardinality(String)\t\t\nlatency_ms\tFloat64\t\t\n",
		newestQuery:  "3000\t1772326830500\n", // 01:00:30.5
		minutesQuery: "29538720\t0\t1000\t1772323195000\t1772323200000\t3\t2\t1\t974\t20\t0\t0\t0\n" +
			"29538780\t0\t2000\t1772326740001\t1772326800000\t0\t0\t0\t1990\t10\t0\t0\t0\n",
		errorsQuery: "http_503\t25\nhttp_429\t4\n\n\t30\n",
		modelsQuery: "a\\tb\t30\n\n\t30\n",
	}
}

// fakeClickHouse is a server that knows only these answers.
func fakeClickHouse(t *testing.T, a answers, authorization *string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*authorization = r.Header.Get("Authorization")
		sql, _ := io.ReadAll(r.Body)
		for begin, text := range a {
			if strings.HasPrefix(string(sql), begin) {
				io.WriteString(w, text)
				return
			}
		}
		http.Error(w, "Code: 60. DB::Exception: no answer for ann's hunter22 to "+string(sql[:min(len(sql), 60)]), http.StatusNotFound)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestClickHouse(t *testing.T) {
	var authorization string
	url := fakeClickHouse(t, goodAnswers(), &authorization)
	got, r := report(t, "--clickhouse", url, "--table", "logs.requests", "--slo", "success_rate >= 98%", "--user", "ann", "--password-file", write(t, "secret", "hunter22\n"))
	if want := "Basic " + base64.StdEncoding.EncodeToString([]byte("ann:hunter22")); authorization != want {
		t.Errorf("authorization %q, want %q", authorization, want)
	}
	if got.Now.String() != "2026-03-01T01:00:00.000Z" || !strings.Contains(r.Err, "rounded down to the minute, 2026-03-01 01:00Z") || strings.Contains(r.Err+r.Out, "hunter22") {
		t.Errorf("now %v\n%s", got.Now, r.Err)
	}
	if got.Source.Format != "clickhouse" || got.Source.Resolution != "1m" || got.Source.Records != 3000 || got.Source.First.String() != "2026-02-28T23:59:55.000Z" || strings.Contains(r.Out, `"metrics"`) {
		t.Errorf("source %+v", got.Source)
	}
	s := got.SLOs[0]
	want := []budget.Contributor{{By: "error", Key: "http_503", Bad: 25, Share: 25.0 / 30}, {By: "error", Key: "http_429", Bad: 4, Share: 4.0 / 30},
		{By: "error", Key: "other", Bad: 1, Share: 1.0 / 30, Rest: true}, {By: "model", Key: "a\tb", Bad: 30, Share: 1}}
	if diff := cmp.Diff(want, s.Contributors); diff != "" {
		t.Error(diff)
	}
	if s.Total != 2994 || s.Bad != 30 || !cmp.Equal(s.Excluded, map[string]int64{"cancelled": 3, "client_error": 2, "health_check": 1}) || r.Code != cli.CodeOK || s.BurnRates[0].Bad != 10 {
		t.Errorf("exit %d: %+v", r.Code, s)
	}
	table := clitest.Run(t, nil, []cli.Verb{New}, "budget", "--clickhouse", url, "--table", "logs.requests", "--slo", "success_rate >= 98%")
	if !strings.HasPrefix(table.Out, "clickhouse, 3000 requests counted by the minute from 2026-02-28 23:59:55Z to 2026-03-01 01:00Z\n") || strings.Contains(table.Out, "good requests, ms") {
		t.Errorf("%s", table.Out)
	}
}

func TestClickHouseFails(t *testing.T) {
	var authorization string
	with := func(query, answer string) string {
		a := goodAnswers()
		a[query] = answer
		if answer == "" {
			delete(a, query)
		}
		return fakeClickHouse(t, a, &authorization)
	}
	good := with(newestQuery, goodAnswers()[newestQuery])
	password := write(t, "secret", "hunter22\n")
	for _, c := range []struct {
		args string
		code cli.Code
		want string
	}{
		{"--clickhouse " + with(columnsQuery, "") + " --table logs.requests --user ann --password-file " + password, cli.CodeFailed, "status 404: Code: 60"},
		{"--clickhouse http://127.0.0.1:1 --table t", cli.CodeFailed, "127.0.0.1:1: dial tcp"},
		{"--clickhouse " + with(columnsQuery, "<html>Please log in</html>\n") + " --table logs.requests", cli.CodeFailed, "not what was asked for"},
		{"--clickhouse " + with(minutesQuery, "1\t2\n") + " --table logs.requests", cli.CodeFailed, "not what was asked for: 2 fields, want 13"},
		{"--clickhouse " + with(minutesQuery, strings.Repeat("x\t", 12)+"1\n") + " --table logs.requests", cli.CodeFailed, `"x" is no whole number`},
		{"--clickhouse " + with(errorsQuery, "http_503\t30\n") + " --table logs.requests", cli.CodeFailed, "without a total"},
		{"--clickhouse " + with(errorsQuery, "http_503\t30\n\n\t29\n") + " --table logs.requests", cli.CodeFailed, "not what was asked for"},
		{"--clickhouse " + with(newestQuery, "0\t0\n") + " --table logs.requests", cli.CodeNoVerdict, "no request"},
		{"--clickhouse " + with(minutesQuery, "") + " --table logs.requests --user ann --password-file " + password, cli.CodeFailed, "status 404"},
		{"--clickhouse http://ann:hunter22@127.0.0.1 --table t", cli.CodeUsage, "user name or password"},
		{"--clickhouse 127.0.0.1:8123 --table t", cli.CodeUsage, "want http://HOST:PORT"},
		{"--clickhouse= --table t", cli.CodeUsage, "the URL is missing"},
		{"--clickhouse " + good, cli.CodeUsage, "no table is named"},
		{"--clickhouse " + good + " --table a.b.c", cli.CodeUsage, "want TABLE or DATABASE.TABLE"},
		{"--clickhouse " + good + " --table logs.requests --map status=kode", cli.CodeUsage, `no column "kode"`},
		{"--clickhouse " + good + " --table logs.requests --map latency=model", cli.CodeUsage, "want a number"},
		{"--clickhouse " + good + " --table logs.requests --map ttft=latency_ms:s,speed=x", cli.CodeUsage, "--map speed"},
		{"--clickhouse " + good + " --table logs.requests --slo p95_ttft_ms<1", cli.CodeUsage, "--map ttft="},
		{"--clickhouse " + good + " --table logs.requests --window 90s", cli.CodeUsage, "want whole minutes"},
		{"--clickhouse " + good + " --table logs.requests --format csv", cli.CodeUsage, "exclude each other"},
		{"--clickhouse " + good + " --table logs.requests access.log", cli.CodeUsage, "exclude each other"},
		{"--clickhouse " + good + " --prometheus " + good + " --table logs.requests", cli.CodeUsage, "exclude each other"},
		{"--clickhouse " + good + " --table logs.requests --user ann --token-file " + password, cli.CodeUsage, "exclude each other"},
		{"--clickhouse " + good + " --table logs.requests --password-file " + write(t, "empty", "\n"), cli.CodeUsage, "holds no password"},
		{"--table logs.requests access.log", cli.CodeUsage, "--table says how to ask a server"},
		{"", cli.CodeUsage, "nothing to read"},
	} {
		r := clitest.Run(t, nil, []cli.Verb{New}, append([]string{"budget"}, strings.Fields(c.args)...)...)
		if r.Code != c.code || !strings.Contains(r.Err, c.want) || strings.Contains(r.Err+r.Out, "hunter22") {
			t.Errorf("%s: exits %d, want %d with %q:\n%s", c.args, r.Code, c.code, c.want, r.Err)
		}
	}
}
