package render

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// Formats are the formats of Write, the default first.
func Formats() []string { return []string{"table", "json", "yaml", "csv", "markdown"} }

// Write writes a result in one of Formats: doc for json and yaml, tables for
// the rest. width applies to the table form. Tables are parted by an empty line.
func Write(w io.Writer, format string, width int, doc any, tables ...*Table) error {
	switch format {
	case "json":
		return JSON(w, doc)
	case "yaml":
		return YAML(w, doc)
	}
	for i, t := range tables {
		if i > 0 {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		var err error
		switch format {
		case "csv":
			err = t.CSV(w)
		case "markdown":
			err = t.Markdown(w)
		case "table":
			err = t.Write(w, width)
		default:
			err = fmt.Errorf("unknown format %q", format)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// JSON writes v indented by two blanks, without HTML escapes, with a newline
// at the end. NaN and infinities are errors, never text.
func JSON(w io.Writer, v any) error {
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(&indenter{w: out})
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// JSONLine writes v as one line, for NDJSON.
func JSONLine(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}
