package comparecmd

import (
	"path/filepath"
	"slices"

	"llmops/cmd/internal/cli"
)

// fits finds flags that mean nothing for what is compared: a gate that is not there
// would pass.
func (o *options) fits(a, b side) error {
	foreign := slices.ContainsFunc(slices.Concat(a.parts, b.parts), func(p part) bool { return p.foreign })
	for _, x := range []struct {
		flag, of string
		idle     bool
	}{
		{"fail-on-drift", "snapshots", o.failOnDrift && a.kind != snapshotOf},
		{"by", "recordings of metrics", len(o.by) > 0 && a.kind != metrics},
		{"benchmark", "results of other tools", o.benchmark > 0 && !foreign},
	} {
		if x.idle {
			return cli.WithHint(cli.Usagef("--%s is of %s, and %s is %s", x.flag, x.of, a.name, a.kind), "leave it out, or name %s", x.of)
		}
	}
	return nil
}

// apart tells whether every run is there once. One that a side names twice would show
// how far runs vary where nothing does, and beside itself nothing is worse.
func apart(a, b side) error {
	seen := map[string]string{}
	for _, s := range []side{a, b} {
		for _, p := range s.parts {
			real, err := filepath.EvalSymlinks(p.path)
			if err != nil {
				return cli.Usage(err)
			}
			if real, err = filepath.Abs(real); err != nil {
				return cli.Usage(err)
			}
			switch first, is := seen[real]; {
			case is && first == p.path:
				return cli.WithHint(cli.Usagef("%s is named twice", p.path), "a run counts once, on one side: run the load test again")
			case is:
				return cli.WithHint(cli.Usagef("%s and %s are the same run", first, p.path), "a run counts once, on one side: run the load test again")
			}
			seen[real] = p.path
		}
	}
	return nil
}
