package rulescmd

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/rulefiles"
	"llmops/rules/alert"
	"llmops/rules/alert/routing"
	"llmops/rules/defaults"
)

// exportPacks writes rules that ship.
func exportPacks(app *cli.App, o *options) error {
	names := slices.Clone(o.packs)
	if len(names) == 0 {
		names = rulefiles.Shipped()
	}
	for i := range names {
		names[i] = strings.TrimPrefix(names[i], defaults.Prefix)
		if !slices.Contains(rulefiles.Shipped(), names[i]) {
			err := cli.Usagef("no pack is called %q", names[i])
			if near := cli.Nearest(names[i], slices.Values(rulefiles.Shipped())); near != "" {
				return cli.WithHint(err, "did you mean %s?", near)
			}
			return cli.WithHint(err, "the packs are %s", strings.Join(rulefiles.Shipped(), ", "))
		}
	}
	slices.Sort(names)
	text, err := together(slices.Compact(names))
	if err != nil {
		return err
	}
	file, err := alert.Read("the packs together", bytes.NewReader(text))
	if err != nil {
		return cli.Failed(err)
	}
	return o.out.Write(app, func(w io.Writer) error {
		if o.json() {
			return file.WriteJSON(w, nil)
		}
		_, err := w.Write(text)
		return err
	})
}

// together makes one rule file of several, with their comments: they all have the one
// key groups, and their groups have different names.
func together(names []string) ([]byte, error) {
	var b bytes.Buffer
	for _, name := range names {
		data, err := rulefiles.Default(name)
		if err != nil {
			return nil, err
		}
		head, groups, ok := bytes.Cut(data, []byte("\ngroups:\n"))
		if !ok {
			return nil, cli.Failed(fmt.Errorf("%s%s: no line \"groups:\" alone", defaults.Prefix, name))
		}
		if b.Len() > 0 {
			b.WriteString("\n" + indentComment(head) + "\n")
		} else {
			b.Write(head)
			b.WriteString("\ngroups:\n")
		}
		b.Write(groups)
	}
	return b.Bytes(), nil
}

// indentComment puts the head of a file into the list of groups of another one.
func indentComment(head []byte) string {
	lines := strings.Split(strings.TrimSpace(string(head)), "\n")
	for i, line := range lines {
		lines[i] = "  " + line
	}
	return strings.Join(lines, "\n")
}

// exportRoutes writes routes as Alertmanager reads them.
func exportRoutes(app *cli.App, o *options) error {
	name := o.routes
	if name == "" {
		name = shippedRoutes
	}
	data, err := routesData(name)
	if err != nil {
		return err
	}
	c, err := routing.Read(name, bytes.NewReader(data))
	if err != nil {
		return cli.Usage(err)
	}
	var warnings []string
	err = o.out.Write(app, func(w io.Writer) error {
		warnings, err = c.Alertmanager(w)
		return err
	})
	if err != nil {
		return err
	}
	for _, w := range warnings {
		app.Warnf("%s", w)
	}
	return nil
}

func routesData(name string) ([]byte, error) {
	data, err := dataOf(name)
	if err != nil && !strings.HasPrefix(name, defaults.Prefix) {
		return nil, cli.WithHint(cli.Usage(err), "%s are the routes that ship", shippedRoutes)
	}
	return data, err
}
