package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// ConfigSchema is the JSON Schema (2020-12) of a configuration file for the commands
// below root, as a document to be written as JSON. It refuses what readConfig refuses, as
// far as the type of a flag tells; what a text means (a duration, a distribution) is left
// to the flag.
func ConfigSchema(root *cobra.Command) map[string]any {
	doc := section(root)
	doc["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	doc["title"] = configName
	doc["description"] = "settings of llmops: a section for each command, its keys the long names of the flags"
	shared := map[string]any{}
	for _, f := range configurable(root) {
		shared[f.Name] = flagSchema(f)
	}
	doc["$defs"] = shared
	return doc
}

// section is the schema of the section of cmd: its flags and its commands.
func section(cmd *cobra.Command) map[string]any {
	properties := map[string]any{}
	for _, f := range configurable(cmd) {
		switch {
		case f.Hidden:
		case !cmd.HasParent() || cmd.InheritedFlags().Lookup(f.Name) == f:
			properties[f.Name] = map[string]any{"$ref": "#/$defs/" + f.Name}
		default:
			properties[f.Name] = flagSchema(f)
		}
	}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			properties[sub.Name()] = section(sub)
		}
	}
	return map[string]any{
		"type": []string{"object", "null"}, "additionalProperties": false,
		"description": cmd.Short, "properties": properties,
	}
}

// flagSchema is the schema of the value of f.
func flagSchema(f *pflag.Flag) map[string]any {
	value := scalarSchema(f)
	if _, many := f.Value.(pflag.SliceValue); many {
		value = map[string]any{"anyOf": []any{value, map[string]any{"type": "array", "items": value}}}
	}
	_, value["description"] = pflag.UnquoteUsage(f)
	if d := f.DefValue; d != "" && d != "[]" && !secretName(f.Name) {
		value["default"] = d
	}
	return value
}

func scalarSchema(f *pflag.Flag) map[string]any {
	if e, ok := f.Value.(*enum); ok {
		return map[string]any{"enum": e.values}
	}
	switch f.Value.Type() {
	case "bool":
		return map[string]any{"type": "boolean"}
	case "int", "int64":
		return map[string]any{"type": "integer"}
	case "uint", "uint64":
		return map[string]any{"type": "integer", "minimum": 0}
	case "float64":
		return map[string]any{"type": "number"}
	}
	return map[string]any{"type": []string{"string", "number", "boolean"}} // YAML takes 128 for a number
}
