package initcmd

import (
	"testing"

	"go.yaml.in/yaml/v3"
)

// Names that a server gives stay what they are: one name each, in a file that can be read.
func TestNamesOfOthers(t *testing.T) {
	for _, name := range []string{"a\u0085loadtest: {requests: 1}", "a\x7fb", "a\u2028b: c", "\ufeffa", "\u4e2d\u6587 \"<x>\" \\ # \U0001f600", "a\nb: c"} {
		text, err := endpoint{URL: "http://h", Models: []string{name, name}}.fill(settingsFile)
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Loadtest struct{ Model string } }
		if err := yaml.Unmarshal([]byte(text), &got); err != nil || got.Loadtest.Model != name {
			t.Errorf("%q: %q, %v", name, got.Loadtest.Model, err)
		}
	}
}
