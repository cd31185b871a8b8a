package accesslog

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

// readFile reads one file, in the order of its rows.
func readFile(t *testing.T, name string, o Options) (Summary, []Event, error) {
	t.Helper()
	sources, err := walk(name)
	if err != nil {
		t.Fatal(err)
	}
	var events []Event
	o.Workers = 1
	s, err := Read(t.Context(), sources, o, func() func(*Event) {
		return func(e *Event) { events = append(events, *e) }
	})
	return s, events, err
}

// Files that other writers made of the same rows read alike: every encoding and
// compression of theirs, and times and numbers of several types.
func TestParquetFixtures(t *testing.T) {
	for text, files := range map[string][]string{
		"parquet.csv": {"arrow-delta-v2.parquet", "arrow-int96-brotli.parquet", "duckdb-zstd.parquet", "duckdb-epoch.parquet"},
		"langfuse.jsonl": {"langfuse-map.parquet", "langfuse-struct.parquet", "langfuse-text.parquet",
			"langfuse.csv"},
	} {
		want, events, err := readFile(t, filepath.Join("testdata", text), Options{})
		if err != nil || len(events) < 14 {
			t.Fatal(len(events), err)
		}
		for _, name := range files {
			got, also, err := readFile(t, filepath.Join("testdata", name), Options{})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if got.Records != want.Records || got.Other != want.Other || got.Malformed != 0 {
				t.Errorf("%s: %+v, want %+v", name, got, want)
			}
			if diff := gocmp.Diff(events, also); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	}
}

// What the library would read wrong is refused, and so is what is no Parquet file
// or none of ours.
func TestParquetErrors(t *testing.T) {
	dir := t.TempDir()
	whole, err := os.ReadFile(filepath.Join("testdata", "duckdb-zstd.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, b []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for _, tt := range []struct {
		name string
		o    Options
		want string
	}{
		{filepath.Join("testdata", "arrow-lz4.parquet"), Options{}, "is compressed with LZ4, which is not read; write the file with zstd, snappy or gzip"},
		{write("half.parquet", whole[:len(whole)/2]), Options{}, "a Parquet file that is cut off: it does not end in PAR1"},
		{write("magic.parquet", []byte("PAR1\nPAR1")), Options{}, "not a Parquet file: too short"},
		{write("long.parquet", []byte("PAR1....\xff\xff\xff\x7fPAR1")), Options{}, "is said to be longer than it"},
		{write("empty.parquet", []byte("PAR1....\x04\x00\x00\x00PAR1")), Options{}, "not a Parquet file that can be read: "},
		{filepath.Join("testdata", "duckdb-zstd.parquet"), Options{Map: map[string]string{"latency": "took"}}, `no column "took" for --map latency`},
	} {
		_, _, err := readFile(t, tt.name, tt.o)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), tt.name+": ") {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
	source := Source{Name: "-", Open: memory("", whole).Open}
	if _, err := Read(t.Context(), []Source{source}, Options{}, ignore); err == nil || !strings.Contains(err.Error(), "parquet is read from files") {
		t.Errorf("stdin: %v", err)
	}
}

// Rows of any types, over several row groups, and malformed ones.
func TestParquetTypes(t *testing.T) {
	type metrics struct {
		Took  float32 `parquet:"took,optional"`
		First *int32  `parquet:"first,optional"`
	}
	type row struct {
		At      time.Time `parquet:"at,timestamp(nanosecond)"`
		Code    string    `parquet:"code"`
		Metrics metrics   `parquet:"metrics"`
		Tokens  uint64    `parquet:"completion_tokens"`
		Tags    []string  `parquet:"tags,list"`
	}
	at := time.Date(2026, 3, 28, 11, 11, 40, 436_000_001, time.UTC)
	name := filepath.Join(t.TempDir(), "x.parquet")
	err := parquet.WriteFile(name, []row{
		{at, "200", metrics{1.5, new(int32(7))}, 3, []string{"a", "b"}},
		{at, "503", metrics{}, 4, nil},
		{at, "none", metrics{}, 5, []string{"c"}},
		{at, "", metrics{0.25, nil}, 1 << 40, nil},
	}, parquet.MaxRowsPerRowGroup(3))
	if err != nil {
		t.Fatal(err)
	}
	s, got, err := readFile(t, name, Options{Map: map[string]string{
		"time": "at", "status": "code", "latency": "metrics.took:s", "ttft": "metrics.first"}})
	if err != nil {
		t.Fatal(err)
	}
	if s.Records != 3 || s.Malformed != 1 || s.Samples[0].Line != 3 || !strings.Contains(s.Samples[0].Why, "code") {
		t.Errorf("%+v", s)
	}
	base := func(set func(e *Event)) Event { return event("2026-03-28T11:11:40.437Z", set) }
	want := []Event{
		base(func(e *Event) { e.Status, e.Latency, e.TTFT, e.OutputTokens = 200, ms(1500), ms(7), 3 }),
		base(func(e *Event) { e.Status, e.Failed, e.Error, e.OutputTokens = 503, true, "http_503", 4 }),
		base(func(e *Event) { e.Latency, e.OutputTokens = ms(250), 1<<40 }),
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The corpora, written as Parquet and read back, are what they were.
func TestParquetCorpus(t *testing.T) {
	_, want, err := readFile(t, filepath.Join(corpora(t), "csv"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Timestamp time.Time `parquet:"timestamp,timestamp(millisecond)"`
		Status    int32     `parquet:"status,delta"`
		Latency   *float64  `parquet:"latency_ms,optional"`
		TTFT      *float64  `parquet:"ttft_ms,optional"`
		Tokens    int64     `parquet:"completion_tokens,optional"`
		Model     string    `parquet:"model,dict,zstd"`
		Path      string    `parquet:"path,delta,snappy"`
		User      string    `parquet:"user,dict"`
		Error     string    `parquet:"error,optional"`
	}
	number := func(f Fixed) *float64 {
		if !f.Known() {
			return nil
		}
		return new(f.Float64())
	}
	var rows []row
	for _, e := range want {
		r := row{time.UnixMilli(e.End), int32(e.Status), number(e.Latency), number(e.TTFT), max(e.OutputTokens, 0), e.Model, e.Route, e.Key, e.Error}
		if e.Status >= 400 {
			r.Error = ""
		}
		rows = append(rows, r)
	}
	name := filepath.Join(t.TempDir(), "corpus.parquet")
	if err := parquet.WriteFile(name, rows, parquet.MaxRowsPerRowGroup(5000), parquet.PageBufferSize(4096)); err != nil {
		t.Fatal(err)
	}
	_, got, err := readFile(t, name, Options{})
	if err != nil {
		t.Fatal(err)
	}
	order := func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.End, b.End), cmp.Compare(a.Latency, b.Latency), cmp.Compare(a.Key, b.Key))
	}
	for _, events := range [][]Event{want, got} {
		slices.SortStableFunc(events, order)
		for i := range events {
			events[i].OutputTokens = max(events[i].OutputTokens, 0)
		}
	}
	if !slices.Equal(want, got) {
		t.Errorf("%d events, want %d, or they differ", len(got), len(want))
	}
}

// A file with some of its bytes changed is read or refused, and counts stay right.
func TestParquetBroken(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.parquet"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	refused := 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		b, err := os.ReadFile(files[r.IntN(len(files))])
		if err != nil {
			t.Fatal(err)
		}
		for range 1 + r.IntN(4) {
			b[r.IntN(len(b))] = byte(r.Uint32())
		}
		if readBytes(t, b) != nil {
			refused++
		}
	}
	if refused < 40 || refused == 400 {
		t.Errorf("%d of 400 refused: either nothing is broken or everything", refused)
	}
}

// readBytes reads a file, and holds the requests against the rows that are said to
// be some.
func readBytes(t *testing.T, b []byte) error {
	records := 0
	err := readParquet(t.Context(), bytes.NewReader(b), int64(len(b)), Options{}, func(*Event) { records++ },
		func(row int64, kind Row, _ string) {
			if kind == Record {
				records--
			}
		})
	if records != 0 {
		t.Fatalf("%d more requests than records (%v)", records, err)
	}
	return err
}

func FuzzParquet(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.parquet"))
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { readBytes(t, b) })
}
