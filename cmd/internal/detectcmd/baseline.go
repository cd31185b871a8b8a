package detectcmd

import (
	"context"

	"llmops/analysis/detect"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
)

// A baseline has the rows of a healthy period by series.
type baseline map[string][]detect.Row

func (o *options) readBaseline(ctx context.Context, app *cli.App) (baseline, error) {
	if o.baseline == "" {
		return nil, nil
	}
	sources, err := inputs.Walk([]string{o.baseline}, app.In)
	if err != nil {
		return nil, cli.WithHint(cli.Usage(err), "%s", inputs.Hint(err))
	}
	b := baseline{}
	for _, source := range sources {
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
