package render

import (
	"fmt"
	"io"
	"strings"
)

// Annotation is one message in the form that GitHub Actions shows beside a
// run. Level is error, warning or notice.
type Annotation struct{ Level, Title, Message string }

// maxAnnotations is how many of a level GitHub shows for a step; the rest is
// dropped there without a word, so the last one says how many are missing.
const maxAnnotations = 10

// Annotations writes workflow commands, one a line, at most ten of a level.
func Annotations(w io.Writer, list []Annotation) error {
	written, total := map[string]int{}, map[string]int{}
	for _, a := range list {
		total[a.Level]++
	}
	for _, a := range list {
		if written[a.Level]++; written[a.Level] > maxAnnotations {
			continue
		}
		if written[a.Level] == maxAnnotations && total[a.Level] > maxAnnotations {
			a.Message += fmt.Sprintf(" (and %d more)", total[a.Level]-maxAnnotations)
		}
		if _, err := fmt.Fprintf(w, "::%s title=%s::%s\n", a.Level, githubProperty.Replace(a.Title), githubData.Replace(a.Message)); err != nil {
			return err
		}
	}
	return nil
}

// What a workflow command takes for its own (actions/toolkit, command.ts).
var (
	githubData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
