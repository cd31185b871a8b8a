package comparecmd

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"llmops/analysis/compare"
	"llmops/analysis/compare/results"
	"llmops/cmd/internal/cli"
)

func (o *options) loadTests(ctx context.Context, app *cli.App, a, b side) (c compare.Comparison, err error) {
	var runs [2][]compare.Run
	var errs [2]error
	if err := apart(a, b, linked); err != nil {
		return c, err
	}
	stop := app.Progress(func() string { return "reading load tests" })
	var wg sync.WaitGroup
	for i, s := range []side{a, b} {
		wg.Go(func() { runs[i], errs[i] = o.runs(ctx, s) })
	}
	wg.Wait()
	stop()
	for _, err := range errs {
		if err != nil {
			return c, err
		}
	}
	if err := apart(a, b, copied); err != nil {
		return c, err
	}
	before, after, notes := results.Alike(runs[0], runs[1])
	if c, err = compare.Runs(before, after, o.judged); err != nil {
		return c, cli.WithHint(cli.Usagef("%s and %s: %w", a.name, b.name, err), "%s", strings.Join(append(notes, "a run folder with requests.jsonl has all metrics"), "; "))
	}
	c.Warnings = append(c.Warnings, notes...)
	if len(before) == 1 && len(after) == 1 {
		app.Notef("one run a side: the intervals are of its requests, and do not know how runs differ")
	}
	return c, nil
}

// runs reads one side. Shards of a run are one run.
func (o *options) runs(ctx context.Context, s side) (runs []compare.Run, err error) {
	var shards []*folder
	for _, p := range s.parts {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		switch {
		case p.foreign:
			list, err := o.foreign(p.path)
			if err != nil {
				return nil, err
			}
			runs = append(runs, list...)
		case p.folder, p.summary, p.lines:
			f, err := openFolder(p)
			if err != nil {
				return nil, err
			}
			if f.summary != nil && f.summary.Load.Shard != "" {
				shards = append(shards, f)
				continue
			}
			r, err := read(ctx, p.path, f)
			if err != nil {
				return nil, err
			}
			runs = append(runs, r)
		}
	}
	if len(shards) > 0 {
		if len(runs) > 0 {
			return nil, cli.WithHint(cli.Usagef("%s holds shards of a run beside whole runs", s.name), "put the shards into a folder of their own")
		}
		if err := whole(s.name, shards); err != nil {
			return nil, err
		}
		r, err := read(ctx, s.name, shards...)
		return []compare.Run{r}, err
	}
	return runs, repeated(s.name, runs)
}

// repeated tells whether runs are of one load, as far as they tell it in the same words.
// How far runs of several loads lie apart says nothing of how far one run varies.
func repeated(name string, runs []compare.Run) error {
	first := map[string]compare.Run{} // by tool
	for _, r := range runs {
		switch x, is := first[r.About.Tool]; {
		case r.About.Load == "":
		case !is:
			first[r.About.Tool] = r
		case x.About.Load != r.About.Load:
			return cli.WithHint(cli.Usagef("%s holds runs of different loads: %s has %s, %s has %s", name, x.Name, x.About.Load, r.Name, r.About.Load),
				"only repeated runs make a side: compare one load at a time")
		}
	}
	return nil
}

// whole tells whether shards are all of one run, each once.
func whole(name string, shards []*folder) error {
	seen := map[string]bool{}
	_, of, _ := strings.Cut(shards[0].summary.Load.Shard, "/")
	for _, f := range shards {
		_, n, _ := strings.Cut(f.summary.Load.Shard, "/")
		if n != of || seen[f.summary.Load.Shard] || !f.sameRun(shards[0]) {
			return cli.WithHint(cli.Usagef("%s holds shards of several runs", name), "give each run a folder of its own, and name them parted by commas")
		}
		seen[f.summary.Load.Shard] = true
	}
	if strconv.Itoa(len(shards)) != of {
		return cli.WithHint(cli.Usagef("%s holds %d of %s shards of a run", name, len(shards), of), "the others belong into the same folder")
	}
	return nil
}

func (o *options) foreign(path string) ([]compare.Run, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, cli.Usage(err)
	}
	runs, err := results.Read(results.File{Name: path, Text: text, Beside: func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(filepath.Dir(path), name)) }})
	if err != nil {
		return nil, cli.Usage(err)
	}
	if o.benchmark > len(runs) {
		return nil, cli.Usagef("--benchmark %d: %s holds %d", o.benchmark, path, len(runs))
	}
	if o.benchmark > 0 {
		return runs[o.benchmark-1 : o.benchmark], nil
	}
	for _, r := range runs {
		if r.About.Load != runs[0].About.Load {
			return nil, cli.WithHint(cli.Usagef("%s holds %d benchmarks of different loads: %s, %s, …", path, len(runs), runs[0].About.Load, r.About.Load), "choose one with --benchmark N")
		}
	}
	return runs, nil
}
