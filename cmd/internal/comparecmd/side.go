package comparecmd

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"llmops/analysis/compare/results"
	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
	"llmops/cmd/internal/runfolder"
	"llmops/probes/request"
	"llmops/probes/snapshot"
)

// kind is what a side is, in the words of a message.
type kind string

const (
	loadTest   kind = "a load test"
	snapshotOf kind = "a snapshot"
	metrics    kind = "a recording of metrics"
)

// unlike is what a side is beside another. That something is a recording of metrics is
// known only when it was read as one.
func (k kind) unlike(other kind) kind {
	if k == metrics {
		return "no" + kind(strings.TrimPrefix(string(other), "a"))
	}
	return k
}

// side is one of the two, as far as it must be read to know what it is.
type side struct {
	name     string
	kind     kind
	parts    []part // of a load test
	snapshot *snapshot.Snapshot
	files    []string // of metrics, or of the snapshot
}

// part is a run folder, or a file of a load test.
type part struct {
	path    string
	folder  bool // of our own
	lines   bool // requests.jsonl alone
	summary bool // summary.json alone
	foreign bool
}

func open(args []string) (sides [2]side, err error) {
	for i, arg := range args {
		if sides[i], err = openSide(arg); err != nil {
			return sides, err
		}
	}
	return sides, nil
}

func openSide(arg string) (side, error) {
	paths := []string{arg}
	if _, err := os.Stat(arg); err != nil && strings.Contains(arg, ",") {
		paths = strings.Split(arg, ",")
	}
	s := side{name: arg}
	for _, path := range paths {
		if path == "" { // a variable of a script that is not set; Clean would make the working folder of it
			return s, cli.WithHint(cli.Usagef("%q: the name of a side, or of a part of it, is empty", arg), "name a run folder or a file, . is the working folder")
		}
		one, err := openPath(filepath.Clean(path))
		if err != nil {
			return s, err
		}
		switch {
		case s.kind == "":
			s.kind = one.kind
		case s.kind != one.kind:
			return s, cli.WithHint(cli.Usagef("%s holds %s and %s", arg, s.kind, one.kind), "the parts of a side must be of a kind")
		case s.kind == snapshotOf:
			return s, cli.Usagef("%s are several snapshots: compare two, one on each side", arg)
		}
		s.parts, s.files, s.snapshot = append(s.parts, one.parts...), append(s.files, one.files...), one.snapshot
	}
	return s, nil
}

func openPath(path string) (s side, err error) {
	info, err := os.Stat(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return s, cli.WithHint(cli.Usage(err), "%s", strings.Replace(inputs.Hint(err), "name a log file, a folder that holds some, or - for the standard input", "name a run folder, or a file of results, metrics or a snapshot", 1))
		}
		return s, cli.Usage(err)
	}
	if !info.IsDir() {
		return openFile(path)
	}
	if runfolder.Is(path) {
		return side{kind: loadTest, parts: []part{{path: path, folder: true}}}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return s, cli.Usage(err)
	}
	for _, name := range []string{"profile_export_aiperf.json", "summary_lifecycle_metrics.json"} {
		if file := filepath.Join(path, name); regular(file) {
			return openFile(file)
		}
	}
	var broken error
	add := func(file string) {
		parts, err := resultAt(file)
		s.parts, broken = append(s.parts, parts...), cmp.Or(broken, err)
	}
	for _, e := range entries {
		sub := filepath.Join(path, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case e.IsDir() && runfolder.Is(sub):
			s.parts = append(s.parts, part{path: sub, folder: true})
		case e.IsDir():
			inner, err := os.ReadDir(sub)
			if err != nil {
				return s, cli.Usage(err)
			}
			for _, x := range inner {
				add(filepath.Join(sub, x.Name()))
			}
		default:
			add(sub)
		}
	}
	if len(s.parts) > 0 {
		if broken != nil { // one result fewer would be another comparison
			return s, broken
		}
		s.kind = loadTest
		return s, nil
	}
	return side{kind: metrics, files: []string{path}}, nil
}

func regular(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// headSize is how much of a file is looked at to tell what it is. Results of other
// tools are read as a whole: their keys may stand anywhere.
const headSize = 4096

func openFile(path string) (s side, err error) {
	f, err := os.Open(path)
	if err != nil {
		return s, cli.Usage(err)
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, headSize))
	if err != nil {
		return s, cli.Usage(err)
	}
	if len(bytes.TrimSpace(head)) == 0 {
		return s, cli.WithHint(cli.Usagef("%s is empty", path), "it was not written to its end, or not yet")
	}
	test := func(p part) (side, error) { p.path = path; return side{kind: loadTest, parts: []part{p}}, nil }
	switch schema := schemaOf(head); schema {
	case request.Schema:
		beside := func(name string) bool { return regular(filepath.Join(filepath.Dir(path), name)) }
		if filepath.Base(path) == runfolder.Requests && (beside(runfolder.Summary) || beside(runfolder.Events)) {
			path = filepath.Dir(path)
			return test(part{folder: true})
		}
		return test(part{lines: true})
	case loadreport.Schema:
		if filepath.Base(path) == runfolder.Summary && regular(filepath.Join(filepath.Dir(path), runfolder.Requests)) {
			path = filepath.Dir(path)
			return test(part{folder: true})
		}
		return test(part{summary: true})
	case snapshot.Schema:
		if one, ok := single(path); ok {
			return side{kind: snapshotOf, snapshot: one, files: []string{path}}, nil
		}
		return side{kind: metrics, files: []string{path}}, nil
	default:
		if strings.HasPrefix(schema, "llmops.") {
			return s, cli.WithHint(cli.Usagef("%s: %q is nothing to compare", path, schema), "compared are load tests (%s), recordings of metrics and snapshots (%s)", loadreport.Schema, snapshot.Schema)
		}
	}
	if bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n\ufeff"), []byte("{")) {
		text, err := os.ReadFile(path)
		if err != nil {
			return s, cli.Usage(err)
		}
		if results.FormatOf(text) != "" {
			return test(part{foreign: true})
		}
	}
	return side{kind: metrics, files: []string{path}}, nil
}

// schemaOf is the schema that stands among the first keys of a JSON object.
func schemaOf(head []byte) string {
	dec := json.NewDecoder(bytes.NewReader(head))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return ""
	}
	for range 4 {
		key, err := dec.Token()
		if err != nil {
			return ""
		}
		value, err := dec.Token()
		text, ok := value.(string)
		if err != nil || key == "schema" && ok {
			return text
		}
		if _, nested := value.(json.Delim); nested {
			return ""
		}
	}
	return ""
}

// single reads a file that is one snapshot and no more: several are a recording.
func single(path string) (*snapshot.Snapshot, bool) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	dec := json.NewDecoder(f)
	var s snapshot.Snapshot
	if dec.Decode(&s) != nil || dec.More() {
		return nil, false
	}
	return &s, true
}
