package reportcmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
)

// document is a file that says by its schema what it is.
type document struct {
	name   string
	text   []byte
	schema string
}

// largest is the size of a document: a report of more could not be looked at.
const largest = 256 << 20

// raw is a document as it is, to stand in another.
func raw(text []byte) json.RawMessage { return json.RawMessage(text) }

// readerOf is what reads a schema; nil: nothing does.
func readerOf(schema string) func(document) (part, error) {
	switch schema {
	case "llmops.loadtest/v1":
		return readSummary
	case "llmops.budget/v1":
		return readBudget
	case "llmops.diagnosis/v1":
		return readDiagnosis
	case "llmops.alerts/v1":
		return readAlerts
	case "llmops.anomalies/v1":
		return readAnomalies
	case "llmops.snapshot/v1":
		return readSnapshots
	case "llmops.compare/v1":
		return readComparison
	case "llmops.rulecheck/v1":
		return readRuleCheck
	}
	return nil
}

// head is how every document of llmops begins.
var head = regexp.MustCompile(`^(?:\x{FEFF})?\s*\{\s*"schema"\s*:\s*"(llmops\.([a-z]+)/v([0-9]+))"`)

// newer tells whether a schema is a later version of one that is read.
func newer(schema string) bool {
	name, version, _ := strings.Cut(schema, "/")
	return version != "v1" && readerOf(name+"/v1") != nil
}

// isDocument tells whether a file in a folder is one that is reported on.
func isDocument(path string) bool {
	switch filepath.Ext(path) {
	case ".json", ".jsonl", ".ndjson":
	default:
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	first, err := io.ReadAll(io.LimitReader(f, 512))
	if err != nil {
		return false
	}
	m := head.FindSubmatch(first)
	return m != nil && (readerOf(string(m[1])) != nil || newer(string(m[1])))
}

// load reads a file that was named, or the standard input. Errors are of usage.
func load(app *cli.App, name string) (document, error) {
	d := document{name: name}
	in := app.In
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return d, cli.Usage(err)
		}
		defer f.Close()
		in = f
	}
	var err error
	if d.text, err = io.ReadAll(io.LimitReader(in, largest+1)); err != nil {
		return d, cli.Usage(fmt.Errorf("read %s: %w", name, err))
	}
	if len(d.text) > largest {
		return d, cli.WithHint(cli.Usagef("%s is larger than %s", name, render.Size(int64(largest))), "report on a part of it")
	}
	d.text = bytes.TrimPrefix(d.text, []byte("\xEF\xBB\xBF"))
	return d, d.recognize()
}

// recognize finds out what d is.
func (d *document) recognize() error {
	var first struct {
		Schema *string `json:"schema"`
	}
	// The first value is enough: a recording has one a line.
	if err := json.NewDecoder(bytes.NewReader(d.text)).Decode(&first); err != nil {
		return d.broken(err, 0)
	}
	if first.Schema == nil {
		return cli.WithHint(cli.Usagef("%s:1:1: it does not say what it is: it has no \"schema\"", d.name), "a report is made of run folders, and of what other commands of llmops write with -o json")
	}
	d.schema = *first.Schema
	switch {
	case readerOf(d.schema) != nil:
		return nil
	case newer(d.schema):
		return cli.WithHint(cli.Usagef("%s: %s is of a later version than this llmops reads", d.place(d.schema), d.schema), "make the report with the llmops that wrote it, or a newer one")
	case strings.HasPrefix(d.schema, "llmops.request/"):
		return cli.WithHint(cli.Usagef("%s: single requests (%s) are no result", d.place(d.schema), d.schema), "name the folder of the load test, or judge them with \"llmops budget\" first")
	}
	return cli.WithHint(cli.Usagef("%s: there is no report on %q", d.place(d.schema), d.schema), "of load tests, budgets, diagnoses, alerts, anomalies, comparisons, checks of rules and snapshots there is")
}

// read makes a part of d. The views of other commands rely on what their analyses
// guarantee, such as an SLI where there are requests; a file that somebody edited
// guarantees nothing, and must not end the program.
func (d document) read() (p part, err error) {
	defer func() {
		if recover() != nil {
			p, err = part{}, cli.WithHint(cli.Usagef("%s: it is no %s as llmops writes it: parts of it are missing", d.name, d.schema), "write it again, with -o json")
		}
	}()
	return readerOf(d.schema)(d)
}

// place is file:line:column of a string value of the text.
func (d document) place(value string) string {
	quoted, err := json.Marshal(value)
	if err != nil {
		return d.name
	}
	return d.position(max(0, bytes.Index(d.text, quoted)))
}

func (d document) position(offset int) string {
	before := d.text[:min(offset, len(d.text))]
	line := bytes.Count(before, []byte("\n")) + 1
	return fmt.Sprintf("%s:%d:%d", d.name, line, len(before)-bytes.LastIndexByte(before, '\n'))
}

// decode reads the JSON value that begins at offset into v.
func (d document) decode(text []byte, offset int, v any) error {
	if err := json.Unmarshal(text, v); err != nil {
		return d.broken(err, offset)
	}
	return nil
}

// broken says where in the text something is wrong. Offsets in err count from start.
func (d document) broken(err error, start int) error {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return cli.Usagef("%s: no JSON: %w", d.position(start+max(0, int(e.Offset)-1)), err)
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if e.Field == "" {
			return cli.Usagef("%s: it is no object", d.position(start))
		}
		return cli.Usagef("%s: %q cannot be a %s", d.position(start+max(0, int(e.Offset)-1)), e.Field, e.Value)
	}
	if e, ok := errors.AsType[*time.ParseError](err); ok {
		return cli.Usagef("%s: %w", d.place(strings.Trim(e.Value, `"`)), err)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return cli.Usagef("%s: it ends before its JSON does", d.position(len(d.text)))
	}
	return cli.Usagef("%s: %w", d.position(start), err)
}

// unknown is the error of a verdict that nobody gives.
func (d document) unknown(verdict string) error {
	if verdict == "" {
		return cli.Usagef("%s:1:1: it has no \"verdict\", which every %s has", d.name, d.schema)
	}
	return cli.Usagef("%s: %q is no verdict of %s", d.place(verdict), verdict, d.schema)
}
