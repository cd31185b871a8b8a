package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
)

const (
	configName    = "llmops.yaml"
	configMaxSize = 1 << 20 // bytes; a larger file is no configuration
)

// configFile holds the settings of a file by command path and flag:
// "loadtest concurrency", and "color" for what every command shares.
type configFile struct {
	name, origin string // "" when there is none
	settings     map[string]setting
}

type setting struct {
	values []string
	at     string // file:line:column
}

// lookup finds a flag of cmd: in the section of the command, and for a shared
// flag also at the top of the file.
func (c *configFile) lookup(cmd *cobra.Command, flag string, shared bool) (setting, bool) {
	s, ok := c.settings[strings.Join(append(commandPath(cmd), flag), " ")]
	if !ok && shared {
		s, ok = c.settings[flag]
	}
	return s, ok
}

// readConfig reads the file that --config, $LLMOPS_CONFIG or the working
// directory names, and checks it against every command of the tree, so that a
// wrong key shows with the first command and not with the one it is meant for.
func (a *App) readConfig(root *cobra.Command) (*configFile, error) {
	name, origin, required := a.configFile, "flag", true
	if name == "" {
		name, origin = a.env("LLMOPS_CONFIG"), "env LLMOPS_CONFIG"
	}
	if name == "" {
		name, origin, required = configName, "default", false
	}
	c := &configFile{settings: map[string]setting{}}
	data, err := readSmall(name)
	if !required && errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, Usage(fmt.Errorf("read configuration: %w", err))
	}
	c.name, c.origin = name, origin
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF): // an empty file, or comments alone
		return c, nil
	case err != nil:
		return nil, Usagef("%s: %s", name, yamlMessage(err))
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, Usagef("%s: more than one YAML document", name)
	}
	if err := c.section(name, root, doc.Content[0]); err != nil {
		return nil, Usage(err)
	}
	return c, nil
}

func readSmall(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, configMaxSize+1))
	if err == nil && len(data) > configMaxSize {
		err = fmt.Errorf("%s: larger than %d bytes", name, configMaxSize)
	}
	return data, err
}

// section reads the mapping n of command cmd: its flags and its subcommands.
func (c *configFile) section(file string, cmd *cobra.Command, n *yaml.Node) error {
	at := func(n *yaml.Node) string { return fmt.Sprintf("%s:%d:%d", file, n.Line, n.Column) }
	path := commandPath(cmd)
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil // a section with nothing in it yet
	}
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("%s: %s must be a mapping of flags to values", at(n), sectionName(path))
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		if sub := subcommand(cmd, key.Value); sub != nil {
			if err := c.section(file, sub, value); err != nil {
				return err
			}
			continue
		}
		if !slices.Contains(configKeys(cmd), key.Value) {
			err := fmt.Errorf("%s: unknown key %q in %s", at(key), key.Value, sectionName(path))
			if near := Nearest(key.Value, slices.Values(configKeys(cmd))); near != "" {
				return WithHint(err, "did you mean %s?", near)
			}
			return WithHint(err, "the keys are the long names of the flags, see %q", cmd.CommandPath()+" --help")
		}
		name := strings.Join(append(slices.Clone(path), key.Value), " ")
		if _, twice := c.settings[name]; twice {
			return fmt.Errorf("%s: %s is set twice", at(key), key.Value)
		}
		values, bad := scalars(value)
		if bad != nil {
			return fmt.Errorf("%s: %s must be a value or a list of values", at(bad), key.Value)
		}
		c.settings[name] = setting{values, at(value)}
	}
	return nil
}

// scalars is the text of a scalar or of a list of scalars, as it stands in the
// file: what a number or a date means is for the flag to say.
func scalars(n *yaml.Node) (values []string, bad *yaml.Node) {
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag != "!!null":
		return []string{n.Value}, nil
	case n.Kind == yaml.SequenceNode:
		values = []string{}
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode || item.Tag == "!!null" {
				return nil, item
			}
			values = append(values, item.Value)
		}
		return values, nil
	}
	return nil, n
}

func subcommand(cmd *cobra.Command, name string) *cobra.Command {
	for _, c := range cmd.Commands() {
		if c.Name() == name && c.IsAvailableCommand() {
			return c
		}
	}
	return nil
}

// configKeys are the names that may stand in the section of cmd.
func configKeys(cmd *cobra.Command) []string {
	var keys []string
	for _, f := range configurable(cmd) {
		if !f.Hidden {
			keys = append(keys, f.Name)
		}
	}
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			keys = append(keys, c.Name())
		}
	}
	slices.Sort(keys)
	return keys
}

func sectionName(path []string) string {
	if len(path) == 0 {
		return "the file"
	}
	return fmt.Sprintf("section %q", strings.Join(path, "."))
}

// yamlMessage drops the prefix that names a library.
func yamlMessage(err error) string {
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), "yaml: "), "unmarshal errors:\n  ")
}
