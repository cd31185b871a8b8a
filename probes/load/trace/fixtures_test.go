package trace

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the fixtures")

const fixtures = "../../../fixtures/traces"

// drawer makes numbers like those of production traces. It is seeded, so that the
// fixtures can be made again.
type drawer struct{ *rand.Rand }

func (d drawer) lognormal(median, sigma float64, most int) int {
	return int(min(max(math.Round(median*math.Exp(sigma*d.NormFloat64())), 1), float64(most)))
}

// arrivals are bursts: a rate that changes from minute to minute, Poisson within.
func (d drawer) arrivals(n int, rate float64) (at []float64) {
	now, factor := 0.0, 1.0
	for len(at) < n {
		if len(at)%20 == 0 {
			factor = math.Exp(0.8 * d.NormFloat64())
		}
		now += d.ExpFloat64() / (rate * factor)
		at = append(at, now)
	}
	return at
}

// generated are the fixtures by name: the shape of public traces, with numbers of
// our own.
func generated() map[string]string {
	out := map[string]string{}
	d := drawer{rand.New(rand.NewPCG(7, 7))}

	var b strings.Builder
	b.WriteString("Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n")
	for _, at := range d.arrivals(600, 0.5) {
		in, reply := d.lognormal(350, 1.1, 4000), d.lognormal(160, 0.9, 1500)
		model := "ChatGPT"
		if d.Float64() < 0.15 {
			model = "GPT-4"
		}
		if d.Float64() < 0.04 {
			reply = 0 // a request that failed
		}
		fmt.Fprintf(&b, "%d,%s,%d,%d,%d,%s\n", int(at), model, in, reply, in+reply, []string{"Conversation log", "API log"}[d.IntN(2)])
	}
	out["burstgpt.csv"] = b.String()

	b.Reset()
	b.WriteString("Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n")
	type turn struct {
		at, took           float64
		session, in, reply int
	}
	var turns []turn
	for session, at := range d.arrivals(120, 0.4) {
		in := 0
		for range 1 + d.IntN(5) {
			reply := d.lognormal(120, 0.7, 800)
			in += d.lognormal(60, 0.8, 600)
			took := 0.5 + 0.02*float64(reply)
			turns = append(turns, turn{at, took, session, in, reply})
			in += reply
			at += took + float64(d.lognormal(8, 0.8, 120))
		}
	}
	for i := 1; i < len(turns); i++ { // in order of arrival, as logs are
		for k := i; k > 0 && turns[k].at < turns[k-1].at; k-- {
			turns[k], turns[k-1] = turns[k-1], turns[k]
		}
	}
	for _, t := range turns {
		fmt.Fprintf(&b, "%.3f,%d,%.3f,ChatGPT,%d,%d,%d,Conversation log\n", t.at, t.session, t.took, t.in, t.reply, t.in+t.reply)
	}
	out["burstgpt-sessions.csv"] = b.String()

	b.Reset()
	b.WriteString("TIMESTAMP,ContextTokens,GeneratedTokens\n")
	start := time.Date(2024, 5, 10, 0, 0, 0, 9930000, time.UTC)
	for _, at := range d.arrivals(300, 4) {
		fmt.Fprintf(&b, "%s,%d,%d\n", start.Add(time.Duration(at*1e9)).Format("2006-01-02 15:04:05.000000-07:00"), d.lognormal(1200, 0.9, 7000), d.lognormal(120, 0.9, 900))
	}
	out["azure-2024.csv"] = b.String()

	b.Reset()
	var known [][]int // ways that later prompts go on with
	next := 1
	for _, at := range d.arrivals(200, 3) {
		way := []int{0}
		if len(known) > 0 && d.Float64() < 0.4 {
			from := known[d.IntN(len(known))]
			way = append([]int(nil), from[:1+d.IntN(len(from))]...)
		}
		for range d.lognormal(3, 0.7, 12) {
			way = append(way, next)
			next++
		}
		known = append(known, way)
		fmt.Fprintf(&b, `{"timestamp": %d, "input_length": %d, "output_length": %d, "hash_ids": %s}`+"\n",
			int(at*1000), 512*(len(way)-1)+1+d.IntN(512), d.lognormal(100, 0.8, 600), strings.ReplaceAll(fmt.Sprint(way), " ", ", "))
	}
	out["mooncake.jsonl"] = b.String()
	return out
}

// The fixtures are what the generator makes, small, and read as what they are.
func TestFixtures(t *testing.T) {
	for name, text := range generated() {
		path := filepath.Join(fixtures, name)
		if *update {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// Elsewhere fused multiplications round the last digits otherwise.
		if runtime.GOARCH == "amd64" && !bytes.Equal(got, []byte(text)) || len(got) > 100<<10 {
			t.Errorf("%s is not what the generator makes (rewrite with -update), or too large: %d bytes", path, len(got))
		}
	}
	for name, want := range map[string]struct {
		format         string
		rows, failed   int
		sessions, most int // turns of the longest session
	}{
		"burstgpt.csv": {"burstgpt", 580, 20, 0, 1}, "burstgpt-sessions.csv": {"burstgpt", 370, 0, 120, 5},
		"azure-2024.csv": {"azure", 300, 0, 0, 1}, "mooncake.jsonl": {"mooncake", 200, 0, 0, 1},
	} {
		tr, err := Load(t.Context(), filepath.Join(fixtures, name), Options{})
		if err != nil {
			t.Error(err)
			continue
		}
		most := 0
		for turns := range tr.Turns() {
			most = max(most, len(turns))
		}
		if tr.Format != want.format || tr.Len() != want.rows || tr.Failed != want.failed || tr.Sessions() != want.sessions || most != want.most || tr.Unsorted != 0 {
			t.Errorf("%s: %s, %d rows, %d failed, %d sessions of up to %d turns, %d out of order", name, tr.Format, tr.Len(), tr.Failed, tr.Sessions(), most, tr.Unsorted)
		}
	}
}
