package comparecmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"llmops/analysis/compare"
	"llmops/analysis/compare/results"
	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/runfolder"
	"llmops/probes/request"
	"llmops/probes/request/runlog"
)

// folder is what is there of a run.
type folder struct {
	summary  *loadreport.Summary
	requests string // path; "": not there
	events   string // path; "": not there, or too large to be worth reading
}

// mostEvents is the size of events.bin up to which the gaps between chunks are read:
// there are as many as there are chunks, and 16 MiB hold about four million.
const mostEvents = 16 << 20

func openFolder(p part) (*folder, error) {
	f := &folder{}
	summary := ""
	switch {
	case p.lines:
		f.requests = p.path
	case p.summary:
		summary = p.path
	default:
		summary = filepath.Join(p.path, runfolder.Summary)
		if path := filepath.Join(p.path, runfolder.Requests); regular(path) {
			f.requests = path
		}
		path := filepath.Join(p.path, runfolder.Events)
		if info, err := os.Stat(path); err == nil && info.Size() <= mostEvents {
			f.events = path
		}
	}
	if summary == "" {
		return f, nil
	}
	text, err := os.ReadFile(summary)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, cli.Usage(err)
	}
	if err := json.Unmarshal(text, &f.summary); err != nil {
		return nil, cli.Usage(fmt.Errorf("%s: %w", summary, err))
	}
	if f.summary.Schema != loadreport.Schema {
		return nil, cli.Usagef("%s: its schema is %q, not %q", summary, f.summary.Schema, loadreport.Schema)
	}
	return f, nil
}

// read makes a run of its folder, or of those of its shards.
func read(ctx context.Context, name string, folders ...*folder) (compare.Run, error) {
	var b compare.Builder
	lines := false
	for _, f := range folders {
		if f.requests == "" {
			continue
		}
		lines = true
		if err := f.read(ctx, &b); err != nil {
			return compare.Run{}, err
		}
	}
	r := compare.Run{}
	if lines {
		r = b.Run(name)
	}
	r.Name, r.About.Tool = name, results.Ours
	if s := folders[0].summary; s != nil {
		r.About, r.Open = about(s), s.Load.Mode == "open"
		if len(folders) == 1 {
			r.Figures = figures(s)
		}
	} else if len(folders) == 1 && folders[0].events != "" {
		r.About.Stopped = "the load test did not come to its end"
	}
	for _, f := range folders[1:] {
		if c := f.summary.Client; c.Verdict == loadreport.ClientInvalid {
			r.About.Client, r.About.Reasons = string(c.Verdict), c.Reasons
		}
	}
	return r, nil
}

// read adds the requests of a folder.
func (f *folder) read(ctx context.Context, b *compare.Builder) error {
	requests, err := os.Open(f.requests)
	if err != nil {
		return cli.Usage(err)
	}
	defer requests.Close()
	var events io.Reader
	if f.events != "" {
		file, err := os.Open(f.events)
		if err != nil {
			return cli.Usage(err)
		}
		defer file.Close()
		events = file
	}
	var base time.Time
	n := 0
	for rec, err := range runlog.NewReader(requests, events).All() {
		if e, ok := errors.AsType[*runlog.LineError](err); ok {
			return cli.Usage(fmt.Errorf("%s:%d: %w", f.requests, e.Line, e.Err))
		}
		if err != nil {
			return cli.Usage(fmt.Errorf("%s: %w", f.requests, err))
		}
		if n++; n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if base.IsZero() {
			base = rec.SentAt
		}
		add(b, rec, base)
	}
	return nil
}

