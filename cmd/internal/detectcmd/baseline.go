package detectcmd

import (
	"context"
	"path/filepath"
	"slices"

	"llmops/analysis/accesslog"
	"llmops/analysis/detect"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
)

// A baseline has the rows of a healthy period by series.
type baseline map[string][]detect.Row

// readBaseline reads what is learnt from before anything is judged.
func (o *options) readBaseline(ctx context.Context, app *cli.App, p places) (baseline, error) {
	if o.baseline == "" {
		return nil, nil
	}
	taught := map[string]bool{}
	for _, source := range p.healthy {
		taught[placeOf(source)] = true
	}
	if !slices.ContainsFunc(p.sources, func(s accesslog.Source) bool { return !taught[placeOf(s)] }) {
		return nil, cli.WithHint(cli.Usagef("--baseline %s: that is what is to be judged, and nothing is unusual after itself", o.baseline), "name a file of another, healthy period")
	}
	b := baseline{}
	for _, source := range p.healthy {
		f, err := o.read(ctx, app, source)
		if err != nil {
			return nil, err
		}
		if f == nil { // it was passed over
			continue
		}
		for i := range f.len() {
			name := f.seriesName(i)
			for r := range f.rows(i) {
				b[name] = append(b[name], r)
			}
		}
	}
	if len(b) == 0 {
		return nil, cli.WithHint(cli.Usagef("--baseline %s: there is no sample in it", o.baseline), "without --baseline a series is judged by its own past alone")
	}
	return b, nil
}

// placeOf is the place of a source, which may have several names.
func placeOf(source accesslog.Source) string {
	if source.Open == nil || source.Name == inputs.Stdin {
		return source.Name
	}
	full, err := filepath.Abs(source.Name)
	if err != nil { // then it is known by its name alone
		return source.Name
	}
	return resolved(full)
}

// of are the healthy rows of a series. Where both the file and the baseline hold one
// series, it is the same, whatever the column is called.
func (b baseline) of(f *file, i int) []detect.Row {
	if r, ok := b[f.seriesName(i)]; ok || len(b) != 1 || f.len() != 1 {
		return r
	}
	for _, r := range b {
		return r
	}
	return nil
}
