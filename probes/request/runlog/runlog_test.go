package runlog

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/request"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// run is what a run wrote.
type run struct {
	records          []request.Record
	requests, events []byte
}

func write(t testing.TB, records []request.Record) run {
	t.Helper()
	var requests, events bytes.Buffer
	w := NewWriter(&events, epoch)
	if err := errors.Join(w.Facts([]byte(`{"n":1}`)), w.Start(epoch.Add(time.Second))); err != nil {
		t.Fatal(err)
	}
	enc := json.NewEncoder(&requests)
	enc.SetEscapeHTML(false)
	for i := range records {
		r := &records[i]
		if i%3 == 0 {
			if err := w.Checks(fmt.Appendf(nil, `{"id":%d}`, r.ID)); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(w.Write(r), enc.Encode(r)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Facts([]byte(`{"n":2}`)), w.Close()); err != nil {
		t.Fatal(err)
	}
	return run{records, requests.Bytes(), events.Bytes()}
}

// sample makes records as a run has them, some with little and some with all.
func sample(n int, seed uint64) []request.Record {
	rng := rand.New(rand.NewPCG(seed, 1))
	out := make([]request.Record, n)
	at := epoch.Add(time.Second)
	for i := range out {
		at = at.Add(time.Duration(rng.ExpFloat64() * 1e7))
		r := &out[i]
		*r = request.Record{Schema: request.Schema, ID: int64(n - i), ScheduledAt: at, SentAt: at.Add(time.Duration(rng.IntN(1e6))), Model: "m", Session: fmt.Sprintf("s%d", i%5)}
		switch i % 7 {
		case 0: // nothing came
			r.Error, r.Detail, r.DoneAt = request.Connect, "connection refused: \"x\" <\u00e9>\n", at.Add(time.Millisecond)
		case 1: // never sent
			r.SentAt, r.Error, r.DoneAt = time.Time{}, request.Cancelled, at
		default:
			r.OK, r.Status = true, 200
			r.FirstByteAt = r.SentAt.Add(time.Millisecond)
			gap := time.Duration(0)
			for range 1 + rng.IntN(40) {
				gap += time.Duration(rng.ExpFloat64() * 1e7)
				r.Chunks = append(r.Chunks, request.Chunk{At: gap, Tokens: 1 + max(0, rng.Int32N(8)-6), Joined: rng.IntN(9) == 0})
			}
			r.Bare = []time.Duration{r.Chunks[0].At, gap}
			r.FirstTokenAt, r.LastTokenAt = r.SentAt.Add(r.Chunks[0].At), r.SentAt.Add(gap)
			r.DoneAt = r.LastTokenAt.Add(time.Microsecond)
			r.CompletionTokens = new(int64(len(r.Chunks)))
			r.Lateness, r.ReadLag = new(time.Duration(rng.IntN(1e6))), new(time.Duration(-3))
			r.Derive()
		}
	}
	return out
}

// read gives copies of the records, and the checks and start that came along.
func read(r *Reader) (records []request.Record, checks []string, start time.Time, err error) {
	r.Checks = func(b []byte) error { checks = append(checks, string(b)); return nil }
	r.Start = func(at time.Time) { start = at }
	for rec, err := range r.All() {
		if err != nil {
			return records, checks, start, err
		}
		records = append(records, clone(*rec))
	}
	return records, checks, start, nil
}

// clone copies what a record points to.
func clone(r request.Record) request.Record {
	v := reflect.ValueOf(&r).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.Kind() == reflect.Pointer && !f.IsNil():
			p := reflect.New(f.Type().Elem())
			p.Elem().Set(f.Elem())
			f.Set(p)
		case f.Kind() == reflect.Slice && !f.IsNil():
			f.Set(reflect.AppendSlice(reflect.Zero(f.Type()), f))
		}
	}
	return r
}

func TestRoundTrip(t *testing.T) {
	in := write(t, sample(200, 1))
	r := NewReader(bytes.NewReader(in.requests), bytes.NewReader(in.events))
	got, checks, start, err := read(r)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(in.records, got); d != "" {
		t.Error(d)
	}
	if len(checks) != 67 || checks[1] != `{"id":197}` || !start.Equal(epoch.Add(time.Second)) || r.Records != 200 || r.NoEvents != 0 || r.CutLine {
		t.Errorf("%d checks, start %v, %d records, %d without events, cut %v", len(checks), start, r.Records, r.NoEvents, r.CutLine)
	}
	h, err := Scan(bytes.NewReader(in.events))
	if want := (Head{Start: epoch.Add(time.Second), Facts: []byte(`{"n":2}`), Records: 200}); err != nil || !cmp.Equal(h, want) {
		t.Errorf("%+v %v", h, err)
	}
}

