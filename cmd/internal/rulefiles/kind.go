package rulefiles

import (
	"bytes"
	"regexp"

	"go.yaml.in/yaml/v3"
)

// Kind is what a file holds.
type Kind string

// The kinds of files that have to do with rules.
const (
	Rules  Kind = "rules"
	Tests  Kind = "tests"
	Routes Kind = "routes"
	SLO    Kind = "objectives"
	// Faults are fault patterns and the signals that they are told by.
	Faults     Kind = "faults"
	FaultTests Kind = "fault_tests"
	Other      Kind = ""
)

// topKey is a key of the outermost mapping, in any of the usual styles.
var topKey = regexp.MustCompile(`(?m)^["']?(groups|rule_files|tests|route|receivers|slos|apiVersion|faults|signals|fault_tests|fault_files)["']?\s*:`)

// KindOf tells what a file holds by its keys. A file that is no YAML is told by what
// looks like a key, so that its own reader can say what is wrong.
func KindOf(data []byte) Kind {
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
		return Rules
	case keys["tests"], keys["rule_files"] && !keys["scrape_configs"] && !keys["alerting"] && !keys["global"]:
		return Tests
	case keys["route"], keys["receivers"]:
		return Routes
	case keys["fault_tests"], keys["fault_files"]:
		return FaultTests
	case keys["faults"], keys["signals"]:
		return Faults
	case keys["slos"], keys["apiVersion"] && bytes.Contains(data, []byte("openslo/")):
		return SLO
	}
	return Other
}
