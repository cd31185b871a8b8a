package initcmd

import (
	"bytes"
	"embed"
	"fmt"
	"strconv"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/configcmd"
	"llmops/cmd/internal/render"
)

//go:embed templates
var templates embed.FS

// file is one that is written.
type file struct {
	name, about, text string
}

// The files for people.
const (
	settingsFile   = "llmops.yaml"
	objectivesFile = "slo.yaml"
)

// fileNames are those of the files, in the order in which they are written.
func fileNames(schemas bool) []string {
	names := []string{settingsFile, objectivesFile}
	if schemas {
		names = append(names, schemaOf(settingsFile), schemaOf(objectivesFile))
	}
	return names
}

func schemaOf(name string) string { return strings.TrimSuffix(name, ".yaml") + ".schema.json" }

// files are the settings and objectives for e, with the schemas if they are wanted.
func (e endpoint) files(root *cobra.Command) ([]file, error) {
	abouts := []string{"settings" + e.about(), "objectives", "what an editor needs to complete and check " + settingsFile, "the same for " + objectivesFile}
	var list []file
	for i, name := range fileNames(e.Schemas) {
		var text string
		var err error
		switch name {
		case schemaOf(settingsFile):
			text, err = configcmd.Schema(root, configcmd.ConfigSchema)
		case schemaOf(objectivesFile):
			text, err = configcmd.Schema(root, configcmd.SLOSchema)
		default:
			text, err = e.fill(name)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, file{name, abouts[i], text})
	}
	return list, nil
}

// about is what the settings are for, in words.
func (e endpoint) about() string {
	var parts []string
	if e.Engine != "" {
		parts = append(parts, oneLine(e.Name()))
	}
	if len(e.Models) > 0 {
		parts = append(parts, "model "+oneLine(e.Models[0]))
	}
	if len(parts) == 0 {
		return ""
	}
	return " for " + strings.Join(parts, ", ")
}

func (e endpoint) fill(name string) (string, error) {
	// Texts of others are quoted as in Go, whose escapes are those of YAML: JSON would leave
	// characters as they are that end a line there, or that it refuses.
	t, err := template.New(name+".tmpl").Funcs(template.FuncMap{"quote": strconv.Quote, "comment": oneLine}).ParseFS(templates, "templates/"+name+".tmpl")
	if err != nil {
		return "", fmt.Errorf("read the template of %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, e); err != nil {
		return "", fmt.Errorf("fill the template of %s: %w", name, err)
	}
	return out.String(), nil
}

// oneLine is text of others as it may stand in a comment or on a terminal.
func oneLine(s string) string { return strings.Join(strings.Fields(render.Clean(s)), " ") }
