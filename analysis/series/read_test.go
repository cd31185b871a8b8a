package series

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/accesslog"
)

// What is read depends neither on the order of the sources nor on the number of
// workers; of equal times the last file by name counts.
func TestOrderIsOfNoMatter(t *testing.T) {
	sources := []accesslog.Source{
		textSource("a", "timestamp,x\n1780000000,1\n1780000060,2\n"),
		textSource("b", "x 3 1780000060\nx 4 1780000120\ny bad\n"),
		textSource("c", `{"metric":{"__name__":"x"},"values":[0],"timestamps":[1779999940000]}`),
		textSource("d", "timestamp,status,latency_ms\n1780000001,200,5\n1780000061,500,6\nx,1,1\n"),
		textSource("e", "timestamp,status,latency_ms\n1780000001,200,50\n1780000061,200,60\n"),
	}
	var want string
	var summary Summary
	for round := range 12 {
		r := rand.New(rand.NewPCG(uint64(round), 1))
		r.Shuffle(len(sources), func(i, k int) { sources[i], sources[k] = sources[k], sources[i] })
		store, s, err := Read(t.Context(), sources, Options{Workers: 1 + round%4})
		if err != nil {
			t.Fatal(err)
		}
		got := dump(store)
		if round == 0 {
			want, summary = got, s
			if !strings.Contains(got, lines(`{__name__="x"} 0 @1779999940000`, `{__name__="x"} 1 @1780000000000`, `{__name__="x"} 3 @1780000060000`, `{__name__="x"} 4 @1780000120000`)) {
				t.Error(got)
			}
			if s.Dropped != 1 || s.Malformed != 2 || s.Format != "mixed" || len(s.Samples) != 2 {
				t.Errorf("%+v", s)
			}
		}
		if got != want || cmp.Diff(summary, s) != "" {
			t.Fatalf("round %d: %s %s", round, cmp.Diff(want, got), cmp.Diff(summary, s))
		}
	}
}

// However the bytes come, the same is read.
func TestPieces(t *testing.T) {
	for name, text := range benchSmall() {
		whole, _ := mustRead(t, text)
		want := dump(whole)
		for kind, slow := range map[string]func(io.Reader) io.Reader{"half": iotest.HalfReader, "bytes": iotest.OneByteReader, "with the end": iotest.DataErrReader} {
			s := accesslog.Source{Name: "-", Open: func() (io.ReadCloser, error) { return io.NopCloser(slow(strings.NewReader(text))), nil }}
			store, _, err := Read(t.Context(), []accesslog.Source{s}, Options{})
			if err != nil || dump(store) != want {
				t.Errorf("%s, %s: %v", name, kind, err)
			}
		}
	}
	// A log that comes from stdin, which cannot be opened anew.
	store, s := mustRead(t, strings.Repeat(`{"timestamp":1780000000,"status":200,"latency_ms":5}`+"\n", 20_000))
	if s.Requests == nil || s.Requests.Records != 20_000 || len(store.Named("p95_latency_ms")) != 1 {
		t.Errorf("%+v", s)
	}
}

// benchSmall are files of more than one window.
func benchSmall() map[string]string {
	var wide, vm strings.Builder
	wide.WriteString("timestamp")
	for i := range 40 {
		fmt.Fprintf(&wide, ",m%d", i)
	}
	vm.WriteString(`{"metric":{"__name__":"x"},"timestamps":[1780000000000`)
	for k := range 4000 {
		fmt.Fprintf(&wide, "\n%d", 1_780_000_000+k)
		for i := range 40 {
			fmt.Fprintf(&wide, ",%d.%d", k*i, i)
		}
		fmt.Fprintf(&vm, ",%d", 1_780_000_000_000+int64(k+1)*1000)
	}
	vm.WriteString(`],"values":[` + strings.Repeat("1.25, ", 4000) + "7]}\n")
	vm.WriteString(`{"metric":{"__name__":"` + strings.Repeat("long", 100_000) + `"},"values":[7],"timestamps":[1780000000000]}`)
	return map[string]string{"wide": wide.String(), "export": vm.String()}
}

