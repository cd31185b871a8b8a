package reportcmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"llmops/analysis/compat"
	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/loadtestcmd"
	"llmops/cmd/internal/runfolder"
	"llmops/probes/request"
	"llmops/rules/slo"
)

// shardOf is the shard that a folder is of; "" for a run of its own.
func shardOf(f *runfolder.Folder) string {
	switch {
	case f.Facts != nil:
		return f.Facts.Run.Load.Shard
	case f.Summary != nil:
		return f.Summary.Load.Shard
	}
	return ""
}

// replay judges what was measured once more.
type replay struct {
	ctx     context.Context
	app     *cli.App
	anew    []slo.Objective // in place of those of the run, if there are any
	partial bool
	compat  *compat.Collector // nil: not asked for
}

const killed = "the load test was killed before it ended: the figures are of what was measured until then"

// one shows a single folder. Where the run came to its end and is judged by its own
// objectives, its summary is the one that it wrote.
func (r *replay) one(f *runfolder.Folder) (out loadtestcmd.Shown, err error) {
	if f.Facts == nil {
		return r.old(f)
	}
	facts := *f.Facts
	if !facts.Ended {
		facts.Run.Interrupted, facts.Run.StartedAt = true, f.Start
		facts.Run.Client.Invalid = append(facts.Run.Client.Invalid, killed)
	}
	agg := r.aggregator(&facts)
	if err := r.read(f, agg, time.Time{}); err != nil {
		return out, err
	}
	out = loadtestcmd.Shown{
		Aggregator: agg, Load: facts.Load, From: f.Start, First: facts.First, Exhausted: facts.Exhausted, Interrupted: facts.Run.Interrupted,
		Summary: loadtestcmd.Summarize(agg, facts.Run),
	}
	if out.Server, err = f.Server(time.Time{}); err != nil {
		return out, err
	}
	if s := shardOf(f); s != "" {
		out.Load += "; of that shard " + s
	}
	if f.Summary != nil {
		if len(r.anew) == 0 {
			out.Summary = *f.Summary
		} else {
			out.Summary.Server = f.Summary.Server
		}
	}
	return out, nil
}

// old shows a folder of a version that kept no events: what it summed up, and charts
// of what its requests tell.
func (r *replay) old(f *runfolder.Folder) (out loadtestcmd.Shown, err error) {
	if len(r.anew) > 0 {
		return out, needsEvents(f)
	}
	agg := loadreport.New(loadreport.Config{})
	if err := r.read(f, agg, time.Time{}); err != nil {
		return out, err
	}
	r.app.Warnf("%s holds no %s: charts have no gaps between tokens and no lateness of the client, and begin with the first request that ended", f.Dir, runfolder.Events)
	return loadtestcmd.Shown{Summary: *f.Summary, Load: f.Summary.Load.Mode + " loop", Aggregator: agg}, nil
}

func needsEvents(f *runfolder.Folder) error {
	return cli.WithHint(cli.Usagef("%s holds no %s: it can be shown, but not judged again or merged", f.Dir, runfolder.Events), "load tests of this version write it: measure again")
}

func (r *replay) aggregator(f *runfolder.Facts) *loadreport.Aggregator {
	list := f.Objectives
	if len(r.anew) > 0 {
		list = r.anew
	}
	return loadreport.New(loadreport.Config{Objectives: list, Confidence: f.Confidence, Price: f.Price})
}

// read adds the requests of a folder. The measured part begins at origin, if that is
// set.
func (r *replay) read(f *runfolder.Folder, agg *loadreport.Aggregator, origin time.Time) error {
	lost, err := f.Read(origin, agg.Start, agg.AddChecks, func(rec *request.Record) error {
		agg.Add(rec)
		r.compat.Add(rec)
		return r.ctx.Err()
	})
	if err != nil {
		return err
	}
	if w := lost.Warning(); w != "" {
		r.app.Warnf("%s: %s", f.Dir, w)
	}
	return nil
}

