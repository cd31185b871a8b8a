package rulescmd

import (
	"io"
	"maps"
	"slices"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/rulefiles"
	"llmops/rules/canonical"
	"llmops/rules/catalog"
)

// canonicalOptions say for which rules, and of what, the names of the catalogue are made.
type canonicalOptions struct {
	on      bool
	rules   []string
	systems []string
}

// exportCanonical writes recording rules that give a live server the names of the
// catalogue.
func exportCanonical(app *cli.App, o *options) error {
	c, err := catalog.Load()
	if err != nil {
		return cli.Failed(err)
	}
	opt := canonical.Options{Systems: o.canonical.systems}
	for _, id := range opt.Systems {
		if _, ok := c.System(id); ok {
			continue
		}
		known := map[string]bool{}
		for _, s := range c.Systems {
			known[s.ID] = true
		}
		err := cli.Usagef("--system: no system is called %q", id)
		if near := cli.Nearest(id, maps.Keys(known)); near != "" {
			return cli.WithHint(err, "did you mean %s?", near)
		}
		return cli.WithHint(err, "the systems are %s", render.List(slices.Sorted(maps.Keys(known)), len(known)))
	}
	if len(o.canonical.rules) > 0 {
		files, err := rulefiles.Load(o.canonical.rules...)
		if err != nil {
			return err
		}
		if opt.Names, opt.Recorded, err = canonical.Looked(rulefiles.Groups(files)); err != nil {
			return cli.Usage(err)
		}
	}
	made, err := canonical.Rules(c, opt)
	if err != nil {
		return cli.Usage(err)
	}
	err = o.out.Write(app, func(w io.Writer) error {
		if o.json() {
			return made.File.WriteJSON(w, nil)
		}
		return made.File.WriteYAML(w)
	})
	if err == nil && len(made.Missing) > 0 {
		app.Warnf("nothing of these systems tells of %s", render.List(made.Missing, 5))
	}
	return err
}
