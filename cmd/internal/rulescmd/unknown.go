package rulescmd

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

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
