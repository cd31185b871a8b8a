package render

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// Finding is something wrong at a place in a file.
type Finding struct {
	Check        string // its id
	Level        string // error, warning or note
	File         string
	Line, Column int // from 1; 0: not known. Columns are characters
	Message      string
	Hint         string // what to do about it; may be empty
}

// SARIFRule explains what findings of a check are about.
type SARIFRule struct{ ID, About string }

// SARIF 2.1.0 (OASIS), the parts of it that are used here.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID    string    `json:"id"`
		Short sarifText `json:"shortDescription"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		Rule      string          `json:"ruleId"`
		Index     int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		Line   int `json:"startLine"`
		Column int `json:"startColumn,omitempty"`
	}
)

// SARIF writes findings in the format that code hosts show beside the code. A check
// that is not among rules is added to them.
func SARIF(w io.Writer, tool, version string, rules []SARIFRule, findings []Finding) error {
	driver := sarifDriver{Name: tool, Version: version, Rules: []sarifRule{}}
	index := map[string]int{}
	add := func(id, about string) {
		if _, ok := index[id]; !ok {
			index[id] = len(driver.Rules)
			driver.Rules = append(driver.Rules, sarifRule{id, sarifText{about}})
		}
	}
	for _, r := range rules {
		add(r.ID, r.About)
	}
	results := []sarifResult{}
	for _, f := range findings {
		add(f.Check, f.Check)
		r := sarifResult{Rule: f.Check, Index: index[f.Check], Level: f.Level, Message: sarifText{f.text()}}
		if f.File != "" {
			place := sarifPhysical{Artifact: sarifArtifact{uri(f.File)}}
			if f.Line > 0 {
				place.Region = &sarifRegion{f.Line, f.Column}
			}
			r.Locations = []sarifLocation{{place}}
		}
		results = append(results, r)
	}
	return JSON(w, sarifLog{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0",
		Runs: []sarifRun{{sarifTool{driver}, "unicodeCodePoints", results}},
	})
}

func (f Finding) text() string {
	if f.Hint == "" {
		return f.Message
	}
	return f.Message + ". Hint: " + f.Hint
}

// uri is a file's name as a relative reference of RFC 3986.
func uri(name string) string {
	var b strings.Builder
	for _, c := range []byte(filepath.ToSlash(name)) {
		if c > ' ' && c < 0x7f && !strings.ContainsRune(`%#?[]"<>\^{|}`+"`", rune(c)) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	text := b.String()
	if first, _, _ := strings.Cut(text, "/"); strings.Contains(first, ":") {
		return "./" + text // what stands before the colon would be a scheme
	}
	return text
}

// FileAnnotations writes findings as workflow commands of GitHub Actions, which shows
// them beside the lines. It shows ten of a level in a step; the worst come first, and the
// tenth says how many more there are.
func FileAnnotations(w io.Writer, findings []Finding) error {
	commands := map[string]string{"error": "error", "warning": "warning", "note": "notice"}
	for _, level := range []string{"error", "warning", "note"} {
		of := slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool { return f.Level != level })
		for i, f := range of[:min(len(of), maxAnnotations)] {
			text := f.text()
			if i == maxAnnotations-1 && len(of) > maxAnnotations {
				text += fmt.Sprintf(" (and %d more)", len(of)-maxAnnotations)
			}
			place := "file=" + githubProperty.Replace(f.File)
			if f.Line > 0 {
				place += fmt.Sprintf(",line=%d", f.Line)
			}
			if f.Column > 0 {
				place += fmt.Sprintf(",col=%d", f.Column)
			}
			if _, err := fmt.Fprintf(w, "::%s %s,title=%s::%s\n", commands[level], place, githubProperty.Replace(f.Check), githubData.Replace(text)); err != nil {
				return err
			}
		}
	}
	return nil
}
