package comparecmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/compare"
	"llmops/analysis/series"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
	"llmops/rules/catalog"
)

// series compares two recordings.
func (o *options) series(ctx context.Context, app *cli.App, a, b side) (out compare.Comparison, err error) {
	c, err := catalog.Load()
	if err != nil {
		return out, cli.Failed(err)
	}
	before, err := o.recording(ctx, app, a, c)
	if err != nil {
		return out, err
	}
	after, err := o.recording(ctx, app, b, c)
	if err != nil {
		return out, err
	}
	if err := apart(a, b, linked); err != nil {
		return out, err
	}
	var list []compare.Recording
	for _, name := range slices.Sorted(maps.Keys(before)) {
		x, y := before[name], after[name]
		if y == nil {
			continue
		}
		r := compare.Recording{Name: name, Metric: x.metric, Before: x.values(), After: y.values()}
		if m, ok := c.Lookup(x.metric); ok && !x.rate {
			r.Unit = m.Unit
		}
		if x.rate {
			r.Unit = "1/s"
		}
		list = append(list, r)
	}
	if len(list) == 0 {
		hint := "series are the same if name and labels are"
		if len(o.by) == 0 {
			hint += "; --by LABEL looks at these labels only"
		}
		return out, cli.WithHint(cli.NoVerdict(errors.New("the recordings have no series in common")), "%s", hint)
	}
	if err := o.named(list, c); err != nil {
		return out, err
	}
	out = compare.Recorded(list, o.judged)
	if n, m := len(before)-len(list), len(after)-len(list); n+m > 0 {
		out.Warnings = append(out.Warnings, fmt.Sprintf("%d series are in the baseline only and %d in the candidate only", n, m))
	}
	return out, nil
}

// named finds metrics that were asked for and that the sides do not have in common: one
// that is missing must not pass.
func (o *options) named(list []compare.Recording, c catalog.Catalog) error {
	for _, name := range o.names {
		if slices.ContainsFunc(list, func(r compare.Recording) bool { return r.Metric == name }) {
			continue
		}
		err := cli.Usagef("--metrics: the recordings have no series of %q in common", name)
		if near := c.Near(name, 1); len(near) > 0 && near[0] != name {
			return cli.WithHint(err, "did you mean %s?", near[0])
		}
		return cli.WithHint(err, "leave out --metrics to see what they have in common")
	}
	return nil
}

// group is what of a recording is one series: means over its series at each time.
type group struct {
	metric string
	rate   bool // of a counter, by second
	sum    map[int64]float64
	n      map[int64]float64
}

// add counts a value, if it is a number.
func (g *group) add(t int64, v float64) {
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		g.sum[t] += v
		g.n[t]++
	}
}

func (g *group) values() []float64 {
	var list []float64
	for _, t := range slices.Sorted(maps.Keys(g.sum)) {
		list = append(list, g.sum[t]/g.n[t])
	}
	return list
}

func (o *options) recording(ctx context.Context, app *cli.App, s side, c catalog.Catalog) (map[string]*group, error) {
	sources, err := inputs.Walk(s.files, app.In)
	if err != nil {
		return nil, cli.Usage(err)
	}
	store, summary, err := series.Read(ctx, sources, series.Options{})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if unknown, ok := errors.AsType[*series.UnknownFormatError](err); ok {
		return nil, cli.WithHint(cli.Usage(err), "%s", unknown.Hint())
	}
	if err != nil {
		return nil, cli.Usage(err)
	}
	if summary.Malformed > 0 {
		app.Warnf("%s: %d rows or cells could not be read and are in no figure", s.name, summary.Malformed)
	}
	groups := map[string]*group{}
	for _, x := range series.Canonical(store, c).Series() {
		o.put(groups, x, c)
	}
	if len(groups) == 0 {
		return nil, cli.NoVerdict(fmt.Errorf("%s holds no series that can be compared", s.name))
	}
	return groups, nil
}

// put adds a series to its group. One that also goes by a canonical name counts under
// that alone; buckets of histograms are no values.
func (o *options) put(groups map[string]*group, x *series.Series, c catalog.Catalog) {
	name := x.Name()
	if canonical, _, ok := c.Resolve(name); ok && canonical != name && x.Original() || strings.HasSuffix(name, "_bucket") {
		return
	}
	if len(o.names) > 0 && !slices.Contains(o.names, name) {
		return
	}
	ls := x.Labels()
	if len(o.by) > 0 {
		ls = labels.NewBuilder(ls).Keep(append([]string{model.MetricNameLabel}, o.by...)...).Labels()
	}
	key := text(ls)
	g := groups[key]
	if g == nil {
		g = &group{metric: name, rate: x.Kind() == series.Counter, sum: map[int64]float64{}, n: map[int64]float64{}}
		groups[key] = g
	}
	if !g.rate {
		for t, v := range x.Points() {
			g.add(t, v)
		}
		return
	}
	last, _ := x.Bounds()
	for t, v := range x.Increases() {
		if t > last {
			g.add(t, v/(float64(t-last)/1000))
		}
		last = t
	}
}

// text is a series as people write it.
func text(ls labels.Labels) string {
	name := ls.Get(model.MetricNameLabel)
	rest := labels.NewBuilder(ls).Del(model.MetricNameLabel).Labels()
	if rest.IsEmpty() {
		return name
	}
	return name + rest.String()
}
