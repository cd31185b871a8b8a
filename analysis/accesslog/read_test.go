package accesslog

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// readAll reads sources and gives the events in an order of their own.
func readAll(t testing.TB, sources []Source, o Options) (Summary, []Event, error) {
	t.Helper()
	var sinks []*[]Event
	s, err := Read(t.Context(), sources, o, func() func(*Event) {
		list := new([]Event)
		sinks = append(sinks, list)
		return func(e *Event) { *list = append(*list, *e) }
	})
	var all []Event
	for _, list := range sinks {
		all = append(all, *list...)
	}
	slices.SortFunc(all, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.End, b.End), cmp.Compare(a.Latency, b.Latency), cmp.Compare(a.TTFT, b.TTFT), strings.Compare(a.Model, b.Model), strings.Compare(a.Error, b.Error))
	})
	return s, all, err
}

// spoiled puts lines that are malformed and blank ones into a log.
func spoiled(log []byte, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	var b bytes.Buffer
	for line := range bytes.Lines(log) {
		switch r.IntN(100) {
		case 0:
			fmt.Fprintf(&b, "{\"number\":%d\n", r.Int())
		case 1:
			b.WriteString("\n")
		}
		b.Write(line)
	}
	b.WriteString(`{"cut":"of`)
	return b.Bytes()
}

