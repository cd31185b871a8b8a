package loadtestcmd

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/objectives"
	"llmops/cmd/internal/render"
	"llmops/probes/load"
	"llmops/probes/load/api"
	"llmops/probes/load/arrival"
	"llmops/probes/load/length"
)

// options are the flags of the command.
type options struct {
	urls     []string
	embedded bool
	faults   []string

	api       string
	model     string
	noStream  bool
	ignoreEOS bool
	preflight bool

	concurrency    int
	rate           float64
	arrivals       string
	burstiness     float64
	ramp           time.Duration
	stages         arrival.Profile // read from stagesText
	stagesText     string
	maxConcurrency int

	requests int64
	duration time.Duration
	warmup   extent
	drain    time.Duration

	shardText string
	shard     load.Shard // read from shardText
	startAt   moment
	emit      emit
	people    people
	batch     int // inputs of a request for embeddings
	replay    replay

	dataset      string
	sharedPrefix int
	promptTokens length.Dist
	outputTokens length.Dist
	seed         uint64

	timeouts load.Timeouts
	link     link

	telemetry telemetryFlags
	capacity  capacityFlags
	compat    Compat

	objectives objectives.Flags
	confidence float64

	hourPrice, inputPrice, outputPrice float64 // USD

	out    string
	output cli.Output

	// given tells which flags were set, by whatever means.
	given func(name string) bool
}

// extent is a number of requests or a length of time.
type extent struct {
	requests int64
	duration time.Duration
}

func (e *extent) String() string {
	if e.duration > 0 {
		return e.duration.String()
	}
	return strconv.FormatInt(e.requests, 10)
}

func (e *extent) Set(s string) error {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n >= 0 {
		*e = extent{requests: n}
		return nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		*e = extent{duration: d}
		return nil
	}
	return errors.New("want a number of requests, such as 50, or a time, such as 10s")
}

func (e *extent) Type() string { return "N|D" }

// defaultDuration is how long a run lasts that says nothing about its extent.
const defaultDuration = 10 * time.Second

