package snapshotcmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"llmops/analysis/gate"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/observe"
	"llmops/cmd/internal/render"
	"llmops/probes/recording"
	"llmops/probes/snapshot"
)

// document is a snapshot and what became of its gates.
type document struct {
	snapshot.Snapshot
	Gates   []gate.Result `json:"gates,omitempty"`
	Verdict gate.Verdict  `json:"verdict,omitempty"`
}

// watch takes snapshots and remembers what becomes of them.
type watch struct {
	*options
	app    *cli.App
	probes *observe.Set
	gates  []gate.Gate
	keep   *recording.File

	newest  document
	taken   int
	failed  int   // snapshots with a gate that fails
	noData  int   // and without a verdict
	worst   error // of the first snapshot with the worst verdict
	keepErr error // the newest error of the recording
}

// take takes a snapshot, keeps it and judges it.
func (w *watch) take(ctx context.Context) error {
	d := document{Snapshot: w.probes.Collect(ctx, w.app.Now, w.window)}
	// What was known when Ctrl-C came is judged and kept too.
	var err error
	if len(w.gates) > 0 {
		if d.Gates, err = gate.Judge(context.WithoutCancel(ctx), w.gates, d.Snapshot); err != nil {
			return cli.WithHint(cli.Usage(fmt.Errorf("--fail-on: %w", err)), "try the expression on the series of \"llmops snapshot -o prom\"")
		}
		if d.Verdict = gate.Worst(d.Gates); d.Verdict == gate.NoData && w.onMissing == "ignore" {
			d.Verdict = gate.Pass
		}
	}
	w.newest = d
	w.taken++
	switch {
	case d.Verdict == gate.Fail:
		if w.failed++; w.failed == 1 {
			w.worst = cli.Gate(errors.New(failure(d.Gates)))
		}
	case d.Verdict == gate.NoData:
		if w.noData++; w.noData == 1 && w.failed == 0 {
			w.worst = cli.WithHint(cli.NoVerdict(errors.New(missing(d.Gates))), "%s", missingHint(w.options))
		}
	}
	if w.keep == nil {
		return nil
	}
	var line bytes.Buffer
	if err := render.JSONLine(&line, d.Snapshot); err != nil {
		return cli.Failed(err)
	}
	before := w.keepErr
	if w.keepErr = recordError(w.record, w.keep.Append(line.Bytes())); w.keepErr != nil && before == nil && w.options.watch {
		w.app.Warnf("%v; trying again with each snapshot", w.keepErr)
	}
	if w.keepErr == nil && before != nil {
		w.app.Warnf("recording to %s again; snapshots are missing in it", w.record)
		w.keepErr = nil
	}
	return nil
}

// once takes and prints one snapshot.
func (w *watch) once(ctx context.Context) error {
	if err := w.take(ctx); err != nil {
		return err
	}
	return w.output.Write(w.app, func(out io.Writer) error { return w.print(out, w.newest, w.output.Width(w.app)) })
}

// loop takes snapshots on a schedule that is kept: one that takes long delays none but
// those it overlaps.
func (w *watch) loop(ctx context.Context) error {
	draw := w.screen()
	var lost error // a recording that failed for a while
	due := time.Now()
	for {
		err := w.take(ctx)
		if err == nil && (ctx.Err() == nil || w.taken == 1) {
			err = draw.show(w.newest)
		}
		if w.keepErr != nil {
			lost = w.keepErr
		}
		if err != nil {
			return errors.Join(draw.end(), err)
		}
		if w.count > 0 && w.taken >= w.count {
			break
		}
		for due = due.Add(w.interval); time.Until(due) < 0; due = due.Add(w.interval) {
		}
		if !observe.Sleep(ctx, time.Until(due)) {
			break
		}
	}
	return errors.Join(draw.end(), lost, w.outcome())
}

// outcome is what the gates of all snapshots come to.
func (w *watch) outcome() error {
	if w.failed > 1 || w.noData > 1 && w.failed == 0 {
		w.app.Notef("%d of %d snapshots failed, %d gave no verdict; this is the first:", w.failed, w.taken, w.noData)
	}
	return w.worst
}
