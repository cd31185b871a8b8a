package budget_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/accesslog"
	"llmops/analysis/budget"
	"llmops/rules/slo"
)

// Small logs in every format of JSON, read by encoding/json into maps and judged by
// the naive budget: what the fast way comes to, too.

// A member is one of a request, as a format writes it.
type member struct{ key, text string }

// A jsonForm writes requests that ended at end (ms, UTC), and reads them back from
// maps: when, the status, whether it failed or was left, and the latency in units of
// which there are per in a ms.
type jsonForm struct {
	name  string
	write func(end, us int64, status int, failed, left bool) []member
	read  func(row map[string]json.RawMessage) (end *big.Rat, status string, failed, left bool, took *big.Rat)
}

func text(m json.RawMessage) string {
	var s string
	if json.Unmarshal(m, &s) == nil {
		return s
	}
	return string(m)
}

func inner(m json.RawMessage, key string) json.RawMessage {
	var o map[string]json.RawMessage
	if json.Unmarshal(m, &o) != nil {
		return nil
	}
	return o[key]
}

// ratOf is the number times the factor; nil: there is none.
func ratOf(m json.RawMessage, factor int64) *big.Rat {
	x, ok := new(big.Rat).SetString(text(m))
	if !ok {
		return nil
	}
	return x.Mul(x, big.NewRat(factor, 1))
}

// instantOf is RFC 3339, or a number of ms.
func instantOf(m json.RawMessage) *big.Rat {
	if at, err := time.Parse(time.RFC3339Nano, text(m)); err == nil {
		return new(big.Rat).SetFrac64(at.UnixNano(), 1e6)
	}
	return ratOf(m, 1)
}