func (o *options) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	o.given = f.Changed

	f.BoolVar(&o.embedded, "embedded", false, "start the embedded simulated server and test that")
	f.StringArrayVar(&o.faults, "fault", nil, "with --embedded: a fault of the server, see \"llmops sim --help\"; may be repeated")
	cli.Enum(cmd, &o.api, "api", "", api.Names(), "interface of the endpoint")
	f.StringVarP(&o.model, "model", "m", "", "model to ask for (default: the first that the server lists)")
	f.BoolVar(&o.noStream, "no-stream", false, "ask for whole replies instead of streams")
	f.BoolVar(&o.ignoreEOS, "ignore-eos", false, "ask the server to generate up to the limit always (vLLM, SGLang)")
	f.BoolVar(&o.preflight, "preflight", true, "look at GET /models first; it only warns")

	f.IntVarP(&o.concurrency, "concurrency", "c", 1, "closed loop: requests in flight")
	f.Float64VarP(&o.rate, "rate", "r", 0, "open loop: requests a second")
	cli.Enum(cmd, &o.arrivals, "arrivals", "", arrival.Kinds(), "open loop: arrival process")
	f.Float64Var(&o.burstiness, "burstiness", 1, "shape of gamma arrivals; below 1 is burstier than Poisson")
	f.DurationVar(&o.ramp, "ramp", 0, "open loop: rise from 0 to --rate over this time first")
	f.StringVar(&o.stagesText, "stages", "", "open loop: rates that change, such as 30s:20,10s:20..80,5s:300,5m:10~50/60s (steps, ramps, spikes, sine)")
	f.IntVar(&o.maxConcurrency, "max-concurrency", 0, "open loop: most requests in flight; what waits shows as queue_ms (0: no cap)")

	f.Int64VarP(&o.requests, "requests", "n", 0, "end after `N` requests")
	f.DurationVarP(&o.duration, "duration", "d", 0, "end after this time (default 10s without --requests)")
	f.Var(&o.warmup, "warmup", "requests or time before the measurement begins")
	f.DurationVar(&o.drain, "drain-timeout", 30*time.Second, "after --duration: how long requests in flight may finish before they are cut")

	f.StringVar(&o.shardText, "shard", "", "send only part `I/N` of the same run, from 1/N to N/N; index/N takes the number of a Kubernetes Indexed Job (JOB_COMPLETION_INDEX)")
	o.emit.addFlags(cmd)
	o.people.addFlags(cmd)
	f.IntVar(&o.batch, "embedding-batch", 1, "with --api embeddings: inputs of each request")
	f.IntVar(&o.sharedPrefix, "shared-prefix-tokens", 0, "begin every prompt with the same words, as many as tokens, as what the system is told")

	f.StringVar(&o.dataset, "dataset", "", "prompts from `FILE`: JSON Lines with prompt or messages, and checks of the answers, or ShareGPT")
	o.promptTokens = length.Constant(128)
	f.Var(&o.promptTokens, "prompt-tokens", "length of generated prompts: 100, uniform:a,b, normal:mean,sd, lognormal:median,sigma")
	f.Var(&o.outputTokens, "output-tokens", "token limit of each request, same forms (default 64, with --dataset what the file says)")
	f.Uint64Var(&o.seed, "seed", 1, "seed of prompts, lengths and arrivals")

	f.DurationVar(&o.timeouts.Connect, "timeout-connect", 10*time.Second, "limit for connecting and for the TLS handshake")
	f.DurationVar(&o.timeouts.FirstToken, "timeout-first-token", 2*time.Minute, "limit from sending to the first token")
	f.DurationVar(&o.timeouts.Idle, "timeout-idle", time.Minute, "limit between two bytes of a stream")
	f.DurationVar(&o.timeouts.Total, "timeout", 10*time.Minute, "limit for the whole request")
	o.link.addFlags(cmd)
	o.telemetry.addFlags(cmd)
	o.capacity.addFlags(cmd)
	o.startAt.addFlags(cmd)

	o.objectives.AddFlags(cmd)
	f.Float64Var(&o.confidence, "confidence", 0.95, "confidence that a verdict needs")

	f.Float64Var(&o.hourPrice, "gpu-hour-price", 0, "USD an hour for everything under test, for the cost of a request")
	f.Float64Var(&o.inputPrice, "input-token-price", 0, "USD for a million prompt tokens")
	f.Float64Var(&o.outputPrice, "output-token-price", 0, "USD for a million completion tokens")

	f.StringVar(&o.out, "out", "", "write summary.json, requests.jsonl, report.html and junit.xml to this `DIR`")
	o.output.AddFlags(cmd, render.Formats()...)
	o.compat.AddFlags(cmd)
	cmd.MarkFlagsMutuallyExclusive("compat", "find-capacity")

	cmd.MarkFlagsMutuallyExclusive("concurrency", "rate", "stages")
	cli.Depends(cmd, "rate", "arrivals", "burstiness", "max-concurrency", "ramp")
	cli.Depends(cmd, "stages", "arrivals", "burstiness", "max-concurrency")
	o.replay.addFlags(cmd)
	cmd.MarkFlagsMutuallyExclusive("dataset", "prompt-tokens")
	cmd.MarkFlagsMutuallyExclusive("api-key-env", "api-key-file")
	_ = cmd.MarkFlagFilename("dataset") // only an unknown name is an error
	_ = cmd.MarkFlagDirname("out")
}

