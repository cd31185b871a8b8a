package business

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/remote"
	"llmops/probes/snapshot"
)

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "business")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

type value struct {
	Series string
	Value  float64
	At     string
}

func values(b *snapshot.Business) (out []value) {
	for _, v := range b.Values {
		w := value{Series: v.Name, Value: v.Value}
		for name, text := range v.Labels {
			w.Series += "{" + name + "=" + text + "}"
		}
		if v.At != nil {
			w.At = v.At.Format(time.RFC3339Nano)
		}
		out = append(out, w)
	}
	return out
}

func TestRead(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want []value
	}{
		"object": {
			`{"active_users": 1000, "conversion_rate": 0, "bounce_rate": null, "complaint_rate": "0.02"}`,
			[]value{{"active_users", 1000, ""}, {"complaint_rate", 0.02, ""}, {"conversion_rate", 0, ""}},
		},
		"groups with a time": {
			"\xef\xbb\xbf" + ` {"timestamp": "2026-01-02T03:04:05+01:00",
			 "user_metrics": {"active_users": 7}, "cost": {"usd": {"hourly_cost_usd": {"value": 98.5, "at": 1767323045}}}}`,
			[]value{{"active_users", 7, "2026-01-02T02:04:05Z"}, {"hourly_cost_usd", 98.5, "2026-01-02T03:04:05Z"}},
		},
		"rows": {
			`[{"metric": "cost_per_request", "value": 0.01, "labels": {"model": "b"}, "at": "2026-01-02 03:04:05"},
			  {"metric": "cost_per_request", "value": 0.02, "labels": {"model": "a"}, "at": 1767323045123},
			  {"metric": "cost_per_request", "value": null, "labels": {"model": "c"}},
			  {"metric": "cost_per_request", "value": 0.5, "labels": {"model": "a"}, "at": "2026-01-01"}]`,
			[]value{{"cost_per_request{model=a}", 0.02, "2026-01-02T03:04:05.123Z"}, {"cost_per_request{model=b}", 0.01, "2026-01-02T03:04:05Z"}},
		},
		"lines, the later one wins": {
			"{\"active_users\": 1, \"new_users\": 5}\n{\"active_users\": 2}\n",
			[]value{{"active_users", 2, ""}, {"new_users", 5, ""}},
		},
		"an older row does not replace a newer one, no time is older than any": {
			`[{"metric": "a", "value": 2, "at": 1767323045}, {"metric": "a", "value": 1, "at": 1767323000}, {"metric": "a", "value": 3}]`,
			[]value{{"a", 2, "2026-01-02T03:04:05Z"}},
		},
		"CSV wide, newest value of each column": {
			"timestamp,active_users,conversion_rate,bounce_rate\n2026-01-02T03:05:00Z,12,,NaN\n2026-01-02T03:04:00Z,11,0.03,\n",
			[]value{{"active_users", 12, "2026-01-02T03:05:00Z"}, {"conversion_rate", 0.03, "2026-01-02T03:04:00Z"}},
		},
		"CSV long with labels": {
			"metric,value,model,timestamp\r\ncost_per_token,2e-6,a,1767323045000000\r\ncost_per_token, 3e-6,,1767323045000000000\r\n",
			[]value{{"cost_per_token", 3e-6, "2026-01-02T03:04:05Z"}, {"cost_per_token{model=a}", 2e-6, "2026-01-02T03:04:05Z"}},
		},
		"CSV without times":   {"active_users\n3\n", []value{{"active_users", 3, ""}}},
		"CSV without rows":    {"active_users\n", nil},
		"nothing is measured": {`{"active_users": null}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b, problems, err := Read(t.Context(), Config{Source: file(t, tc.text)})
			if err != nil || len(problems) > 0 {
				t.Fatal(err, problems)
			}
			if diff := cmp.Diff(tc.want, values(b)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A line that is broken costs itself, as long as more lines are whole.
func TestBrokenLines(t *testing.T) {
	const a, b = `{"at":"2026-01-01T00:00:00Z","active_users":1}`, `{"at":"2026-01-02T00:00:00Z","active_users":2,"bounce_rate":"x"}`
	for name, c := range map[string]struct {
		text     string
		want     string // values, then problems
		isBroken string // an error
	}{
		"cut off":        {a + "\n" + b + "\n" + `{"at":"2026-01-03`, `active_users=2; f:3: not valid JSON: unexpected EOF; f:2: bounce_rate: "x" is not a number`, ""},
		"in the middle":  {a + "\r\n{\"x\": ,}\r\n\r\n" + b + "\n", `active_users=2; f:2: not valid JSON: invalid character ',' looking for beginning of value; f:4: bounce_rate: "x" is not a number`, ""},
		"several":        {a + "\n{\n" + a + "\n{]\n" + a, `active_users=1; f:2: not valid JSON: unexpected EOF (and 1 more)`, ""},
		"half of them":   {a + "\n{\n", "", "2: not valid JSON"},
		"one of many":    {"{\n\"active_users\": 1,\n\"bounce_rate\": \n}", "", "4: not valid JSON"},
		"a list":         {"[\n" + a + ",\n" + a + ",\n{\"x\": ,}\n]", "", "4: not valid JSON"},
		"something else": {a + "\n" + a + "\n# a remark\n", "", "3: not valid JSON"},
	} {
		rows, err := parse([]byte(c.text))
		if c.isBroken != "" {
			if err == nil || !strings.Contains(err.Error(), c.isBroken) {
				t.Errorf("%s: %v, want %q", name, err, c.isBroken)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		seen, problems, err := Config{}.collect(rows, "f")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, v := range seen.Values {
			got = append(got, fmt.Sprintf("%s=%v", v.Name, v.Value))
		}
		for _, p := range problems {
			got = append(got, p.Detail)
		}
		if text := strings.Join(got, "; "); text != c.want {
			t.Errorf("%s: %s, want %s", name, text, c.want)
		}
	}
}

func TestBadSources(t *testing.T) {
	for text, want := range map[string]string{
		"":                                " the source is empty",
		"<html>":                          "1: this is HTML or XML",
		"{\"a\": 1}\n{\"a\": \n}":         "3: not valid JSON: ",
		`{"a": 1`:                         "not valid JSON: unexpected EOF",
		`[1]`:                             "1: want a list of objects",
		`{"a": "many"}`:                   `1: a: "many" is not a number`,
		`{"a": 1e999}`:                    `1: a: "1e999" is not a number`,
		`{"a": "0x10"}`:                   `is not a number`,
		"{\n\"a\": \"x\"\n}":              ` a: "x" is not a number`,
		`[{"value": 1}]`:                  "1: a row has a value and no metric",
		`{"": 1}`:                         "1: a value has no name",
		`[{"metric": "a", "value": [1]}]`: "1: a: want a number",
		`{"at": "yesterday", "a": 1}`:     `1: at: "yesterday" is not a time`,
		`[{"metric":"a","value":1,"labels":{"le gs":"x"}}]`:         `1: a: "le gs" cannot be the name of a label`,
		`[{"metric":"a","value":1,"labels":{"value":"x"}}]`:         `1: a: "value" cannot be the name of a label`,
		`[{"metric":"a","value":1,"labels":{"x":{}}}]`:              "1: a: label x must be a text",
		strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20): "nested more than 8 deep",
		"a,,b\n1,2,3\n":            "1: column 2 has no name",
		"a,a\n1,2\n":               `1: two columns are called "a"`,
		"metric,b\nx,2\n":          "1: want columns metric and value",
		"timestamp\n1\n":           "1: there is no column of values",
		"a,b\n1\n":                 "2: not valid CSV: wrong number of fields",
		"a,b\nx,\n":                `2: a: "x" is not a number`,
		"hello world":              `1: want JSON, or CSV whose first line names metrics: "hello world" is no name`,
		"hello world\nand you\n":   `"hello world" is no name`,
		strings.Repeat("\x00", 99): `1: want JSON, or CSV whose first line names metrics: "\x00`,
		"timestamp,a\nsoon,1\n":    `2: timestamp: "soon" is not a time`,
		"metric,value\n,1\n":       "2: a row has no metric",
	} {
		name := file(t, text)
		_, _, err := Read(t.Context(), Config{Source: name})
		if err == nil || !strings.HasPrefix(err.Error(), name+":") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// A bad value costs itself: the rest is read, and the problem names it.
func TestBadValues(t *testing.T) {
	type problem struct{ What, Detail string }
	resolve := func(name string) (string, float64, bool) {
		return strings.TrimSuffix(name, "_percent"), map[bool]float64{true: 0.01, false: 1}[strings.HasSuffix(name, "_percent")], name != "region"
	}
	limits := func(name string) (low, high float64) {
		if strings.HasSuffix(name, "_rate") {
			return 0, 1
		}
		return 0, math.Inf(1)
	}
	for text, want := range map[string]struct {
		values   []value
		problems []problem
	}{
		`{"a": 1, "b": "many", "c": [2], "d": {}}`: {[]value{{"a", 1, ""}}, []problem{
			{"", ":1: want a list of objects, each with metric and value"}, {"b", `:1: b: "many" is not a number`}}},
		"{\n\"a\": 1, \"b\": \"x\"}": {[]value{{"a", 1, ""}}, []problem{{"b", `: b: "x" is not a number`}}},
		`[{"metric":"a","value":1},{"metric":"a","value":9,"at":"soon"},{"value":3},{"metric":"b","value":1,"labels":{"x y":"z"}}]`: {[]value{{"a", 1, ""}}, []problem{
			{"", `:1: at: "soon" is not a time: want RFC 3339, YYYY-MM-DD HH:MM:SS, or Unix time (and 1 more)`}, {"b", `:1: b: "x y" cannot be the name of a label`}}},
		"a,b,region\n1,x,eu\n2,y,eu\n3,4\n5\"6,7,8\n": {[]value{{"a", 2, ""}}, []problem{
			{"region", `: "region" is no metric that a business source may give`},
			{"", ":4: not valid CSV: wrong number of fields (and 1 more)"}, {"b", `:2: b: "x" is not a number (and 1 more)`}}},
		"region\n": {nil, []problem{{"region", `: "region" is no metric that a business source may give`}}},
		`{"a_rate": 5, "b": -3, "c_rate_percent": 120, "d_rate_percent": 100, "e_rate": 0, "f_rate": 1}`: {
			[]value{{"d_rate", 1, ""}, {"e_rate", 0, ""}, {"f_rate", 1, ""}}, []problem{
				{"a_rate", ":1: a_rate: 5 is not possible: want 0 to 1"}, {"b", ":1: b: -3 is not possible: want 0 or more"},
				{"c_rate_percent", ":1: c_rate_percent: 120 is not possible: want 0 to 100"}}},
	} {
		name := file(t, text)
		b, found, err := Read(t.Context(), Config{Source: name, Resolve: resolve, Range: limits})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []problem
		for _, p := range found {
			got = append(got, problem{p.What, strings.TrimPrefix(p.Detail, name)})
		}
		if diff := cmp.Diff(want.values, values(b)) + cmp.Diff(want.problems, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
	many := "metric,value\nok,1\n"
	for i := range 50 {
		many += fmt.Sprintf("u%03d,x\n", i)
	}
	_, found, err := Read(t.Context(), Config{Source: file(t, many)})
	if err != nil || len(found) != maxProblems+1 || !strings.Contains(found[maxProblems].Detail, "40 more metrics") {
		t.Errorf("%v, %d problems", err, len(found))
	}
}

func TestResolve(t *testing.T) {
	resolve := func(name string) (string, float64, bool) {
		switch name {
		case "hourly_cost_usd":
			return name, 1, true
		case "daily_cost_usd":
			return "hourly_cost_usd", 1. / 24, true
		}
		return "", 0, false
	}
	b, problems, err := Read(t.Context(), Config{Source: file(t, `{"daily_cost_usd": 240, "activ_users": 3}`), Resolve: resolve})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]value{{"hourly_cost_usd", 10, ""}}, values(b)); diff != "" {
		t.Error(diff)
	}
	if len(problems) != 1 || problems[0].What != "activ_users" || problems[0].Status != snapshot.Unsupported || problems[0].Hint == "" {
		t.Errorf("%+v", problems)
	}
	many := "metric,value\n"
	for i := range 500 {
		many += fmt.Sprintf("u%03d,1\n", i)
	}
	_, problems, err = Read(t.Context(), Config{Source: file(t, many), Resolve: resolve})
	if err != nil || len(problems) != maxProblems+1 || !strings.Contains(problems[maxProblems].Detail, "490 more names") {
		t.Errorf("%v, %d problems", err, len(problems))
	}
}

func TestURL(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !r.Close {
			t.Errorf("%s: the connection would be kept", r.URL.Path)
		}
		switch r.URL.Path {
		case "/figures":
			if r.Header.Get("Authorization") != "Bearer x" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			fmt.Fprint(w, `{"active_users": 5}`)
		case "/elsewhere":
			http.Redirect(w, r, "/figures", http.StatusFound)
		case "/huge":
			_, _ = w.Write(make([]byte, MaxBytes+1))
		case "/hang":
			<-r.Context().Done()
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	header := http.Header{"Authorization": {"Bearer x"}}
	b, _, err := Read(t.Context(), Config{Source: server.URL + "/figures?token=secret", Access: remote.Access{Header: header}})
	if err != nil {
		t.Fatal(err)
	}
	if got := b.Values[0]; got.Value != 5 || got.Source != server.URL+"/figures" {
		t.Errorf("%+v", got)
	}
	for path, want := range map[string]struct {
		text   string
		status snapshot.Status
	}{
		"/figures?token=secret": {"HTTP status 401: it may not be read", snapshot.Forbidden},
		"/elsewhere":            {"HTTP status 302: redirects are not followed", snapshot.Failed},
		"/nothing":              {"HTTP status 404", snapshot.Failed},
		"/huge":                 {"larger than 8 MiB", snapshot.Failed},
		"/hang":                 {"no answer in time", snapshot.Timeout},
	} {
		_, _, err := Read(t.Context(), Config{Source: server.URL + path, Timeout: 300 * time.Millisecond})
		if err == nil {
			t.Errorf("%s: no error", path)
			continue
		}
		p := Problem(err)
		if !strings.Contains(p.Detail, want.text) || p.Status != want.status || strings.Contains(p.Detail, "secret") || p.Source != "business" {
			t.Errorf("%s: %+v", path, p)
		}
	}
	server.Close()
	_, _, err = Read(t.Context(), Config{Source: server.URL + "/figures?token=secret"})
	if p := Problem(err); p.Status != snapshot.Unavailable || strings.Contains(p.Detail, "secret") {
		t.Errorf("a closed port: %+v", p)
	}
	for _, source := range []string{"https://user:secret@127.0.0.1/x", "http://", "http://secret%zz/"} {
		_, _, err := Read(t.Context(), Config{Source: source})
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", source, err)
		}
	}
}

// A certificate that nobody vouches for is refused.
func TestTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"a": 1}`) }))
	defer server.Close()
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshake
	if _, _, err := Read(t.Context(), Config{Source: server.URL}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v", err)
	}
	client := server.Client().Transport.(*http.Transport)
	if _, _, err := Read(t.Context(), Config{Source: server.URL, Access: remote.Access{TLS: client.TLSClientConfig}}); err != nil {
		t.Error(err)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	_, _, err := Read(t.Context(), Config{Source: filepath.Join(dir, "none.json")})
	if p := Problem(err); p.Status != snapshot.Unavailable || p.Hint == "" {
		t.Errorf("%+v", p)
	}
	if _, _, err := Read(t.Context(), Config{Source: dir}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder: %v", err)
	}
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, make([]byte, MaxBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Read(t.Context(), Config{Source: big}); err == nil || !strings.Contains(err.Error(), "larger than 8 MiB") {
		t.Errorf("a large file: %v", err)
	}
	if runtime.GOOS != "windows" && os.Getuid() != 0 {
		locked := file(t, "{}")
		if err := os.Chmod(locked, 0); err != nil {
			t.Fatal(err)
		}
		_, _, err := Read(t.Context(), Config{Source: locked})
		if p := Problem(err); p.Status != snapshot.Forbidden {
			t.Errorf("%+v", p)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Read(ctx, Config{Source: "http://127.0.0.1:1/"}); !errors.Is(err, context.Canceled) {
		t.Errorf("after an interrupt: %v", err)
	}
}

func TestTooManySeries(t *testing.T) {
	var text strings.Builder
	text.WriteString("metric,value,user\n")
	for i := range MaxSeries + 1 {
		fmt.Fprintf(&text, "active_users,1,%d\n", i)
	}
	if _, _, err := Read(t.Context(), Config{Source: file(t, text.String())}); err == nil || !strings.Contains(err.Error(), "more than 10000 series") {
		t.Errorf("%v", err)
	}
}

// Whatever a source says, what comes out is finite, named and unique.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"at": 1767323045, "a": {"value": 1, "labels": {"m": "x"}}, "b": null}`))
	f.Add([]byte("timestamp,a,b\n2026-01-02 03:04:05,1,\n"))
	f.Add([]byte("metric,value,model\na,1,x\n"))
	f.Add([]byte(`[{"metric":"a","value":"-"}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := parse(data)
		if err != nil {
			return
		}
		b, _, err := Config{}.collect(rows, "x")
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, v := range b.Values {
			if v.Name == "" || math.IsNaN(v.Value) || math.IsInf(v.Value, 0) || seen[key(v)] {
				t.Errorf("%+v of %q", v, data)
			}
			seen[key(v)] = true
		}
	})
}
