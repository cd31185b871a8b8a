package detectcmd

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"llmops/analysis/accesslog"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
)

// places are the inputs, and with --out-dir the file for each.
type places struct {
	sources []accesslog.Source
	healthy []accesslog.Source // of the baseline
	outputs []string
}

func (o *options) places(app *cli.App, args []string) (places, error) {
	var p places
	if o.server(args) {
		p.sources = []accesslog.Source{{Name: "prometheus"}}
	} else {
		sources, err := inputs.Walk(args, app.In)
		if err != nil {
			return p, cli.WithHint(cli.Usage(err), "%s", strings.Replace(inputs.Hint(err), "a log file", "a metric file", 1))
		}
		if len(sources) == 0 {
			return p, cli.WithHint(cli.Usagef("no file to read in %s", strings.Join(args, ", ")), "name metric files, or folders that hold some")
		}
		p.sources = sources
	}
	if o.baseline != "" {
		var err error
		if p.healthy, err = inputs.Walk([]string{o.baseline}, app.In); err != nil {
			return p, cli.WithHint(cli.Usage(err), "%s", inputs.Hint(err))
		}
	}
	inputsAt := map[string]string{} // names, by place
	for _, s := range slices.Concat(p.sources, p.healthy) {
		inputsAt[placeOf(s)] = s.Name
	}
	full := make([]string, len(p.sources))
	for i, s := range p.sources {
		name := s.Name
		if name == inputs.Stdin {
			name = "stdin"
		}
		var err error
		if full[i], err = filepath.Abs(name); err != nil {
			return p, cli.Failed(err)
		}
	}
	if o.outDir == "" {
		return p, o.keepInputs(inputsAt)
	}
	root := commonFolder(full)
	dir, err := filepath.Abs(o.outDir)
	if err != nil {
		return p, cli.Failed(err)
	}
	taken := map[string]string{}
	for i, at := range full {
		relative, err := filepath.Rel(root, at)
		if err != nil {
			return p, cli.Failed(err)
		}
		out := filepath.Join(dir, o.outputName(relative))
		if name, ok := inputsAt[resolved(out)]; ok {
			return p, cli.WithHint(cli.Usagef("--out-dir %s: %s would be overwritten, which is an input", o.outDir, name), "name another folder")
		}
		if other, ok := taken[out]; ok {
			return p, cli.WithHint(cli.Usagef("--out-dir: what is found in %s and %s would be the same file", other, p.sources[i].Name), "read them one at a time")
		}
		taken[out] = p.sources[i].Name
		p.outputs = append(p.outputs, out)
	}
	return p, nil
}

// keepInputs refuses --output where it would overwrite an input.
func (o *options) keepInputs(inputsAt map[string]string) error {
	if !o.output.ToFile() {
		return nil
	}
	out, err := filepath.Abs(o.output.File)
	if err != nil {
		return cli.Failed(err)
	}
	if _, ok := inputsAt[resolved(out)]; ok {
		return cli.WithHint(cli.Usagef("--output %s: an input would be overwritten", o.output.File), "name another file")
	}
	return nil
}

// resolved is where a file is, or would be, behind all links.
func resolved(name string) string {
	if at, err := filepath.EvalSymlinks(name); err == nil {
		return at
	}
	if dir := filepath.Dir(name); dir != name {
		return filepath.Join(resolved(dir), filepath.Base(name))
	}
	return name
}

// commonFolder is the deepest folder that all files are in.
func commonFolder(files []string) string {
	root := filepath.Dir(files[0])
	for _, f := range files[1:] {
		for root != filepath.Dir(root) && !strings.HasPrefix(f, strings.TrimSuffix(root, string(filepath.Separator))+string(filepath.Separator)) {
			root = filepath.Dir(root)
		}
	}
	return root
}

// outputName is the name of the file for an input: its own where it says what is in it,
// without the ending of a compression.
func (o *options) outputName(name string) string {
	for _, ending := range []string{".gz", ".zst"} {
		name = strings.TrimSuffix(name, ending)
	}
	want := "." + map[string]string{"table": "txt", "markdown": "md"}[o.output.Format]
	if want == "." {
		want += o.output.Format
	}
	if filepath.Ext(name) == want {
		return name
	}
	return name + want
}

// writeFile writes what was found in one input.
func (o *options) writeFile(app *cli.App, name string, r *report) error {
	r.sort()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return cli.Failed(err)
	}
	to := cli.Output{Format: o.output.Format, File: name}
	one := options{output: to, failOn: o.failOn}
	return cli.Failed(cli.WriteFile(name, func(w io.Writer) error { return one.shown(app, r)(w) }))
}