// check finds what is wrong with the flags taken together.
func (o *options) check(args []string) error {
	switch {
	case o.embedded && len(args) > 0:
		return cli.Usagef("--embedded tests its own server: leave out %s", quoted(args))
	case !o.embedded && len(args) == 0:
		return cli.WithHint(cli.Usagef("no URL to test"), "llmops loadtest http://127.0.0.1:8000/v1, or --embedded for the built-in server")
	case !o.embedded && len(o.faults) > 0:
		return cli.Usagef("--fault needs --embedded: it is a fault of the built-in server")
	case len(args) > 0:
		o.urls = args
	}
	if err := o.emit.check(o.given); err != nil {
		return err
	}
	if err := o.checkCapacity(); err != nil {
		return err
	}
	if !o.open() && !o.capacity.on() {
		for _, name := range []string{"arrivals", "burstiness", "max-concurrency"} {
			if o.given(name) {
				return cli.WithHint(cli.Usagef("--%s needs --rate or --stages: it belongs to the open loop", name), "add --rate R, in requests a second")
			}
		}
	}
	if o.ramp != 0 && !o.given("rate") {
		return cli.Usagef("--ramp needs --rate: it rises to that")
	}
	if o.ramp < 0 {
		return cli.Usagef("--ramp %v is negative", o.ramp)
	}
	if o.stagesText != "" {
		var err error
		if o.stages, err = arrival.ParseStages(o.stagesText); err != nil {
			return cli.WithHint(cli.Usage(fmt.Errorf("--stages: %w", err)), "an example is 30s:20,10s:20..80,5s:300,5m:10~50/60s")
		}
	}
	if o.given("burstiness") && o.arrivals != string(arrival.Gamma) {
		return cli.Usagef("--burstiness needs --arrivals gamma")
	}
	if p := o.process(); p != nil {
		if err := p.Validate(); err != nil {
			return cli.Usage(err)
		}
	}
	if o.confidence <= 0.5 || o.confidence >= 1 || math.IsNaN(o.confidence) {
		return cli.Usagef("--confidence %v must be above 0.5 and below 1", o.confidence)
	}
	if err := o.checkSizes(); err != nil {
		return cli.Usage(err)
	}
	if err := o.telemetry.check(); err != nil {
		return err
	}
	if err := o.compat.Check(o.given("output-format"), o.output.Format); err != nil {
		return err
	}
	if err := o.startAt.check(time.Now()); err != nil {
		return err
	}
	if o.sharedPrefix < 0 || o.sharedPrefix > length.Max {
		return cli.Usagef("--shared-prefix-tokens %d is outside 0 to %d", o.sharedPrefix, length.Max)
	}
	if err := o.replay.check(o.given); err != nil {
		return err
	}
	if err := o.people.check(); err != nil {
		return err
	}
	if kind, _ := api.Lookup(o.api); o.people.quitters.Events > 0 && (o.noStream || !kind.Streams()) {
		return cli.WithHint(cli.Usagef("--cancel %s counts token events, and whole replies have none", o.people.cancelText), "cancel after a time, such as 5%%:after=2s, or let replies be streams")
	}
	return nil
}

func (o *options) checkSizes() error {
	switch {
	case o.concurrency < 1 || o.concurrency > maxInFlight:
		return fmt.Errorf("--concurrency %d is outside 1 to %d", o.concurrency, maxInFlight)
	case o.maxConcurrency < 0 || o.maxConcurrency > maxInFlight:
		return fmt.Errorf("--max-concurrency %d is outside 0 to %d", o.maxConcurrency, maxInFlight)
	case !o.open() && o.shard.Count > o.concurrency:
		return fmt.Errorf("--concurrency %d is less than the %d shards it is dealt out to", o.concurrency, o.shard.Count)
	case o.maxConcurrency > 0 && o.shard.Count > o.maxConcurrency:
		return fmt.Errorf("--max-concurrency %d is less than the %d shards it is dealt out to", o.maxConcurrency, o.shard.Count)
	case o.batch < 1 || o.batch > maxBatch:
		return fmt.Errorf("--embedding-batch %d is outside 1 to %d", o.batch, maxBatch)
	case o.given("embedding-batch") && o.api != "embeddings":
		return errors.New("--embedding-batch needs --api embeddings: other interfaces take one prompt a request")
	case o.given("requests") && o.requests < 1:
		return fmt.Errorf("--requests %d must be at least 1", o.requests)
	case o.given("duration") && o.duration <= 0:
		return fmt.Errorf("--duration %v must be above 0", o.duration)
	}
	for _, price := range []float64{o.hourPrice, o.inputPrice, o.outputPrice} {
		if !(price >= 0) || math.IsInf(price, 0) {
			return fmt.Errorf("a price of %v USD must be 0 or more", price)
		}
	}
	if o.drain < 0 {
		return fmt.Errorf("--drain-timeout %v is negative; 0 cuts at once what is in flight", o.drain)
	}
	for name, d := range map[string]time.Duration{"timeout-connect": o.timeouts.Connect, "timeout-first-token": o.timeouts.FirstToken,
		"timeout-idle": o.timeouts.Idle, "timeout": o.timeouts.Total} {
		if d < 0 {
			return fmt.Errorf("--%s %v is negative; 0 is no limit", name, d)
		}
	}
	return nil
}