// merged shows shards as the run that they are together.
func (r *replay) merged(folders []*runfolder.Folder) (out loadtestcmd.Shown, err error) {
	var parts []loadreport.Part
	origin := time.Time{}
	for _, f := range folders {
		if f.Facts == nil {
			return out, needsEvents(f)
		}
		p := loadreport.Part{Name: f.Dir, Run: f.Facts.Run}
		switch {
		case !f.Facts.Ended || f.Summary == nil:
			p.Run.StartedAt, p.Verdict, p.Reasons = f.Start, loadreport.ClientInvalid, []string{killed}
		default:
			p.Verdict, p.Reasons = f.Summary.Client.Verdict, f.Summary.Client.Reasons
		}
		parts = append(parts, p)
		if !f.Start.IsZero() && (origin.IsZero() || f.Start.Before(origin)) {
			origin = f.Start
		}
	}
	run, err := loadreport.Merge(parts, r.partial)
	if err != nil {
		return out, notOne(err, len(folders))
	}
	if err := r.sameJudgement(folders); err != nil {
		return out, err
	}
	if out.Server, err = watched(folders, origin); err != nil {
		return out, err
	}
	first := folders[0].Facts
	agg := r.aggregator(first)
	for _, f := range folders {
		if err := r.read(f, agg, origin); err != nil {
			return out, err
		}
		out.Exhausted += f.Facts.Exhausted
		if out.First == "" {
			out.First = f.Facts.First
		}
	}
	out.Aggregator, out.From, out.Interrupted = agg, origin, run.Interrupted
	out.Load = fmt.Sprintf("%s; merged from %d shards", first.Load, len(folders))
	out.Summary = loadtestcmd.Summarize(agg, run)
	return out, nil
}

// watched is what the first shard saw of the server that heard of it at all: those that
// watched a server watched the same one.
func watched(folders []*runfolder.Folder, origin time.Time) (first []loadreport.ServerMoment, err error) {
	for _, f := range folders {
		course, err := f.Server(origin)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(course, func(m loadreport.ServerMoment) bool {
			return m.Running != nil || m.Waiting != nil || m.KVCacheUtilization != nil
		}) {
			return course, nil
		}
		if first == nil {
			first = course
		}
	}
	return first, nil
}

// notOne says what to do about folders that are not of one run.
func notOne(err error, n int) error {
	e, ok := errors.AsType[*loadreport.PartsError](err)
	switch {
	case !ok:
		return err
	case len(e.Missing) > 0:
		return cli.WithHint(cli.Usage(err), "name the folders of all shards, or add --partial for figures without a verdict")
	case strings.Contains(e.Text, "run of its own") && n > 1:
		return cli.WithHint(cli.Usage(err), "several folders are merged only if they are the shards of one run (--shard); \"llmops compare\" is for two runs")
	}
	return cli.WithHint(cli.Usage(err), "the shards of one run have the same flags, --shard and --out aside")
}

// sameJudgement refuses shards that were to be judged in different ways.
func (r *replay) sameJudgement(folders []*runfolder.Folder) error {
	type judgement struct {
		Objectives []slo.Objective
		Confidence float64
		Price      loadreport.Price
	}
	var first []byte
	for i, f := range folders {
		j := judgement{f.Facts.Objectives, f.Facts.Confidence, f.Facts.Price}
		if len(r.anew) > 0 {
			j.Objectives = nil
		}
		text, err := json.Marshal(j)
		if err != nil {
			return fmt.Errorf("compare objectives: %w", err)
		}
		if i == 0 {
			first = text
		} else if string(text) != string(first) {
			return cli.WithHint(cli.Usagef("%s and %s have different objectives, prices or --confidence", folders[0].Dir, f.Dir), "say with --slo or --slo-file what the whole is to be held against")
		}
	}
	return nil
}