// Every field of a record survives, also those that are added to it one day.
func TestEveryField(t *testing.T) {
	var r request.Record
	v := reflect.ValueOf(&r).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		target := f
		if f.Kind() == reflect.Pointer {
			f.Set(reflect.New(f.Type().Elem()))
			target = f.Elem()
		}
		switch x := target.Addr().Interface().(type) {
		case *time.Time:
			*x = epoch.Add(time.Duration(i+1) * 1_000_001)
		case *[]request.Chunk:
			*x = []request.Chunk{{At: 5, Tokens: 3, Joined: true}, {At: 4, Tokens: -1}}
		case *[]time.Duration:
			*x = []time.Duration{7, 3, 1 << 40}
		default:
			switch target.Kind() {
			case reflect.Int, reflect.Int64:
				target.SetInt(int64(i) + 2)
			case reflect.Float64:
				target.SetFloat(float64(i) + 1.0/3)
			case reflect.Bool:
				target.SetBool(true)
			case reflect.String:
				target.SetString(fmt.Sprintf("text %d", i))
			default:
				t.Fatalf("a field of kind %s, %s: events.bin or the reader of lines may not know it", target.Kind(), v.Type().Field(i).Name)
			}
		}
	}
	r.Schema = request.Schema
	in := write(t, []request.Record{r})
	got, _, _, err := read(NewReader(bytes.NewReader(in.requests), bytes.NewReader(in.events)))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(in.records, got); d != "" {
		t.Error(d)
	}
	var s store
	var quick request.Record
	if !s.quick(bytes.TrimSpace(in.requests), &quick, true) {
		t.Errorf("a line with every field is not read by the quick reader: %s", in.requests)
	}
}

// Differences of times come from the clock that is never set.
func TestClock(t *testing.T) {
	now := time.Now() // with a monotonic reading
	r := request.Record{Schema: request.Schema, ScheduledAt: now.Add(3), SentAt: now.Add(10), DoneAt: now.Add(1e9 + 1)}
	var events bytes.Buffer
	w := NewWriter(&events, now)
	line, err := json.Marshal(&r)
	if err := errors.Join(err, w.Start(now), w.Write(&r), w.Close()); err != nil {
		t.Fatal(err)
	}
	reader := NewReader(bytes.NewReader(line), &events)
	reader.Origin = epoch
	for got, err := range reader.All() {
		if err != nil || !got.ScheduledAt.Equal(epoch.Add(3)) || !got.SentAt.Equal(epoch.Add(10)) || !got.DoneAt.Equal(epoch.Add(1e9+1)) {
			t.Errorf("%+v %v", got, err)
		}
	}
	if reader.Records != 1 {
		t.Error(reader.Records)
	}
}

// Wherever the process was killed: what was written counts, nothing is made up.
func TestCut(t *testing.T) {
	in := write(t, sample(12, 2))
	for cut := range in.events {
		r := NewReader(bytes.NewReader(in.requests), bytes.NewReader(in.events[:cut]))
		got, _, _, err := read(r)
		if cut < len(magic)+baseSize {
			if err == nil {
				t.Fatalf("cut at %d: no error for a file without its head", cut)
			}
			continue
		}
		if err != nil || len(got) != len(in.records) {
			t.Fatalf("cut at %d: %d records, %v", cut, len(got), err)
		}
		for i, rec := range got {
			want := in.records[i]
			if i >= len(got)-int(r.NoEvents) {
				want.Chunks, want.Bare, want.Lateness, want.ReadLag = nil, nil, nil, nil
			}
			if !reflect.DeepEqual(want, rec) {
				t.Fatalf("cut at %d, record %d: %s", cut, i, cmp.Diff(want, rec))
			}
		}
	}
	for cut := range in.requests {
		r := NewReader(bytes.NewReader(in.requests[:cut]), bytes.NewReader(in.events))
		got, _, _, err := read(r)
		if whole := bytes.Count(in.requests[:cut], []byte("\n")); err != nil || len(got) < whole || len(got) > whole+1 {
			t.Fatalf("requests cut at %d: %d records of %d, %v", cut, len(got), whole, err)
		}
		if missing := int64(len(in.records) - len(got)); r.NoRequest != missing {
			t.Fatalf("requests cut at %d: %d are said to be missing, not %d", cut, r.NoRequest, missing)
		}
	}
	// A machine that went down leaves zeros, or half a block and zeros.
	for _, tail := range [][]byte{make([]byte, 100), append(bytes.Clone(in.events[len(magic)+baseSize:][:12]), make([]byte, 70)...)} {
		h, err := Scan(bytes.NewReader(append(bytes.Clone(in.events), tail...)))
		if err != nil || !h.Cut || h.Records != 12 {
			t.Errorf("%+v %v", h, err)
		}
	}
}