func TestLimitsOfReading(t *testing.T) {
	var text strings.Builder
	for i := range 11 {
		fmt.Fprintf(&text, "x{id=\"%d\"} 1 1780000000\n", i)
	}
	_, _, err := Read(t.Context(), []accesslog.Source{textSource("m", text.String())}, Options{MaxSeries: 10})
	if err == nil || !strings.HasPrefix(err.Error(), "m:11: more than 10 series") {
		t.Error(err)
	}
	long := "x 1 1780000000\nx{a=\"" + strings.Repeat("a", accesslog.MaxRow+5) + "\"} 1 1780000000\nx 2 1780000001\n"
	store, s := mustRead(t, long)
	if store.Points() != 2 || s.Malformed != 1 || s.Samples[0].Line != 2 {
		t.Errorf("%d points, %+v", store.Points(), s.Samples)
	}
	// A quote that is never closed takes the rest of what is read at a time with it.
	open := "timestamp,x\n1780000000,1\n1780000001,\"2\n" + strings.Repeat("1780000002,3\n", accesslog.MaxRow/10)
	store, s = mustRead(t, open)
	if s.Malformed == 0 || s.Samples[0].Line != 3 || store.Points() != 2 {
		t.Errorf("%d points, %d malformed, %+v", store.Points(), s.Malformed, s.Samples)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupted"))
	if _, _, err := Read(ctx, []accesslog.Source{textSource("m", "x 1 1780000000\n")}, Options{}); err == nil || err.Error() != "interrupted" {
		t.Error(err)
	}
	broken := accesslog.Source{Name: "gone", Open: func() (io.ReadCloser, error) { return nil, os.ErrNotExist }}
	if _, _, err := Read(t.Context(), []accesslog.Source{textSource("m", "x 1 1780000000\n"), broken}, Options{}); err == nil || !strings.HasPrefix(err.Error(), "gone: ") {
		t.Error(err)
	}
	cut := gz(t, benchSmall()["wide"])
	if _, _, err := Read(t.Context(), []accesslog.Source{textSource("m.gz", cut[:len(cut)/2])}, Options{}); err == nil || err.Error() != "m.gz: the compressed file is cut off" {
		t.Error(err)
	}
	if _, _, err := Read(t.Context(), nil, Options{Format: "csv-high"}); err == nil || !strings.Contains(err.Error(), "the formats are snapshots, prometheus-json") {
		t.Error(err)
	}
}

// A format that is named is taken though another would be found.
func TestNamedFormat(t *testing.T) {
	const text = "timestamp,status,latency_ms\n1780000000,200,5\n1780000001,200,6\n"
	for format, want := range map[string][]string{"": {"availability", "error_rate"}, "csv-wide": {"latency_ms", "status"}, "csv": {"availability", "error_rate"}} {
		store, _, err := Read(t.Context(), []accesslog.Source{textSource("m", text)}, Options{Format: format})
		if err != nil || !slices.Equal(store.Names()[:2], want) {
			t.Errorf("%q: %v %v", format, store.Names(), err)
		}
	}
}

// A file on the disk is opened anew where a log is read by its end, as Parquet is.
func TestParquetLog(t *testing.T) {
	name := filepath.Join("..", "accesslog", "testdata", "duckdb-zstd.parquet")
	store, s, err := Read(t.Context(), []accesslog.Source{fileSource(name)}, Options{})
	if err != nil || s.Format != "parquet" || store.Points() == 0 {
		t.Errorf("%+v %v", s, err)
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{
		"timestamp,\"a{x=\"\"1\"\"}\",b\n1780000000,1,\n2026-01-01 00:00:00,\"2\",x\n",
		"timestamp,metric,value,gpu\n1780000000,a,1,0\n1780000001,\"b{c=\"\"d\"\"}\",,0\n",
		`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"a","b":"c"},"values":[[1780000000.5,"1"],[1,"NaN"]],"histograms":[[1,{}]]}]}}`,
		`{"resultType":"scalar","result":[1780000000,"1"]}`,
		`{"metric":{"__name__":"a"},"values":[1,null,2.5e3],"timestamps":[1780000000000,1780000001000,3]}` + "\n{\"metric\":",
		"# TYPE a counter\na{b=\"c\\\"\"} 1 1780000000 # {} 1\n{__name__=\"a\", x=\"\\u00e9\"} NaN 1780000000000\n# EOF\n",
		`{"schema":"llmops.snapshot/v1","at":"2026-05-28T20:26:40Z","timings_ms":{"host":2}}`,
		"{\"schema\":\"llmops.snapshot/v1\",\n\"at\":\"2026-05-28T20:26:40Z\"}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<16 {
			return
		}
		read := func(r func(io.Reader) io.Reader) (string, Summary, error) {
			s := accesslog.Source{Name: "m", Open: func() (io.ReadCloser, error) { return io.NopCloser(r(bytes.NewReader(text))), nil }}
			store, summary, err := Read(t.Context(), []accesslog.Source{s}, Options{Workers: 1})
			if err != nil {
				return "", Summary{}, err
			}
			if n := int64(strings.Count(dump(store), "\n")); n != summary.Points+summary.Missing {
				t.Fatalf("%d samples, %d points and %d missing", n, summary.Points, summary.Missing)
			}
			for _, x := range store.Series() {
				before := int64(minTime)
				for at := range x.Points() {
					if at <= before {
						t.Fatalf("%s: %d after %d", x.Labels(), at, before)
					}
					before = at
				}
			}
			return dump(store), summary, nil
		}
		whole, s, err := read(func(r io.Reader) io.Reader { return r })
		pieces, s2, err2 := read(iotest.OneByteReader)
		if whole != pieces || cmp.Diff(s, s2) != "" || fmt.Sprint(err) != fmt.Sprint(err2) {
			t.Fatalf("in one piece %v %+v\n%sbyte by byte %v %+v\n%s", err, s, whole, err2, s2, pieces)
		}
	})
}
