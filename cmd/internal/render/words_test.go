package render_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"llmops/cmd/internal/render"
)

func TestWords(t *testing.T) {
	noon := time.Date(2026, 3, 1, 13, 0, 0, 0, time.FixedZone("", 3600))
	for _, c := range []struct{ got, want string }{
		{render.Plural(1, "file"), "1 file"}, {render.Plural(0, "file"), "0 files"}, {render.Plural(2, "anomaly"), "2 anomalies"}, {render.Plural(2, "day"), "2 days"},
		{render.Clock(noon), "2026-03-01 12:00Z"}, {render.Clock(noon.Add(5 * time.Second)), "2026-03-01 12:00:05Z"}, {render.Clock(noon.Add(time.Millisecond)), "2026-03-01 12:00:00Z"},
		{render.Span(0), "0ms"}, {render.Span(300 * time.Microsecond), "0.3ms"}, {render.Span(812 * time.Millisecond), "812ms"}, {render.Span(45 * time.Second), "45s"},
		{render.Span(62 * time.Minute), "1h2m"}, {render.Span(76 * time.Hour), "3d4h"}, {render.Span(48*time.Hour + time.Minute), "2d"}, {render.Span(-time.Minute), "-1m"},
		{render.Number(0), "0"}, {render.Number(14.4), "14.4"}, {render.Number(-1234.5), "-1234"}, {render.Number(123.456), "123.5"}, {render.Number(0.00012345), "0.000123"},
		{render.Short(18_400), "18.4k"}, {render.Short(9999), "9999"}, {render.Short(-2.5e9), "-2.5G"}, {render.Short(0.3125), "0.31"}, {render.Short(3e-7), "3e-07"}, {render.Short(1e13), "10T"},
		{render.Number(-1.7e308), "-1.7e+308"}, {render.Short(1e300), "1e+300"}, {render.Number(123456789012345), "123456789012345"},
		{render.Percent(0), "0%"}, {render.Percent(math.Copysign(0, -1)), "0%"}, {render.Percent(1), "100.0%"}, {render.Percent(0.99999), "99.9%"}, {render.Percent(-0.99999), "-99.9%"},
		{render.Percent(0.12345), "12.3%"}, {render.Percent(0.00012), "0.012%"}, {render.Percent(-2.571), "-257.1%"}, {render.Percent(3.5), "350.0%"},
		{render.Size(int64(512)), "512 B"}, {render.Size(uint64(3 << 29)), "1.5 GiB"}, {render.Size(9e6), "8.58 MiB"}, {render.Size(uint64(2 << 40)), "2 TiB"},
		{render.Milliseconds(812), "812ms"}, {render.Milliseconds(0.0042), "0.0042ms"}, {render.Milliseconds(21_300), "21.3s"},
		{render.Optional(nil, render.Number), "-"}, {render.Optional(new(2.0), render.Number), "2"}, {render.Optional(new(uint64(1024)), render.Size), "1 KiB"},
		{render.Full(nil), ""}, {render.Full(new(0.1)), "0.1"}, {render.Full(new(1e7)), "10000000"},
		{render.List([]string{"a", "b"}, 2), "a, b"}, {render.List([]string{"a", "b", "c"}, 2), "a, b and 1 more"},
		{render.LabelValue("a\\b\"c\nd\x1b"), `"a\\b\"c\nd"`},
		{render.Cut("größer", 6), "größer"}, {render.Cut("größer", 4), "grö…"}, {render.Cut("a", 0), "a"}, {render.Cut("ab", 1), "…"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// What is not nothing never looks like nothing, and what is not all never like all; the
// sign stays, and the figure is within its last digit.
func TestWordsKeepSmallAndAlmostAll(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		v := math.Pow(10, -12+24*r.Float64())
		if r.IntN(2) == 0 {
			v = -v
		}
		for name, text := range map[string]string{"Number": render.Number(v), "Short": render.Short(v), "Percent": render.Percent(v), "Size": render.Size(v), "Milliseconds": render.Milliseconds(v)} {
			if zero := !strings.ContainsAny(text, "123456789"); zero || strings.HasPrefix(text, "-") != (v < 0) {
				t.Fatalf("%s(%v) is %s", name, v, text)
			}
		}
		got, err := strconv.ParseFloat(render.Number(v), 64)
		if err != nil || math.Abs(got-v) > 0.006*math.Abs(v) {
			t.Fatalf("Number(%v) is %v", v, got)
		}
		if share := 1 - math.Abs(v)/1e13; share < 1 && strings.HasPrefix(render.Percent(share), "100") {
			t.Fatalf("Percent(%v) is %s", share, render.Percent(share))
		}
	}
}
