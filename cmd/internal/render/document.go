package render

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
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

// YAML writes what JSON writes, with the same keys in the same order.
func YAML(w io.Writer, v any) error {
	var text bytes.Buffer
	if err := JSONLine(&text, v); err != nil {
		return err
	}
	dec := json.NewDecoder(&text)
	dec.UseNumber()
	node, err := yamlNode(dec)
	if err != nil {
		return fmt.Errorf("write YAML: %w", err)
	}
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(node), enc.Close()); err != nil {
		return fmt.Errorf("write YAML: %w", err)
	}
	return nil
}

// yamlNode reads one JSON value; a detour through a map would lose the order of keys.
func yamlNode(dec *json.Decoder) (*yaml.Node, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch v := tok.(type) {
	case json.Delim:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		if v == '[' {
			n = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		}
		for dec.More() { // in an object keys and values take turns
			child, err := yamlNode(dec)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, child)
		}
		if len(n.Content) == 0 {
			n.Style = yaml.FlowStyle
		}
		_, err := dec.Token() // the closing bracket
		return n, err
	case json.Number:
		n := &yaml.Node{Kind: yaml.ScalarNode, Value: v.String()} // the tag follows from the text
		return n, nil
	case nil:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
	}
	n := new(yaml.Node)
	return n, n.Encode(tok)
}
