package rows

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func parse(t *testing.T, text string) *Table {
	t.Helper()
	table, ok, err := Parse("x.csv", []byte(text))
	if err != nil || !ok {
		t.Fatalf("%v, %v", ok, err)
	}
	return table
}

// equal compares values, in which NaN is NaN.
func equal(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return x == y || math.IsNaN(x) && math.IsNaN(y) })
}

func TestWide(t *testing.T) {
	table := parse(t, "timestamp,a,\"b{x=\"\"1,2\"\"}\"\r\n"+
		"2026-03-01 00:01:00,1,\r\n"+
		"2026-03-01 00:01:00,null,2e3\r\n\r\n"+ // the same time; an empty line is no row
		"2026-03-01T00:00:00Z,-3,NaN\r\n") // back in time, spelt differently
	if want := []string{"a", `b{x="1,2"}`}; !slices.Equal(table.Series, want) {
		t.Errorf("series %q", table.Series)
	}
	if want := []string{"2026-03-01 00:01:00", "2026-03-01 00:01:00", "2026-03-01T00:00:00Z"}; !slices.Equal(table.Stamps, want) {
		t.Errorf("stamps %q", table.Stamps)
	}
	const minute = 1_772_323_260_000
	if want := []int64{minute, minute, minute - 60_000}; !slices.Equal(table.Times, want) {
		t.Errorf("times %d, want %d", table.Times, want)
	}
	nan := math.NaN()
	if !equal(table.Values, []float64{1, nan, nan, 2000, -3, nan}) || table.Malformed != 0 {
		t.Errorf("values %v, malformed %d", table.Values, table.Malformed)
	}
	var second []float64
	for _, v := range table.Column(1) {
		second = append(second, v)
	}
	if !equal(second, []float64{nan, 2000, nan}) {
		t.Errorf("column %v", second)
	}
}

// TestUnnamedTime: a first column of dates needs no name that is known.
func TestUnnamedTime(t *testing.T) {
	table := parse(t, "\ufeffwhen,rps\n2026-03-01 00:00:00,1\n2026-03-01 00:00:00,2\n")
	if !slices.Equal(table.Series, []string{"rps"}) || table.Rows() != 2 {
		t.Errorf("%q, %d rows", table.Series, table.Rows())
	}
	if _, ok, _ := Parse("x.log", []byte("2026-03-01 00:00:00,1\n2026-03-01 00:00:01,2\n")); ok {
		t.Error("a log without a header is a table")
	}
}

func TestLong(t *testing.T) {
	table := parse(t, "metric;timestamp;value;gpu\nutil;1700000000;1;0\nutil;1700000000;2;1\nutil;1700000015;;0\nrps;1700000015;7;\n")
	if want := []string{`util{gpu="0"}`, `util{gpu="1"}`, "rps"}; !slices.Equal(table.Series, want) {
		t.Errorf("series %q", table.Series)
	}
	if want := []int32{0, 1, 0, 2}; !slices.Equal(table.Of, want) {
		t.Errorf("of %v", table.Of)
	}
	var rows []int
	var values []float64
	for row, v := range table.Column(0) {
		rows, values = append(rows, row), append(values, v)
	}
	if !slices.Equal(rows, []int{0, 2}) || !equal(values, []float64{1, math.NaN()}) {
		t.Errorf("rows %v with %v", rows, values)
	}
}

func TestMalformed(t *testing.T) {
	table := parse(t, "timestamp,value\n2026-03-01 00:00:00,abc\nyesterday,5\n2026-03-01 00:02:00\n2026-03-01 00:03:00,4\n")
	if table.Rows() != 4 || table.Malformed != 3 {
		t.Errorf("%d rows, %d malformed: %+v", table.Rows(), table.Malformed, table.Samples)
	}
	if table.Times[1] != NoTime || table.Stamps[1] != "yesterday" {
		t.Errorf("row 1 is at %d, %q", table.Times[1], table.Stamps[1])
	}
	for i, want := range []string{`"abc" is no number`, `"yesterday" is no timestamp`, "1 fields, the header has 2"} {
		if got := table.Samples[i]; got.Why != want || got.Line != int64(i+2) || got.File != "x.csv" {
			t.Errorf("%d: %+v, want %s", i, got, want)
		}
	}
}

// TestLines: lines are those of the file, where a header or a cell has several too.
func TestLines(t *testing.T) {
	table := parse(t, "timestamp,\"a\nb\",c\n1700000000,1,2\n1700000015,\"\n3\",4\n1700000030,5,x\n")
	if len(table.Samples) != 1 || table.Samples[0].Line != 6 {
		t.Errorf("%+v, want line 6", table.Samples)
	}
}

func TestNoTable(t *testing.T) {
	for _, text := range []string{
		"", "\n", "{\"a\":1}", "a,b\n1,2\n", "timestamp\n1\n",
		"timestamp,status,latency_ms\n2026-03-01 00:00:00,200,5\n", // a request log
		"up{job=\"x\"} 1 1700000000\n",
	} {
		if _, ok, err := Parse("x", []byte(text)); ok || err != nil {
			t.Errorf("%q: %v, %v", text, ok, err)
		}
	}
	if _, ok, err := Parse("x.csv", []byte("timestamp,a,a\n1700000000,1,2\n")); !ok || err == nil || !strings.Contains(err.Error(), "x.csv:1: two columns a") {
		t.Errorf("%v, %v", ok, err)
	}
}

// FuzzParse: whatever is read, the parts of a table fit each other.
func FuzzParse(f *testing.F) {
	f.Add([]byte("timestamp,value\n2026-03-01 00:00:00,1\n"))
	f.Add([]byte("timestamp,metric,value,a\n1700000000,x,1,\"b\nc\"\n"))
	f.Add([]byte("ts;a;b\n1;2\n;;\n\"1\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		table, ok, err := Parse("f", content)
		if !ok || err != nil {
			return
		}
		n := len(table.Times)
		values := n
		if table.Of == nil {
			values = n * len(table.Series)
		} else if len(table.Of) != n {
			t.Fatalf("%d rows, %d series of rows", n, len(table.Of))
		}
		if len(table.Stamps) != n || len(table.Values) != values {
			t.Fatalf("%d times, %d stamps, %d values of %d series", n, len(table.Stamps), len(table.Values), len(table.Series))
		}
		seen := 0
		for i := range table.Series {
			for range table.Column(i) {
				seen++
			}
		}
		if seen != values {
			t.Fatalf("%d values in columns, %d in all", seen, values)
		}
	})
}