func TestNothingDependsOnWorkersOrOrder(t *testing.T) {
	var sources []Source
	for i, format := range []string{"llmops", "envoy-ai-gateway", "nginx", "llmops"} {
		log := spoiled(sampleLog(format, 1<<20), uint64(i))
		half := bytes.LastIndexByte(log[:len(log)/2], '\n') + 1
		switch i {
		case 1:
			log = gzipped(t, log[:half], log[half:])
		case 2:
			log = zstded(t, log[:half], log[half:])
		case 3:
			log = bytes.ReplaceAll(log, []byte("\n"), []byte("\r\n"))
		}
		sources = append(sources, memory(fmt.Sprintf("log-%d", i), log))
	}
	want, events, err := readAll(t, sources, Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	if want.Format != "mixed" || want.Malformed < 10 || len(want.Samples) != maxSamples || int(want.Records) != len(events) {
		t.Fatalf("%+v", want)
	}
	for workers := 2; workers < 9; workers++ {
		rand.Shuffle(len(sources), func(i, j int) { sources[i], sources[j] = sources[j], sources[i] })
		got, other, err := readAll(t, sources, Options{Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%d workers: %s", workers, diff)
		}
		if !slices.Equal(events, other) {
			t.Errorf("%d workers: other events", workers)
		}
	}
}

func llmopsRow(i int) string {
	return fmt.Sprintf(`{"schema":"llmops.request/v1","done_at":"2026-04-01T00:00:%02dZ","ok":true,"error":"","status":200,"latency_ms":%d}`, i%60, i)
}

// Rows that a block does not hold are read up to the limit; a longer one is one
// malformed row, and nothing after it is lost.
func TestLongRows(t *testing.T) {
	long := func(n int) string {
		row := llmopsRow(1)
		return row[:len(row)-1] + `,"text":"` + strings.Repeat("x", n-len(row)-len(`,"text":"`)-1) + `"}`
	}
	for _, c := range []struct {
		size      int
		malformed int64
	}{
		{blockSize - 1, 0}, {blockSize, 0}, {blockSize + 1, 0}, {3 * blockSize, 0}, {MaxRow - 1, 0},
		{MaxRow, 0}, {MaxRow + 1, 1}, {MaxRow + blockSize - 2, 1}, {MaxRow + blockSize, 1}, {MaxRow + 5*blockSize, 1},
	} {
		for _, last := range []bool{false, true} {
			log := llmopsRow(1) + "\n" + long(c.size) + "\n"
			if last {
				log = log[:len(log)-1]
			} else {
				log += llmopsRow(2) + "\nno record\n" + llmopsRow(3)
			}
			s, err := Read(t.Context(), []Source{memory("x", []byte(log))}, Options{Workers: 2}, ignore)
			records, malformed := int64(1), c.malformed
			records += 1 - malformed
			if !last {
				records, malformed = records+2, malformed+1
			}
			if err != nil || s.Records != records || s.Malformed != malformed {
				t.Errorf("%d bytes, last %v: %d records, %d malformed (%v), want %d, %d", c.size, last, s.Records, s.Malformed, err, records, malformed)
			}
			if c.malformed == 1 && malformed > 0 && (s.Samples[0].Line != 2 || !strings.Contains(s.Samples[0].Why, "16 MiB") || len(s.Samples[0].Text) != shownBytes) {
				t.Errorf("%d bytes: %+v", c.size, s.Samples[0])
			}
			if n := len(s.Samples); !last && s.Samples[n-1].Line != 4 {
				t.Errorf("%d bytes: %+v", c.size, s.Samples[n-1])
			}
		}
	}
}

// Of several files that fail it is always the first that is named.
func TestFirstErrorIsTheSame(t *testing.T) {
	log := []byte(strings.Repeat(llmopsRow(7)+"\n", 10_000))
	sources := []Source{memory("a", log), memory("b", []byte("garbage")), memory("c", log), memory("d", []byte("garbage"))}
	for workers := 1; workers < 6; workers++ {
		slices.Reverse(sources)
		_, err := Read(t.Context(), sources, Options{Workers: workers}, ignore)
		if err == nil || !strings.HasPrefix(err.Error(), "b: ") {
			t.Errorf("%d workers: %v", workers, err)
		}
	}
}

func TestReadStops(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	endless := Source{Name: "endless", Open: func() (io.ReadCloser, error) {
		return io.NopCloser(&repeated{[]byte(llmopsRow(1) + "\n"), 1 << 40}), nil
	}}
	_, err := Read(ctx, []Source{endless}, Options{Workers: 2}, func() func(*Event) {
		return func(*Event) { cancel(why) }
	})
	if !errors.Is(err, why) {
		t.Errorf("error %v", err)
	}
}

func TestMalformedRowsAreShown(t *testing.T) {
	log := llmopsRow(1) + "\n{\"schema\":\"llmops.request/v1\",\"done_at\":\"noon\",\"ok\":true}\n{\"a\":1,}\n\x00\x01\n" + llmopsRow(2)
	s, err := Read(t.Context(), []Source{memory("x", []byte(log))}, Options{}, ignore)
	if err != nil || s.Malformed != 3 || s.Rows() != 5 {
		t.Fatalf("%+v, %v", s, err)
	}
	for i, want := range []Sample{{Line: 2, Why: "a time is missing"}, {Line: 3, Column: 8, Why: "not JSON"}, {Line: 4, Text: "\uFFFD\uFFFD", Column: 1}} {
		got := s.Samples[i]
		if got.File != "x" || got.Line != want.Line || got.Column != want.Column || !strings.Contains(got.Why, want.Why) || want.Text != "" && got.Text != want.Text {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

func TestMappedFields(t *testing.T) {
	const want = 1772521550588
	for name, c := range map[string]struct {
		log string
		m   map[string]string
	}{
		"jsonl": {`{"http":{"code":503},"when":"2026-03-03T07:05:50.588Z","took":0.25,"a.b":"m"}` + "\n", map[string]string{
			"time": "when", "status": "http.code", "latency": "took:s", "model": "a.b"}},
		"csv": {"when,code,took,m\n2026-03-03T07:05:50.588Z,503,0.25,m\n", map[string]string{
			"time": "when", "status": "code", "latency": "took:s", "model": "m"}},
		"jsonl ": {`{"at":1772521550338,"code":"503","us":250000,"m":"m"}` + "\n", map[string]string{
			"start": "at", "status": "code", "latency": "us:us", "model": "m"}},
	} {
		s, events, err := readAll(t, []Source{memory("x", []byte(c.log))}, Options{Map: c.m})
		if err != nil || s.Format != strings.TrimSpace(name) || len(events) != 1 {
			t.Errorf("%s: %+v, %v", name, s, err)
			continue
		}
		e := events[0]
		if e.End != want || e.Status != 503 || e.Latency != Whole(250) || e.Model != "m" || e.Error != "http_503" {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
