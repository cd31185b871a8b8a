package accesslog

import (
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
)

// exactFixed is parseFixed by rational arithmetic.
func exactFixed(text string, scale int) (Fixed, bool) {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return Absent, false
	}
	ten := new(big.Rat).SetInt64(10)
	for range max(scale, 0) {
		r.Mul(r, ten)
	}
	for range max(-scale, 0) {
		r.Quo(r, ten)
	}
	r.Mul(r, new(big.Rat).SetInt64(1e6))
	negative := r.Sign() < 0
	q, rest := new(big.Int).QuoRem(new(big.Int).Abs(r.Num()), r.Denom(), new(big.Int))
	if q.Cmp(big.NewInt(1<<62-1)) >= 0 {
		return Absent, false
	}
	f := Fixed(q.Int64()) * 2
	if rest.Sign() != 0 {
		f++
	}
	if negative {
		f = -f
	}
	return f, true
}

func TestParseFixed(t *testing.T) {
	for _, c := range []struct {
		text  string
		scale int
		want  Fixed
		ok    bool
	}{
		{"0", 0, 0, true},
		{"-0", 0, 0, true},
		{"12000", 0, 24_000_000_000, true},
		{"12", secondsToMs, 24_000_000_000, true},
		{"12.000000000", secondsToMs, 24_000_000_000, true},
		{"12000.0000001", 0, 24_000_000_001, true}, // above by less than a millionth
		{"11999.9999999", 0, 23_999_999_999, true},
		{"1.2e1", secondsToMs, 24_000_000_000, true},
		{"1772323202.123", secondsToMs, 1772323202123 * 2_000_000, true}, // not ...122999
		{"0.1", 0, 200_000, true},
		{"500", microsecondsToMs, 1_000_000, true},
		{"1", nanosecondsToMs, 2, true},
		{"0.5", nanosecondsToMs, 1, true},
		{"1e-400", 0, 1, true},
		{"0e400", 0, 0, true},
		{"0.00000000000000000000000000000000000001", 0, 1, true},
		{"4611686018427.387902", 0, 1<<63 - 4, true},
		{"4611686018427.387903", 0, Absent, false},
		{"1e400", 0, Absent, false},
		{"99999999999999999999999", 0, Absent, false},
		{"", 0, Absent, false},
		{"-", 0, Absent, false},
		{".", 0, Absent, false},
		{"1e", 0, Absent, false},
		{"1.2.3", 0, Absent, false},
		{"NaN", 0, Absent, false},
		{"0x10", 0, Absent, false},
		{"1 ", 0, Absent, false},
	} {
		got, ok := parseFixed([]byte(c.text), c.scale)
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%q * 10^%d: %d, %v, want %d, %v", c.text, c.scale, got, ok, c.want, c.ok)
		}
	}
}

// Fixed compare like the numbers that they stand for.
func TestFixedIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		text := strconv.FormatInt(r.Int64N(1<<r.IntN(63)+1), 10)
		if r.IntN(2) == 0 {
			text += "." + strings.Repeat("0", r.IntN(12)) + strconv.FormatInt(r.Int64N(1<<r.IntN(63)+1), 10)
		}
		if r.IntN(4) == 0 {
			text += "e" + strconv.Itoa(r.IntN(30)-20)
		}
		if r.IntN(4) == 0 {
			text = "-" + text
		}
		scale := r.IntN(10) - 6
		got, ok := parseFixed([]byte(text), scale)
		if want, can := exactFixed(text, scale); ok != can || got != want {
			t.Fatalf("%s * 10^%d: %d, %v, want %d, %v", text, scale, got, ok, want, can)
		}
	}
}

func TestFixedArithmetic(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 10_000 {
		a, b := Fixed(r.Int64()), Fixed(r.Int64())
		if r.IntN(2) == 0 {
			a = -a
		}
		want := new(big.Int).Sub(big.NewInt(int64(a)), big.NewInt(int64(b)))
		got := a.Sub(b)
		if !want.IsInt64() {
			if got.Known() {
				t.Fatalf("%d - %d = %d", a, b, got)
			}
		} else if int64(got) != want.Int64() || a.Add(-b) != got {
			t.Fatalf("%d - %d = %d", a, b, got)
		}
	}
	for f, want := range map[Fixed]int64{0: 0, 1: 1, 2_000_000: 1, 2_000_001: 2, 1_999_999: 1, -1: 0, -2_000_000: -1, -2_000_001: -1} {
		if got := f.Ceil(); got != want {
			t.Errorf("%d rounded up is %d, want %d", f, got, want)
		}
	}
	if Absent.Sub(0).Known() || Fixed(0).Sub(Absent).Known() || Fixed(0).Add(Absent).Known() || Whole(1<<62).Known() {
		t.Error("what is absent came to a number")
	}
}

