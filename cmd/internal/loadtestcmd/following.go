package loadtestcmd

import (
	"bytes"
	"context"
	"strings"
	"sync/atomic"
	"time"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/observe"
	"llmops/cmd/internal/render"
	"llmops/probes/load"
	"llmops/probes/request"
	"llmops/probes/serving"
	"llmops/probes/snapshot"
)

// settle is how long an engine may take to count what it has just finished.
const settle = 250 * time.Millisecond

// following watches the server during one run. The zero value watches nothing.
type following struct {
	*observer
	app   *cli.App
	dir   *folder
	gauge *load.Gauge
	side  *loadreport.ServerSide

	begun           bool // the engine's counts have a beginning
	lost            bool // the file of readings could not be written
	scrapes, failed int
	engine          string

	shard    bool // others load the server too
	warm     bool // the window begins after a warm-up
	measured chan time.Time
	load     atomic.Bool // measured requests are being sent
	stop     context.CancelFunc
	done     chan struct{}
}

// follow reads once, before the first request, and then every second until end.
func (b *observer) follow(ctx context.Context, app *cli.App, cfg load.Config, dir *folder) *following {
	if b == nil {
		return &following{}
	}
	f := &following{
		observer: b, app: app, dir: dir, gauge: cfg.Gauge, side: &loadreport.ServerSide{}, shard: cfg.Shard.Count > 1,
		warm: cfg.WarmupRequests > 0 || cfg.WarmupDuration > 0, measured: make(chan time.Time, 1), done: make(chan struct{}),
	}
	f.begin()
	f.read(ctx)
	ctx, f.stop = context.WithCancel(ctx)
	go f.loop(ctx)
	return f
}

// begin has the window begin with the next reading.
func (f *following) begin() {
	f.begun = false
	for _, t := range f.targets {
		t.Begin()
	}
}

// start tells when the measured part of the run begins. It may be called once, and
// returns at once.
func (f *following) start(at time.Time) {
	if f.observer != nil {
		f.measured <- at
	}
}

// add takes a measured request.
func (f *following) add(r *request.Record) {
	if f.observer != nil {
		f.side.Add(r)
	}
}

func (f *following) loop(ctx context.Context) {
	defer close(f.done)
	tick := time.NewTicker(scrapeInterval)
	defer tick.Stop()
	var begins <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case at := <-f.measured:
			begins = time.After(time.Until(at))
		case <-begins:
			f.load.Store(true)
			if !f.warm {
				continue // nothing was sent before: the first reading is the beginning
			}
			f.begin()
			f.read(ctx)
		case <-tick.C:
			f.read(ctx)
		}
	}
}

// read takes a reading, keeps it and counts it.
func (f *following) read(ctx context.Context) {
	inFlight := f.gauge.InFlight()
	during := f.load.Load()
	s := f.set.Collect(ctx, time.Now, 0)
	if ctx.Err() != nil {
		return // it was broken off
	}
	told := 0
	for _, x := range s.Servers {
		if x.Basis != "" {
			told++
			f.engine = x.Engine
		}
	}
	if told > 0 {
		f.scrapes++
	}
	if told < len(f.targets) {
		f.failed++
	}
	if during {
		f.side.See(s)
	}
	f.started(max(inFlight, f.gauge.InFlight()))
	f.keep(s)
}

// started looks whether the engine's counts have a beginning.
func (f *following) started(inFlight int64) {
	if f.begun || len(f.targets) == 0 {
		return
	}
	var from time.Time
	for _, t := range f.targets {
		at, ok := t.Began()
		if !ok {
			return
		}
		if at.After(from) {
			from = at
		}
	}
	f.begun = true
	f.side.Begin(from, inFlight)
}

// keep appends a reading to the run folder. One line is written at once, so that what
// is there can be read whatever becomes of this process.
func (f *following) keep(s snapshot.Snapshot) {
	if f.lost {
		return
	}
	var line bytes.Buffer
	err := render.JSONLine(&line, s)
	if err == nil {
		err = f.dir.keepReading(line.Bytes())
	}
	if err != nil {
		f.lost = true
		f.app.Warnf("%v; the readings of the server are not kept from here on", err)
	}
}

// end takes the last reading, after the last request: once more where the engine has
// not counted all of them yet.
func (f *following) end(ctx context.Context) {
	if f.observer == nil {
		return
	}
	f.stop()
	<-f.done
	if f.warm && !f.load.Load() {
		f.begin() // a reading hung over the end of the warm-up: what is counted so far holds that too
	}
	f.load.Store(false)
	ctx = context.WithoutCancel(ctx) // of a run that was broken off the end is known too
	f.read(ctx)
	if s, _ := f.side.Summary(f.over("")); behind(s) {
		observe.Sleep(ctx, settle)
		f.read(ctx)
	}
}

// behind tells that the engine has not counted all that it did.
func behind(s *loadreport.Server) bool {
	return s.TTFT != nil && s.ClientTTFT != nil && s.TTFT.Count < s.ClientTTFT.Count ||
		s.TTFT != nil && s.E2E != nil && s.E2E.Count < s.TTFT.Count
}

// report adds the server's side to a run.
func (f *following) report(m *measurement) {
	if f.observer == nil {
		return
	}
	server, warnings := f.side.Summary(f.over(m.summary.Client.Verdict))
	if len(f.targets) == 0 && len(server.GPUs) == 0 {
		return
	}
	m.summary.Server, m.server = server, f.side.Course()
	m.summary.Warnings = append(m.summary.Warnings, warnings...)
}

// over is what the readings came to.
func (f *following) over(client loadreport.ClientVerdict) loadreport.ServerRun {
	run := loadreport.ServerRun{Engine: f.engine, Scrapes: f.scrapes, Failed: f.failed, Client: client, Shard: f.shard}
	run.URLs = urlsOf(f.targets)
	if trip, ok := f.client.RoundTrip(); ok && f.direct {
		run.RoundTrip = &trip
	}
	if len(f.targets) == 0 {
		return run
	}
	var live []*serving.Target
	var silent []string // why there is nothing of the others
	for _, t := range f.targets {
		if _, err := serving.Over(t); err != nil {
			silent = append(silent, err.Error())
		} else {
			live = append(live, t)
		}
	}
	span, err := serving.Over(live...)
	if err != nil && len(live) > 0 {
		silent = append(silent, err.Error())
	}
	run.Why = strings.Join(silent, "; ")
	if err != nil {
		return run
	}
	run.URLs = urlsOf(live)
	run.Window = &span.Server
	return run
}

func urlsOf(targets []*serving.Target) (urls []string) {
	for _, t := range targets {
		urls = append(urls, t.URL())
	}
	return urls
}
