package comparecmd

import (
	"path/filepath"
	"slices"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
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

// apart tells whether everything is there once. A run that a side names twice would show
// how far runs vary where nothing does, and beside itself nothing is worse.
func apart(a, b side) error {
	what, hint := "file", "a file counts once, on one side: record again"
	if a.kind == loadTest {
		what, hint = "run", "a run counts once, on one side: run the load test again"
	}
	seen := map[string]string{}
	for _, s := range []side{a, b} {
		paths, err := s.paths()
		if err != nil {
			return cli.Usage(err)
		}
		for _, path := range paths {
			real, err := filepath.EvalSymlinks(path)
			if err != nil {
				return cli.Usage(err)
			}
			if real, err = filepath.Abs(real); err != nil {
				return cli.Usage(err)
			}
			switch first, is := seen[real]; {
			case is && first == path:
				return cli.WithHint(cli.Usagef("%s is named twice", path), "%s", hint)
			case is:
				return cli.WithHint(cli.Usagef("%s and %s are the same %s", first, path, what), "%s", hint)
			}
			seen[real] = path
		}
	}
	return nil
}

// paths are those of all that a side is made of.
func (s side) paths() (list []string, err error) {
	for _, p := range s.parts {
		list = append(list, p.path)
	}
	sources, err := inputs.Walk(s.files, nil)
	for _, source := range sources {
		list = append(list, source.Name)
	}
	return list, err
}
