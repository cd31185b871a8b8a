package loadtestcmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
	"llmops/probes/load"
	"llmops/probes/load/prompt"
	"llmops/probes/load/trace"
)

// replay are the flags of recorded traffic, and the plan that is made of them.
type replay struct {
	file      string
	format    string
	columns   []string // KEY=COLUMN
	scale     float64
	limit     int
	maxPrompt int
	think     bool

	trace *trace.Trace
	plan  *trace.Plan
	about *loadreport.Trace // what facts has said; to count its blocks takes time
}

// byContent lets the content of a trace say what format it has.
const byContent = "auto"

func (p *replay) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&p.file, "trace", "", "open loop: send the requests of a recorded trace when they came and as long as they were, from `FILE`, which may be compressed")
	cli.Enum(cmd, &p.format, "trace-format", "", append([]string{byContent}, trace.Formats()...), "format of the trace")
	f.StringSliceVar(&p.columns, "trace-columns", nil, "columns of a CSV trace as `KEY=COLUMN`,…, such as time=arrived,input=prompt; also output, session and took (seconds)")
	f.Float64Var(&p.scale, "time-scale", 1, "how many times as fast the trace is played: 2 halves all gaps")
	f.IntVar(&p.limit, "limit", 0, "play the first `N` rows of the trace only")
	f.IntVar(&p.maxPrompt, "max-prompt-tokens", 0, "clip longer prompts of the trace to so many tokens, for models with a shorter context")
	f.BoolVar(&p.think, "trace-think", false, "a turn of a session waits for the answer to the one before and for the time the trace's user took to think")
	cli.Depends(cmd, "trace", "trace-format", "trace-columns", "time-scale", "limit", "max-prompt-tokens", "trace-think", "max-concurrency")
	cmd.MarkFlagsMutuallyExclusive("trace", "concurrency", "stages")
	for _, other := range []string{"dataset", "turns", "ramp", "shared-prefix-tokens", "embedding-batch"} {
		cmd.MarkFlagsMutuallyExclusive("trace", other)
	}
	cmd.MarkFlagsMutuallyExclusive("time-scale", "rate")
	_ = cmd.MarkFlagFilename("trace") // only an unknown name is an error
}

func (p *replay) check(given func(string) bool) error {
	if p.file == "" {
		for _, name := range []string{"trace-format", "trace-columns", "time-scale", "limit", "max-prompt-tokens", "trace-think"} {
			if given(name) {
				return cli.Usagef("--%s needs --trace: it says how a trace is played", name)
			}
		}
		return nil
	}
	for _, name := range []string{"arrivals", "burstiness"} {
		if given(name) {
			return cli.WithHint(cli.Usagef("--%s and --trace: the trace says when requests arrive", name), "--time-scale or --rate make it faster or slower as a whole")
		}
	}
	for _, text := range p.columns {
		key, column, _ := strings.Cut(text, "=")
		if column == "" || !slices.Contains(trace.ColumnKeys(), key) {
			return cli.WithHint(cli.Usagef("--trace-columns: %q does not name a column", text), "want KEY=COLUMN; the keys are %s", strings.Join(trace.ColumnKeys(), ", "))
		}
	}
	switch {
	case given("limit") && p.limit < 1:
		return cli.Usagef("--limit %d must be at least 1", p.limit)
	case given("max-prompt-tokens") && p.maxPrompt < 1:
		return cli.Usagef("--max-prompt-tokens %d must be at least 1", p.maxPrompt)
	case !(p.scale > 0):
		return cli.Usagef("--time-scale %v must be above 0", p.scale)
	case len(p.columns) > 0 && p.format != byContent && p.format != "csv":
		return cli.Usagef("--trace-columns is for CSV: %s has columns of its own", p.format)
	}
	return nil
}

