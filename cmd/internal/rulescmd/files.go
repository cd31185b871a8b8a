package rulescmd

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
	"llmops/cmd/internal/rulefiles"
	"llmops/rules/defaults"
)

// kind is what a file holds.
type kind string

const (
	kindRules  kind = "rules"
	kindTests  kind = "tests"
	kindRoutes kind = "routes"
	kindSLO    kind = "objectives"
	kindOther  kind = ""
)

// A document is a file that was named, or found in a folder that was.
type document struct {
	name  string
	data  []byte
	kind  kind
	found bool // in a folder
}

// mostBytes is more than any of the readers takes.
const mostBytes = 16<<20 + 1

// documents reads the files that names stand for: files, folders of .yaml and .yml
// files, "-", and @defaults/NAME.
func documents(app *cli.App, names []string) ([]document, error) {
	var out []document
	var paths []string
	for _, name := range names {
		shipped, ok := strings.CutPrefix(name, defaults.Prefix)
		if !ok {
			paths = append(paths, name)
			continue
		}
		data, err := shippedFile(shipped)
		if err != nil {
			return nil, err
		}
		out = append(out, document{name: name, data: data, kind: kindOf(data)})
	}
	sources, err := inputs.Walk(paths, app.In)
	if err != nil {
		return nil, cli.WithHint(cli.Usage(err), "%s", strings.Replace(inputs.Hint(err), "a log file", "a rule file", 1))
	}
	for _, s := range sources {
		if s.Found && !slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(s.Name)) {
			continue
		}
		f, err := s.Open()
		if err != nil {
			return nil, cli.Usage(err)
		}
		data, err := io.ReadAll(io.LimitReader(f, mostBytes))
		_ = f.Close() // it was read
		if err != nil {
			return nil, cli.Usage(fmt.Errorf("read %s: %w", s.Name, err))
		}
		out = append(out, document{name: s.Name, data: data, kind: kindOf(data), found: s.Found})
	}
	return out, nil
}

// shippedFile is a file that ships: rules, or the routes.
func shippedFile(name string) ([]byte, error) {
	if data, err := defaults.Rules.ReadFile(name + defaults.Extension); err == nil {
		return data, nil
	}
	if data, err := defaults.Routes.ReadFile(name + defaults.Extension); err == nil {
		return data, nil
	}
	if data, err := defaults.Objectives.ReadFile(name + defaults.Extension); err == nil {
		return data, nil
	}
	err := cli.Usagef("no file %s%s ships with llmops", defaults.Prefix, name)
	if near := cli.Nearest(name, slices.Values(rulefiles.Shipped())); near != "" {
		return nil, cli.WithHint(err, "did you mean %s%s?", defaults.Prefix, near)
	}
	return nil, cli.WithHint(err, "rules that ship: %s", strings.Join(rulefiles.Shipped(), ", "))
}

// topKey is a key of the outermost mapping, in any of the usual styles.
var topKey = regexp.MustCompile(`(?m)^["']?(groups|rule_files|tests|route|receivers|slos|apiVersion)["']?\s*:`)

// kindOf tells what a file holds by its keys. A file that is no YAML is told by what
// looks like a key, so that its own reader can say what is wrong.
func kindOf(data []byte) kind {
	keys := map[string]bool{}
	var root yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&root); err == nil && len(root.Content) > 0 {
		for i := 0; i+1 < len(root.Content[0].Content); i += 2 {
			keys[root.Content[0].Content[i].Value] = true
		}
	} else {
		for _, m := range topKey.FindAllSubmatch(data, -1) {
			keys[string(m[1])] = true
		}
	}
	switch {
	case keys["groups"]:
		return kindRules
	case keys["tests"], keys["rule_files"] && !keys["scrape_configs"] && !keys["alerting"] && !keys["global"]:
		return kindTests
	case keys["route"], keys["receivers"]:
		return kindRoutes
	case keys["slos"], keys["apiVersion"] && bytes.Contains(data, []byte("openslo/")):
		return kindSLO
	}
	return kindOther
}

// ruleFields are what a file, a group and a rule may have.
var ruleFields = [][]string{
	{"groups"},
	{"name", "interval", "query_offset", "limit", "labels", "rules"},
	{"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"},
}

// withoutUnknown leaves out the fields of a rule file that Prometheus does not know,
// such as those of other systems. What it cannot read stays as it is.
func withoutUnknown(data []byte) []byte {
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil || len(root.Content) == 0 {
		return data
	}
	dropUnknown(root.Content[0], 0)
	out, err := yaml.Marshal(&root)
	if err != nil {
		return data
	}
	return out
}

func dropUnknown(n *yaml.Node, level int) {
	if level == len(ruleFields) || n.Kind != yaml.MappingNode {
		return
	}
	var kept []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !slices.Contains(ruleFields[level], key.Value) && key.Tag != "!!merge" {
			continue
		}
		kept = append(kept, key, value)
		if value.Kind == yaml.SequenceNode && (key.Value == "groups" || key.Value == "rules") {
			for _, item := range value.Content {
				dropUnknown(item, level+1)
			}
		}
	}
	n.Content = kept
}