func iso(ms int64) string {
	return strconv.Quote(time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z"))
}

func plus(a, b *big.Rat) *big.Rat {
	if a == nil || b == nil {
		return a
	}
	return new(big.Rat).Add(a, b)
}

// begun is when the requests of the forms that tell of their start began, in whole ms.
func begun(end, us int64) int64 { return end - us/1000 }

func jsonForms() []jsonForm {
	ms := func(us int64) string { return new(big.Rat).SetFrac64(us, 1000).FloatString(3) }
	s := func(us int64) string { return new(big.Rat).SetFrac64(us, 1_000_000).FloatString(6) }
	number := strconv.Itoa
	truth := func(b bool) string { return strconv.FormatBool(b) }
	return []jsonForm{
		{"llmops", func(end, us int64, status int, failed, left bool) []member {
			why := `""`
			if left {
				why = `"cancelled"`
			}
			return []member{{"schema", `"llmops.request/v1"`}, {"done_at", iso(end)}, {"ok", truth(!failed && !left)}, {"error", why}, {"status", number(status)}, {"latency_ms", ms(us)}}
		}, func(r map[string]json.RawMessage) (*big.Rat, string, bool, bool, *big.Rat) {
			return instantOf(r["done_at"]), text(r["status"]), text(r["ok"]) == "false", text(r["error"]) == "cancelled", ratOf(r["latency_ms"], 1)
		}},
		{"envoy-json", func(end, us int64, status int, failed, left bool) []member {
			flags := `"-"`
			if failed {
				flags = `"URX,UF"`
			} else if left {
				flags = `"DC"`
			}
			return []member{{"start_time", iso(begun(end, us))}, {"response_code", number(status)}, {"response_flags", flags}, {"duration", number(int(us / 1000))}}
		}, func(r map[string]json.RawMessage) (*big.Rat, string, bool, bool, *big.Rat) {
			took, status, flags := ratOf(r["duration"], 1), text(r["response_code"]), strings.Split(text(r["response_flags"]), ",")
			return plus(instantOf(r["start_time"]), took), status, slices.Contains(flags, "UF") && strings.HasPrefix(status, "2"), slices.Contains(flags, "DC") && status == "200", took
		}},
		{"nginx-json", func(end, us int64, status int, _, _ bool) []member {
			return []member{{"time_iso8601", iso(end)}, {"status", strconv.Quote(number(status))}, {"request_time", s(us)}, {"request_uri", `"/v1"`}}
		}, func(r map[string]json.RawMessage) (*big.Rat, string, bool, bool, *big.Rat) {
			return instantOf(r["time_iso8601"]), text(r["status"]), false, false, ratOf(r["request_time"], 1000)
		}},
		{"helicone", func(end, us int64, status int, _, _ bool) []member {
			return []member{{"response_created_at", iso(end)}, {"response_status", number(status)}, {"delay_ms", ms(us)}}
		}, func(r map[string]json.RawMessage) (*big.Rat, string, bool, bool, *big.Rat) {
			return instantOf(r["response_created_at"]), text(r["response_status"]), false, false, ratOf(r["delay_ms"], 1)
		}},
		{"cloudflare", func(end, us int64, status int, failed, _ bool) []member {
			return []member{{"created_at", iso(begun(end, us))}, {"duration", number(int(us / 1000))}, {"success", truth(!failed)}, {"status_code", number(status)}, {"tokens_out", "3"}}
		}, func(r map[string]json.RawMessage) (*big.Rat, string, bool, bool, *big.Rat) {
			took := ratOf(r["duration"], 1)
			return plus(instantOf(r["created_at"]), took), text(r["status_code"]), text(r["success"]) == "false", false, took
		}},
		{"litellm", func(end, us int64, status int, failed, _ bool) []member {
			mark := `"success"`
			if failed {
				mark = `"failure"`
			}
			return []member{{"startTime", s(end*1000 - us)}, {"endTime", s(end * 1000)}, {"status", mark}, {"error_information", `{"error_code":"` + number(status) + `"}`}, {"stream", "true"}}
		}, func(r map[string]json.RawMessage) (*big.Rat, string, bool, bool, *big.Rat) {
			end := ratOf(r["endTime"], 1000)
			took := new(big.Rat)
			if start := ratOf(r["startTime"], 1000); start != nil && end != nil {
				took.Sub(end, start)
			}
			return end, text(inner(r["error_information"], "error_code")), text(r["status"]) == "failure", false, took
		}},
		{"langfuse", func(end, us int64, status int, failed, _ bool) []member {
			level := `"DEFAULT"`
			if failed {
				level = `"ERROR"`
			}
			return []member{{"type", `"GENERATION"`}, {"end_time", iso(end)}, {"level", level}, {"status_message", `"` + number(status) + `: x"`}, {"latency", s(us)}}
		}, func(r map[string]json.RawMessage) (*big.Rat, string, bool, bool, *big.Rat) {
			return instantOf(r["end_time"]), text(r["status_message"])[:3], text(r["level"]) == "ERROR", false, ratOf(r["latency"], 1000)
		}},
		{"kong", func(end, us int64, status int, _, _ bool) []member {
			return []member{{"started_at", number(int(begun(end, us)))}, {"latencies", `{"request":` + number(int(us/1000)) + `,"kong":1}`}, {"response", `{"status":` + number(status) + `}`}, {"request", `{"status":1}`}}
		}, func(r map[string]json.RawMessage) (*big.Rat, string, bool, bool, *big.Rat) {
			took := ratOf(inner(r["latencies"], "request"), 1)
			return plus(instantOf(r["started_at"]), took), text(inner(r["response"], "status")), false, false, took
		}},
		{"jsonl", func(end, us int64, status int, failed, _ bool) []member {
			why := `"-"`
			if failed {
				why = `"broke"`
			}
			return []member{{"timestamp", iso(end)}, {"status", number(status)}, {"latency_ms", ms(us)}, {"error", why}}
		}, func(r map[string]json.RawMessage) (*big.Rat, string, bool, bool, *big.Rat) {
			why := text(r["error"])
			return instantOf(r["timestamp"]), text(r["status"]), why != "-" && why != "" && why != "null", false, ratOf(r["latency_ms"], 1)
		}},
	}
}

// event is what a row comes to, by encoding/json alone; false: it is malformed.
func (f *jsonForm) event(row []byte) (e accesslog.Event, ok bool) {
	var r map[string]json.RawMessage
	if json.Unmarshal(row, &r) != nil || r == nil {
		return e, false
	}
	end, status, failed, left, took := f.read(r)
	if end == nil {
		return e, false
	}
	code, err := strconv.Atoi(status)
	if err != nil {
		return e, false
	}
	e.Reset()
	up := new(big.Int).Add(end.Num(), new(big.Int).Sub(end.Denom(), big.NewInt(1)))
	e.End, e.Status = up.Div(up, end.Denom()).Int64(), int16(code)
	e.Cancelled, e.Failed = left || code == 499, failed || code >= 400
	if took != nil {
		e.Latency = accesslog.Fixed(new(big.Rat).Mul(took, big.NewRat(2_000_000, 1)).Num().Int64())
	}
	return e, true
}

// row writes a request in one of the many ways that are the same JSON.
func row(r *rand.Rand, members []member, pretty bool) string {
	r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	blank := func() string {
		if !pretty {
			return strings.Repeat(" ", r.IntN(8)/7)
		}
		return []string{"", " ", "\n  ", "\t"}[r.IntN(4)]
	}
	var b strings.Builder
	b.WriteString("{" + blank())
	for i, m := range members {
		if i > 0 {
			b.WriteString("," + blank())
		}
		key := m.key
		if r.IntN(12) == 0 { // the last one counts
			fmt.Fprintf(&b, "%q:%s, ", key, []string{"null", "0", `"x"`, "{}"}[r.IntN(4)])
		}
		if r.IntN(12) == 0 {
			key = fmt.Sprintf(`\u%04x`, key[0]) + key[1:]
		}
		fmt.Fprintf(&b, `"%s"%s:%s%s`, key, blank(), blank(), m.text)
		if r.IntN(6) == 0 {
			fmt.Fprintf(&b, `,"x%d":%s`, i, []string{`{"status":500,"ok":[{}]}`, `"},\"\\{"`, `[1,{"latency_ms":9}]`, `"` + strings.Repeat("é", r.IntN(40)) + `"`}[r.IntN(4)])
		}
	}
	return b.String() + blank() + "}"
}

func TestJSONFormatsAgainstMaps(t *testing.T) {
	rounds := uint64(20)
	if testing.Short() {
		rounds = 10
	}
	for _, form := range jsonForms() {
		for seed := range rounds {
			r := rand.New(rand.NewPCG(seed, 77))
			base := int64(1_772_323_200_000)
			layout := r.IntN(4) // rows, an array, pages, large rows in a file of several chunks
			count := 30 + r.IntN(100)
			var rows []string
			for range count {
				end, us := base+r.Int64N(7200_000), []int64{499_000, 500_000, 501_000, 12_000, 1_500_000}[r.IntN(5)]
				if r.IntN(5) == 0 {
					end -= end % 60_000
				}
				members := form.write(end, us, []int{200, 200, 200, 404, 429, 499, 500, 503}[r.IntN(8)], r.IntN(9) == 0, r.IntN(9) == 0)
				if layout == 3 && r.IntN(4) == 0 {
					members = append(members, member{"pad", `"` + strings.Repeat("p", r.IntN(150_000)) + `"`})
				}
				text := row(r, members, layout == 1 || layout == 2)
				if r.IntN(40) == 0 && (layout == 0 || layout == 3) {
					text = text[:r.IntN(len(text))]
				}
				rows = append(rows, text)
			}
			var want []accesslog.Event
			malformed := int64(0)
			for _, text := range rows {
				if strings.TrimSpace(text) == "" {
					continue
				}
				if e, ok := form.event([]byte(text)); ok {
					want = append(want, e)
				} else {
					malformed++
				}
			}
			sources := files(t, r, layout, rows)
			checkForm(t, fmt.Sprintf("%s, seed %d, layout %d", form.name, seed, layout), form.name, sources, want, malformed, r)
		}
	}
}

// files writes rows into some files, compressed or not.
func files(t *testing.T, r *rand.Rand, layout int, rows []string) (sources []accesslog.Source) {
	t.Helper()
	dir := t.TempDir()
	for n := 0; len(rows) > 0; n++ {
		k := 1 + r.IntN(len(rows))
		if layout == 3 {
			k = len(rows)
		}
		part := rows[:k]
		rows = rows[k:]
		end := []string{"\n", "\r\n"}[r.IntN(2)]
		var log string
		switch layout {
		case 1:
			log = "[" + end + strings.Join(part, ","+end) + "]" + end
		case 2:
			for len(part) > 0 {
				k := 1 + r.IntN(len(part))
				log += `{"data": [` + strings.Join(part[:k], ",") + `],"meta":{"page":1}}` + strings.Repeat(end, r.IntN(2))
				part = part[k:]
			}
		default:
			log = strings.Join(part, end)
			if r.IntN(2) == 0 {
				log += end
			}
		}
		data := []byte(log)
		if r.IntN(4) == 0 { // in several members
			var b bytes.Buffer
			for at := 0; at < len(data); {
				step := min(1+r.IntN(len(data)), len(data)-at)
				z := gzip.NewWriter(&b)
				if _, err := z.Write(data[at : at+step]); err != nil || z.Close() != nil {
					t.Fatal(err)
				}
				at += step
			}
			data = b.Bytes()
		}
		name := filepath.Join(dir, fmt.Sprint(n))
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		sources = append(sources, accesslog.Source{Name: name, Open: func() (io.ReadCloser, error) { return os.Open(name) }})
	}
	return sources
}

func checkForm(t *testing.T, name, format string, sources []accesslog.Source, want []accesslog.Event, malformed int64, r *rand.Rand) {
	t.Helper()
	if len(want) == 0 {
		return
	}
	objective := func(metric string, statistic slo.Statistic, op slo.Op, threshold string) slo.Objective {
		o := slo.Objective{Name: metric, Metric: metric, Statistic: statistic, Op: op, Target: decimal(t, "0.7"), Window: time.Duration(1+r.IntN(100)) * time.Minute,
			Method: slo.Occurrences, Errors: []slo.Errors{slo.ErrorsExclude, slo.ErrorsBad}[r.IntN(2)]}
		if threshold != "" {
			o.Threshold = decimal(t, threshold)
		}
		return o
	}
	cfg := budget.Config{ExcludeStatus: []int{404}, Memory: int64(r.IntN(2)), Spill: spill(t), Objectives: []slo.Objective{
		objective("success_rate", slo.Ratio, slo.GreaterEqual, ""), objective("latency_ms", slo.Quantile, []slo.Op{slo.Less, slo.LessEqual, slo.Greater}[r.IntN(3)], "500")}}
	counter, err := budget.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer counter.Close()
	s, err := accesslog.Read(t.Context(), sources, accesslog.Options{Format: format, Workers: 1 + r.IntN(5)}, func() func(*accesslog.Event) { return counter.Shard().Add })
	if err != nil || s.Records != int64(len(want)) || s.Malformed != malformed {
		t.Fatalf("%s: %d records, %d malformed, %v; want %d and %d", name, s.Records, s.Malformed, err, len(want), malformed)
	}
	got, err := counter.Report(budget.Source{})
	if err != nil {
		t.Fatal(err)
	}
	now := slices.MaxFunc(want, func(a, b accesslog.Event) int { return int(a.End - b.End) }).End
	for i, o := range cfg.Objectives {
		var burns []time.Duration
		for _, b := range got.SLOs[i].BurnRates {
			w, err := slo.ParseDuration(b.Window)
			if err != nil {
				t.Fatal(err)
			}
			burns = append(burns, w)
		}
		if got.SLOs[i].IncidentsOmitted > 0 {
			continue
		}
		if diff := cmp.Diff(naive{o, now, want}.describe(o.Window, burns), describe(got.SLOs[i], now)); diff != "" {
			t.Fatalf("%s: %+v (-want +got)\n%s", name, o, diff)
		}
	}
}