func TestParseInt(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "200": 200, "200.0": 200, "2e2": 200, "-3": -3, "9223372036854775807": 1<<63 - 1, "1200e-2": 12} {
		if got, ok := parseInt([]byte(text)); !ok || got != want {
			t.Errorf("%q: %d, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "1.5", "abc", "9223372036854775808", "1e30", "1e-3", "--1"} {
		if got, ok := parseInt([]byte(text)); ok {
			t.Errorf("%q: %d", text, got)
		}
	}
}

func TestParseTime(t *testing.T) {
	for text, want := range map[string]string{
		"2026-03-03T07:05:50.588Z":           "2026-03-03T07:05:50.588Z",
		"2026-03-03t07:05:50z":               "2026-03-03T07:05:50Z",
		"2026-03-03T02:05:50.588-05:00":      "2026-03-03T07:05:50.588Z",
		"2026-03-03T07:05:50.588+0530":       "2026-03-03T01:35:50.588Z",
		"2026-03-03 07:05:50.588000":         "2026-03-03T07:05:50.588Z",
		"2026-03-03 07:05:50":                "2026-03-03T07:05:50Z",
		"2026-03-03 07:05:50.588 +00:00":     "2026-03-03T07:05:50.588Z",
		"2026-03-03 07:05:50 UTC":            "2026-03-03T07:05:50Z",
		"2026-03-03T07:05:50.123456789Z":     "2026-03-03T07:05:50.124Z", // up
		"2026-03-03T07:05:50.123000000Z":     "2026-03-03T07:05:50.123Z",
		"2026-03-03T07:05:50.1230000000001Z": "2026-03-03T07:05:50.124Z",
		"2024-02-29T23:59:60Z":               "2024-03-01T00:00:00Z",
		"1969-12-31T23:59:59.999Z":           "1969-12-31T23:59:59.999Z",
		"17/May/2015:10:05:03 +0000":         "2015-05-17T10:05:03Z",
		"01/Jan/2026:00:00:00 +0200":         "2025-12-31T22:00:00Z",
		"1772521550":                         "2026-03-03T07:05:50Z",
		"1772521550.588":                     "2026-03-03T07:05:50.588Z",
		"1772521550588":                      "2026-03-03T07:05:50.588Z",
		"1772521550588.0":                    "2026-03-03T07:05:50.588Z",
		"1772521550588000":                   "2026-03-03T07:05:50.588Z",
		"1772521550588000000":                "2026-03-03T07:05:50.588Z",
		"1.772521550588e9":                   "2026-03-03T07:05:50.588Z",
	} {
		at, err := time.Parse(time.RFC3339Nano, want)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := parseTime([]byte(text)); !ok || got.Ceil() != at.UnixMilli() {
			t.Errorf("%q: %v, %v, want %s", text, time.UnixMilli(got.Ceil()).UTC(), ok, want)
		}
	}
	for _, text := range []string{"", "-", "now", "2026-03-03", "2026-13-03T07:05:50Z", "2026-02-29T07:05:50Z", "2026-03-03T24:05:50Z",
		"2026-03-03T07:60:50Z", "2026-03-03T07:05:61Z", "2026-03-03T07:05:50.Z", "2026-03-03T07:05:50+24:00", "2026-03-03T07:05:50+5",
		"2026-03-03T07:05:50ZZ", "2026-03-0307:05:50Z", "17/Foo/2015:10:05:03 +0000", "17/May/2015:10:05:03", "32/May/2015:10:05:03 +0000",
		"20a6-03-03T07:05:50Z", "9999-03-03T07:05:50Z", "17/anF/2015:10:05:03 +0000"} {
		if got, ok := parseTime([]byte(text)); ok {
			t.Errorf("%q is %v", text, time.UnixMilli(got.Ceil()).UTC())
		}
	}
}

// Every day of 300 years, as the standard library has them.
func TestCalendar(t *testing.T) {
	for day := time.Date(1824, 1, 1, 12, 34, 56, 0, time.UTC); day.Year() < 2115; day = day.AddDate(0, 0, 1) {
		for _, layout := range []string{time.RFC3339, "02/Jan/2006:15:04:05 -0700"} {
			text := day.Format(layout)
			if got, ok := parseTime([]byte(text)); !ok || got.Ceil() != day.UnixMilli() {
				t.Fatalf("%s: %d, %v, want %d", text, got.Ceil(), ok, day.UnixMilli())
			}
		}
	}
}

func FuzzTime(f *testing.F) {
	for _, s := range []string{"2026-03-03T07:05:50.588Z", "2026-03-03T02:05:50.588-05:00", "17/May/2015:10:05:03 +0000", "1772521550.588"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseTime([]byte(s))
		want, err := time.Parse(time.RFC3339Nano, s)
		if err == nil && want.Year() > 1824 && want.Year() < 2115 && !strings.Contains(s, ",") && s[13] == ':' { // it takes one digit for an hour too
			ms := want.UnixMilli()
			if want.Nanosecond()%1e6 != 0 {
				ms++
			}
			// The standard library cuts fractions off at the nanosecond.
			if !ok || got.Ceil() != ms && len(s) < 30 {
				t.Fatalf("%q: %d, %v, want %d", s, got.Ceil(), ok, ms)
			}
		}
	})
}

func TestLastNumber(t *testing.T) {
	for text, want := range map[string]string{"0.062": "0.062", "-, 0.258": "0.258", "0.1, -": "0.1", "0.1 : 0.2": "0.2", "-": "", "": "", "-, -": "", "0.1,0.3": "0.3"} {
		if got := string(lastNumber([]byte(text))); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestRoute(t *testing.T) {
	for target, want := range map[string]string{
		"/v1/x?a=1": "/v1/x", "https://h.example/v1/x?u=http://y/z": "/v1/x", "https://h.example": "/", "/a?u=http://y/z": "/a", "-": "", "": "", "/a#b": "/a", "*": "*",
	} {
		var e Event
		e.setRoute([]byte(target), new(interner))
		if e.Route != want || e.HealthCheck {
			t.Errorf("%q: %q, want %q", target, e.Route, want)
		}
	}
	for _, target := range []string{"/health", "/healthz?full=1", "/ping", "/metrics", "/ready", "/readyz", "/livez", "http://h/health"} {
		var e Event
		if e.setRoute([]byte(target), new(interner)); !e.HealthCheck {
			t.Errorf("%q is a health check", target)
		}
	}
}
