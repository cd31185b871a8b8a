package budget_test

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"llmops/analysis/accesslog"
)

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