func TestDamage(t *testing.T) {
	in := write(t, sample(5, 3))
	events := bytes.Clone(in.events)
	events[len(events)/2] ^= 1
	if _, err := Scan(bytes.NewReader(events)); err == nil || !strings.Contains(err.Error(), "damaged at byte") {
		t.Error(err)
	}
	other := write(t, sample(6, 4))
	for _, c := range []struct {
		requests, events []byte
		want             string
	}{
		{in.requests, other.events, "line 1: it is request 5, where events.bin has request 6: the files are not of one run"},
		{in.requests, in.requests, `events.bin: it does not begin with "llmops.events/v1": it is no events.bin, or of another version`},
		{in.requests, events, "events.bin: the file is damaged at byte"},
		{[]byte("{\"schema\":\"llmops.request/v1\",\"ok\":true}\n{\"schema\":}\n"), nil, "line 2, column 11: invalid character '}' looking for beginning of value"},
		{[]byte(`{"schema":"other/v1"}` + "\n"), nil, `line 1: it is no request of a load test: its schema is "other/v1", not "llmops.request/v1"`},
		{[]byte(`{"schema":"llmops.request/v1","id":"x"}` + "\n"), nil, "line 1, column 38: id holds a string"},
	} {
		r := NewReader(bytes.NewReader(c.requests), nil)
		if c.events != nil {
			r = NewReader(bytes.NewReader(c.requests), bytes.NewReader(c.events))
		}
		if _, _, _, err := read(r); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// A size that is not what was written is damage, wherever it stands, and not the end
// of the file.
func TestDamagedSize(t *testing.T) {
	in := write(t, sample(40, 8))
	blocks := 0
	for at := len(magic) + baseSize; at < len(in.events); blocks++ {
		length, n := binary.Uvarint(in.events[at+1:])
		for i := at + 1; i < at+1+n; i++ {
			for bit := range 8 {
				events := bytes.Clone(in.events)
				events[i] ^= 1 << bit
				want := fmt.Sprintf("the file is damaged at byte %d", at)
				h, err := Scan(bytes.NewReader(events))
				last := at+1+n+int(length)+crcSize == len(events)
				if !last && (err == nil || err.Error() != want) {
					t.Errorf("block %d, bit %d of byte %d: %+v, %v, want %s", blocks, bit, i, h, err, want)
				}
				if larger, _ := binary.Uvarint(events[at+1:]); last && larger > length && (err == nil || err.Error() != want) {
					t.Errorf("last block, bit %d of byte %d: %+v, %v, want %s", bit, i, h, err, want)
				}
			}
		}
		at += 1 + n + int(length) + crcSize
	}
	if blocks < 40 {
		t.Errorf("%d blocks", blocks)
	}
}

// Of a large block no less.
func TestDamagedSizeOfALargeBlock(t *testing.T) {
	var text bytes.Buffer
	w := NewWriter(&text, epoch)
	at := int64(0)
	for _, n := range []int{10, 600 << 10, 20} {
		if err := errors.Join(w.Facts(bytes.Repeat([]byte("r"), n)), w.w.Flush()); err != nil {
			t.Fatal(err)
		}
		if n == 10 {
			at = int64(text.Len())
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if h, err := Scan(bytes.NewReader(text.Bytes()[:text.Len()-30])); err != nil || !h.Cut {
		t.Errorf("cut off: %+v %v", h, err)
	}
	text.Bytes()[at+3] ^= 0x40 // 600 KiB become 1.6 MiB
	if h, err := Scan(&text); err == nil || err.Error() != fmt.Sprintf("the file is damaged at byte %d", at) {
		t.Errorf("%+v %v", h, err)
	}
}

// A file in which every place claims to begin a large block is not read for a minute.
func TestManyClaims(t *testing.T) {
	var text bytes.Buffer
	if err := NewWriter(&text, epoch).Close(); err != nil {
		t.Fatal(err)
	}
	b := binary.AppendUvarint(append(text.Bytes(), kindRecord), 60<<20)
	for len(b) < 3<<20 {
		b = append(b, kindRecord, 0xff, 0xff, 0x3f) // one of 1 MiB
	}
	start := time.Now()
	if h, err := Scan(bytes.NewReader(b)); err != nil || !h.Cut {
		t.Errorf("%+v %v", h, err)
	}
	if d := time.Since(start); d > 10*time.Second { // without a bound 39 s
		t.Errorf("it took %v", d)
	}
}

// No bit of events.bin can turn over unseen: it is damaged, or it ends too early.
func TestEveryBit(t *testing.T) {
	in := write(t, sample(5, 6))
	for i := range in.events {
		for bit := range 8 {
			events := bytes.Clone(in.events)
			events[i] ^= 1 << bit
			if h, err := Scan(bytes.NewReader(events)); err == nil && !h.Cut {
				t.Fatalf("bit %d of byte %d: %+v", bit, i, h)
			}
			r := NewReader(bytes.NewReader(in.requests), bytes.NewReader(events))
			got, _, _, err := read(r)
			for j, rec := range got[:max(len(got)-int(r.NoEvents), 0)] {
				if !reflect.DeepEqual(in.records[j], rec) {
					t.Fatalf("bit %d of byte %d changes record %d: %s (%v)", bit, i, j, cmp.Diff(in.records[j], rec), err)
				}
			}
		}
	}
}

// A folder of a version without events.bin has what its lines say.
func TestWithoutEvents(t *testing.T) {
	in := write(t, sample(50, 5))
	got, _, start, err := read(NewReader(bytes.NewReader(in.requests), nil))
	if err != nil || !start.IsZero() {
		t.Fatal(start, err)
	}
	for i := range in.records {
		r := &in.records[i]
		r.Chunks, r.Bare, r.Lateness, r.ReadLag = nil, nil, nil, nil
	}
	if d := cmp.Diff(in.records, got); d != "" {
		t.Error(d)
	}
}

func TestLongLine(t *testing.T) {
	r := request.Record{Schema: request.Schema, Detail: strings.Repeat("x", 1<<20)}
	in := write(t, []request.Record{r, r})
	got, _, _, err := read(NewReader(bytes.NewReader(in.requests), bytes.NewReader(in.events)))
	if err != nil || len(got) != 2 || got[1].Detail != r.Detail {
		t.Error(len(got), err)
	}
	endless := bytes.Repeat([]byte("x"), maxLine+maxLine/4)
	if _, _, _, err := read(NewReader(bytes.NewReader(endless), nil)); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Error(err)
	}
}

// A reply of very many chunks is larger than the buffer.
func TestLargeRecord(t *testing.T) {
	r := request.Record{Schema: request.Schema, SentAt: epoch}
	for i := range 200_000 {
		r.Chunks = append(r.Chunks, request.Chunk{At: time.Duration(i) * 1e7, Tokens: 2})
	}
	in := write(t, []request.Record{r, {Schema: request.Schema, ID: 1}})
	got, _, _, err := read(NewReader(bytes.NewReader(in.requests), bytes.NewReader(in.events)))
	if err != nil || !reflect.DeepEqual(got, in.records) {
		t.Error(len(got), err)
	}
}

func TestWriteAllocatesNothing(t *testing.T) {
	records := sample(20, 6)
	w := NewWriter(discard{}, epoch)
	defer w.Close()
	i := 0
	each := testing.AllocsPerRun(1000, func() {
		if err := w.Write(&records[i%len(records)]); err != nil {
			t.Fatal(err)
		}
		i++
	})
	if each > 0 {
		t.Errorf("%v allocations a record", each)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestFailedWrite(t *testing.T) {
	w := NewWriter(full{}, epoch)
	if err := w.Close(); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Error(err)
	}
	if err := w.Write(&request.Record{}); err == nil {
		t.Error("a write after a failed one succeeds")
	}
}

func FuzzReader(f *testing.F) {
	in := write(f, sample(4, 7))
	f.Add(in.requests, in.events)
	f.Add(in.requests[:len(in.requests)/2], in.events[:len(in.events)/2])
	f.Add([]byte("{}\n\n"), []byte(magic+"12345678r\x00"))
	f.Fuzz(func(t *testing.T, requests, events []byte) {
		r := NewReader(bytes.NewReader(requests), bytes.NewReader(events))
		var n int64
		for _, err := range r.All() {
			if err != nil {
				return
			}
			n++
		}
		if n != r.Records {
			t.Errorf("%d records came of %d", n, r.Records)
		}
		_, _ = Scan(bytes.NewReader(events))
	})
}

// The quick reader of lines gives what encoding/json gives, or leaves it to that.
func FuzzLine(f *testing.F) {
	for _, line := range bytes.Split(write(f, sample(7, 8)).requests, []byte("\n")) {
		f.Add(line)
	}
	f.Add([]byte(`{"schema":"a\u0062","id":1.5,"ok":null,"quality":1e400}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var s store
		var quick, want request.Record
		if !s.quick(line, &quick, true) {
			return
		}
		if err := json.Unmarshal(line, &want); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if d := cmp.Diff(want, quick); d != "" {
			t.Fatalf("%s: %s", line, d)
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	records := sample(1000, 9)
	w := NewWriter(discard{}, epoch)
	defer w.Close()
	events := 0
	i := 0
	for b.Loop() {
		r := &records[i%len(records)]
		events += len(r.Chunks)
		i++
		if err := w.Write(r); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
}

func BenchmarkRead(b *testing.B) {
	in := write(b, sample(10_000, 10))
	b.SetBytes(int64(len(in.requests) + len(in.events)))
	n := 0
	for b.Loop() {
		for _, err := range NewReader(bytes.NewReader(in.requests), bytes.NewReader(in.events)).All() {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}
