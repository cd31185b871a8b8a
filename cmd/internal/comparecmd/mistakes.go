package comparecmd

import (
	"cmp"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"slices"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
	"llmops/cmd/internal/runfolder"
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
func apart(a, b side, same func(x, y source) (bool, error)) error {
	what, hint := "file", "a file counts once, on one side: record again"
	if a.kind == loadTest {
		what, hint = "run", "a run counts once, on one side: run the load test again"
	}
	var seen []source
	for _, s := range []side{a, b} {
		list, err := s.sources()
		if err != nil {
			return cli.Usage(err)
		}
		for _, x := range list {
			for _, first := range seen {
				switch is, err := same(first, x); {
				case err != nil:
					return cli.Usage(err)
				case is && first.name == x.name:
					return cli.WithHint(cli.Usagef("%s is named twice", x.name), "%s", hint)
				case is:
					return cli.WithHint(cli.Usagef("%s and %s are the same %s", first.name, x.name, what), "%s", hint)
				}
			}
			seen = append(seen, x)
		}
	}
	return nil
}

// source is something that a side is made of, and the file that tells it from others.
type source struct {
	name, file string
	info       os.FileInfo
}

// sources are all that a side is made of.
func (s side) sources() (list []source, err error) {
	for _, p := range s.parts {
		list = append(list, source{name: p.path, file: p.file()})
	}
	files, err := inputs.Walk(s.files, nil)
	for _, f := range files {
		list = append(list, source{name: f.Name, file: f.Name})
	}
	for i := range list {
		info, cannot := os.Stat(list[i].file)
		list[i].info, err = info, cmp.Or(err, cannot)
	}
	return list, err
}

// file is the one with the requests, or else what there is.
func (p part) file() string {
	for _, name := range []string{runfolder.Requests, runfolder.Summary} {
		if file := filepath.Join(p.path, name); p.folder && regular(file) {
			return file
		}
	}
	return p.path
}

// linked tells whether two names are of one file.
func linked(x, y source) (bool, error) { return os.SameFile(x.info, y.info), nil }

// copied tells whether two files hold the same: no two load tests have the same requests
// at the same times.
func copied(x, y source) (bool, error) {
	if n := x.info.Size(); n == 0 || n != y.info.Size() || !x.info.Mode().IsRegular() || !y.info.Mode().IsRegular() {
		return false, nil
	}
	a, err := digest(x.file)
	if err != nil {
		return false, err
	}
	b, err := digest(y.file)
	return a == b, err
}

func digest(file string) (sum [sha256.Size]byte, err error) {
	f, err := os.Open(file)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return [sha256.Size]byte(h.Sum(nil)), err
}