// open reads the trace and plans the run, whose extent is the trace's unless
// flags make it shorter.
func (p *replay) open(ctx context.Context, app *cli.App, o *options) (prompt.Source, error) {
	options := trace.Options{Columns: map[string]string{}, Limit: p.limit}
	for _, text := range p.columns {
		key, column, _ := strings.Cut(text, "=")
		options.Columns[key] = column
	}
	if p.format != byContent {
		options.Format = p.format
	} else if len(p.columns) > 0 {
		options.Format = "csv"
	}
	var err error
	if p.trace, err = trace.Load(ctx, p.file, options); ctx.Err() != nil {
		return nil, ctx.Err()
	} else if err != nil {
		return nil, traceError(err)
	}
	plan := trace.PlanOptions{
		Scale: p.scale, Seed: o.seed, Input: o.promptTokens, Output: o.outputTokens, MaxPrompt: p.maxPrompt, Think: p.think,
		WarmupRequests: o.warmup.requests, WarmupDuration: o.warmup.duration,
	}
	if o.given("rate") {
		if plan.Scale, err = p.trace.ScaleFor(o.rate); err != nil {
			return nil, cli.Usage(fmt.Errorf("--rate: %w", err))
		}
	}
	if p.plan, err = trace.NewPlan(p.trace, plan); err != nil {
		return nil, cli.Usage(err)
	}
	n := p.plan.Measured()
	switch {
	case n < 1:
		return nil, cli.WithHint(cli.Usagef("--warmup %s is as long as the trace: nothing is left to measure", &o.warmup), "the trace has %d requests over %s", p.trace.Len(), p.plan.Span())
	case o.requests > n:
		app.Warnf("%s has %d requests to measure, fewer than --requests %d", p.file, n, o.requests)
		o.requests = n
	case o.requests == 0:
		o.requests = n
	}
	noInput, noOutput := p.trace.Silent()
	for _, x := range []struct {
		silent              bool
		of, flag, key, text string
	}{{noInput, "prompt", "prompt-tokens", "input", o.promptTokens.String()}, {noOutput, "answer", "output-tokens", "output", cmp.Or(o.outputTokens.String(), "no limit")}} {
		if x.silent && !o.given(x.flag) {
			app.Warnf("%s does not say the length of any %s: --%s (%s) does; in CSV, --trace-columns %s=COLUMN names the column that has them", p.file, x.of, x.flag, x.text, x.key)
		}
	}
	if n := p.trace.Failed; n > 0 {
		app.Warnf("%d rows of %s are of requests that failed (no response tokens): they are left out", n, p.file)
	}
	if n := p.trace.Unsorted; n > 0 {
		app.Verbosef("%d rows of %s stood behind a later one: they are sorted by time", n, p.file)
	}
	if n := p.plan.Clipped(p.plan.Within(o.requests, o.duration)); n > 0 {
		app.Warnf("%d of %d prompts are longer than --max-prompt-tokens %d: they are clipped", n, p.plan.Within(o.requests, o.duration), p.maxPrompt)
	}
	return p.plan, nil
}

func traceError(err error) error {
	var hint string
	switch {
	case errors.Is(err, trace.ErrConversations):
		hint = "play the conversations as sessions: --dataset FILE --turns 8 with --rate or --concurrency"
	case errors.Is(err, fs.ErrNotExist):
		hint = "name the file of a trace; docs/traces.md says where public ones are"
	default:
		hint = "docs/traces.md describes the formats"
		if fe, ok := errors.AsType[*prompt.FileError](err); ok {
			hint = cmp.Or(fe.Hint, hint)
		}
	}
	return cli.WithHint(cli.Usage(err), "%s", hint)
}

// knowIgnoreEOS are the servers, by what they say owns their models, that generate
// up to the limit when they are asked to.
func knowIgnoreEOS() []string { return []string{"vllm", "sglang", "llmops"} }

// fit makes the requests those of the trace as far as the servers let it: answers
// as long as they were, and a warning where a model's context is too short.
func (p *replay) fit(app *cli.App, o *options, targets []*target) {
	if p.plan == nil {
		return
	}
	n := p.plan.Within(o.requests, o.duration)
	for _, t := range targets {
		m := t.models[t.Body.Model]
		if !o.given("ignore-eos") && slices.Contains(knowIgnoreEOS(), m.owner) {
			t.Body.IgnoreEOS = true
			app.Verbosef("%s: --ignore-eos, so that answers are as long as in the trace", m.owner)
		}
		if over := p.plan.Over(n, m.maxLen); m.maxLen > 0 && over > 0 {
			app.Warnf("%d of %d requests of the trace need more than the %d tokens of the model's context (max_model_len): the server may refuse them; --max-prompt-tokens clips their prompts", over, n, m.maxLen)
		}
	}
}

// into plays the trace.
func (p *replay) into(cfg *load.Config) {
	if p.plan == nil {
		return
	}
	cfg.Arrivals = p.plan
	if p.trace.Sessions() > 0 {
		cfg.Sessions = p.plan
	}
	if p.plan.Cancels() && cfg.Cancel == nil {
		cfg.Cancel = p.plan.Cancel
	}
}

// describe is the load in words.
func (p *replay) describe() string {
	text := "open loop, trace " + p.file
	if p.plan == nil {
		return text
	}
	text += fmt.Sprintf(" (%s), %s times as fast", p.trace.Format, render.Number(p.plan.Scale()))
	if p.plan.Scale() == 1 {
		text = strings.TrimSuffix(text, ", 1 times as fast")
	}
	if p.think {
		text += ", with think times"
	}
	return text
}

// facts is what summary.json says of the trace; nil without one.
func (p *replay) facts(requests int64, duration time.Duration) *loadreport.Trace {
	if p.plan == nil {
		return nil
	}
	n := p.plan.Within(requests, duration)
	if p.about != nil && p.about.Played == n {
		return p.about
	}
	out := &loadreport.Trace{
		Format: p.trace.Format, Name: p.trace.Name, Rows: p.trace.Len(), Played: n, SpanS: p.plan.SpanOf(n).Seconds(), TimeScale: p.plan.Scale(),
		Sessions: p.trace.Sessions(), Think: p.think, LeftOut: p.trace.Failed, Unsorted: p.trace.Unsorted, Clipped: p.plan.Clipped(n),
	}
	if share, ok := p.trace.Reuse(n, p.maxPrompt); ok {
		out.PrefixReuse = &share
	}
	p.about = out
	return out
}