// maxInFlight bounds what is asked of one process.
const maxInFlight = 1_000_000

// maxBatch is more inputs than any server takes in one request.
const maxBatch = 100_000

// finish fills in what depends on other flags.
func (o *options) finish() {
	if o.requests == 0 && o.duration == 0 && o.replay.file == "" && !o.capacity.on() { // a search chooses it
		o.duration = defaultDuration + o.ramp
		if n := o.stages.Length(); n > 0 { // the warm-up is the first part of the stages
			o.duration = max(n-o.warmup.duration, time.Millisecond)
		}
	}
	if o.outputTokens.IsZero() && o.dataset == "" {
		o.outputTokens = length.Constant(64)
	}
}

// open tells whether requests are sent when they are due, not when others end.
func (o *options) open() bool {
	return o.given("rate") || o.stagesText != "" || o.replay.file != "" || o.capacity.rates()
}

// process is the arrival process of the open loop, nil for the closed one.
func (o *options) process() *arrival.Process {
	if !o.open() || o.replay.file != "" {
		return nil
	}
	p := &arrival.Process{Kind: arrival.Kind(o.arrivals), Rate: o.rate, Burstiness: o.burstiness, Seed: o.seed, Profile: o.stages}
	if o.ramp > 0 {
		p.Profile = arrival.Ramp(o.ramp, o.rate)
	}
	return p
}

// price is what was said about cost; a price of 0 is one too.
func (o *options) price() (p loadreport.Price) {
	for _, x := range []struct {
		flag string
		v    *float64
		to   **float64
	}{{"gpu-hour-price", &o.hourPrice, &p.PerHour}, {"input-token-price", &o.inputPrice, &p.PerMillionPrompt}, {"output-token-price", &o.outputPrice, &p.PerMillionCompletion}} {
		if o.given(x.flag) {
			*x.to = x.v
		}
	}
	return p
}

// shape is how the rate goes.
func (o *options) shape() string {
	switch {
	case o.stagesText != "":
		return o.stagesText
	case o.ramp > 0:
		return fmt.Sprintf("%g req/s after a ramp of %s", o.rate, o.ramp)
	}
	return fmt.Sprintf("%g req/s", o.rate)
}

// describe is the load in one line.
func (o *options) describe() string {
	var b strings.Builder
	if o.open() {
		if o.replay.file != "" {
			b.WriteString(o.replay.describe())
		} else {
			fmt.Fprintf(&b, "open loop, %s %s", o.arrivals, o.shape())
		}
		if o.maxConcurrency > 0 {
			fmt.Fprintf(&b, ", at most %d in flight", o.maxConcurrency)
		}
	} else {
		fmt.Fprintf(&b, "closed loop, %d in flight", o.concurrency)
	}
	if name := shardName(o.shard); name != "" {
		fmt.Fprintf(&b, "; of that shard %s", name)
	}
	b.WriteString(o.people.describe())
	return b.String()
}