// add keeps what of a request is compared.
func add(b *compare.Builder, r *request.Record, base time.Time) {
	if r.Error == request.Cancelled {
		return
	}
	b.Count(r.ID, !r.OK)
	if !r.OK {
		return
	}
	for _, x := range []struct {
		metric string
		v      *float64
	}{{"ttft_ms", r.TTFTms}, {"tpot_ms", r.TPOTms}, {"latency_ms", r.LatencyMs}, {"queue_ms", r.QueueMs}} {
		if x.v != nil {
			b.Value(x.metric, r.ID, *x.v)
		}
	}
	tokens := 0.0
	if r.CompletionTokens != nil {
		tokens = float64(*r.CompletionTokens)
	}
	if !r.SentAt.IsZero() && !r.DoneAt.IsZero() {
		b.Span(r.SentAt.Sub(base).Seconds(), r.DoneAt.Sub(base).Seconds(), tokens)
	}
	for i := 1; i < len(r.Chunks); i++ {
		gap := request.Ms(r.Chunks[i].At - r.Chunks[i-1].At)
		b.Gap(r.ID, gap)
		b.Value("itl_ms", r.ID, gap/float64(max(r.Chunks[i].Tokens, 1)))
	}
}

func about(s *loadreport.Summary) compare.About {
	a := compare.About{
		Tool: results.Ours, Target: s.Target.URL, API: s.Target.API, Model: s.Target.Model,
		Load: loadWords(s.Load), Seed: strconv.FormatUint(s.Load.Seed, 10), Client: string(s.Client.Verdict), Reasons: s.Client.Reasons,
	}
	if t := s.Load.Trace; t != nil {
		a.Prompts = t.Name
	}
	if n := float64(s.Requests.Succeeded); n > 0 && s.Tokens.Prompt != nil {
		a.PromptTokens = float64(*s.Tokens.Prompt) / n
	}
	if n := float64(s.Requests.Succeeded); n > 0 && s.Tokens.Completion != nil {
		a.OutputTokens = float64(*s.Tokens.Completion) / n
	}
	return a
}

// loadWords says how the load was made.
func loadWords(l loadreport.Load) string {
	var parts []string
	parts = append(parts, l.Mode+" loop")
	if l.Concurrency != nil {
		parts = append(parts, fmt.Sprintf("concurrency %d", *l.Concurrency))
	}
	if l.Rate != nil {
		parts = append(parts, fmt.Sprintf("%v req/s", *l.Rate))
	}
	if l.Arrivals != nil {
		parts = append(parts, *l.Arrivals)
	}
	if l.MaxConcurrency != nil {
		parts = append(parts, fmt.Sprintf("at most %d at once", *l.MaxConcurrency))
	}
	for _, text := range []string{l.Shape, l.Cancel} {
		if text != "" {
			parts = append(parts, text)
		}
	}
	if l.Trace != nil {
		parts = append(parts, "a trace")
	}
	if l.Sessions != nil {
		parts = append(parts, "sessions of "+l.Sessions.Turns)
	}
	return strings.Join(parts, ", ")
}

// figures are those of a summary, for what its requests do not tell.
func figures(s *loadreport.Summary) map[string]float64 {
	out := map[string]float64{}
	set := func(name string, v *float64) {
		if v != nil {
			out[name] = *v
		}
	}
	for metric, d := range map[string]loadreport.Distribution{"ttft_ms": s.Metrics.TTFT, "tpot_ms": s.Metrics.TPOT, "latency_ms": s.Metrics.Latency, "itl_ms": s.Metrics.ITL, "chunk_gap_ms": s.Metrics.ChunkGap, "queue_ms": s.Metrics.Queue} {
		set("mean_"+metric, d.Mean)
		set("p50_"+metric, d.P50)
		set("p90_"+metric, d.P90)
		set("p95_"+metric, d.P95)
		set("p99_"+metric, d.P99)
	}
	set("requests_per_second", s.Throughput.RequestsPerSecond)
	set("tokens_per_second", s.Throughput.TokensPerSecond)
	set("goodput", s.Throughput.Goodput)
	if n := s.Requests.Succeeded + s.Requests.Failed; n > 0 {
		out["error_rate"] = float64(s.Requests.Failed) / float64(n)
	}
	return out
}
