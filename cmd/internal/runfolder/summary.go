package runfolder

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
)

// ReadSummary reads the summary.json at path; nil: there is none. Errors are of usage
// and say where in the file something is wrong.
func ReadSummary(path string) (*loadreport.Summary, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, cli.Usage(err)
	}
	var s loadreport.Summary
	if err := json.Unmarshal(text, &s); err != nil {
		if e, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, at(path, text, e.Offset-1, "no JSON: "+err.Error())
		}
		if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && e.Field != "" {
			return nil, at(path, text, e.Offset-1, "\""+e.Field+"\" cannot be a "+e.Value)
		} else if ok {
			return nil, at(path, text, e.Offset-1, "it is no object")
		}
		return nil, at(path, text, 0, err.Error())
	}
	if s.Schema != loadreport.Schema {
		return nil, cli.Usagef("%s: its schema is %q, not %q", path, s.Schema, loadreport.Schema)
	}
	return &s, nil
}

// at is an error of usage with the line and column of an offset.
func at(path string, text []byte, offset int64, what string) error {
	before := text[:max(0, min(int(offset), len(text)))]
	line, column := bytes.Count(before, []byte("\n"))+1, len(before)-bytes.LastIndexByte(before, '\n')
	return cli.WithHint(cli.Usagef("%s:%d:%d: %s", path, line, column, what), "the file was changed or broken off since the load test wrote it: run it again")
}
