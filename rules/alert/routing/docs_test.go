package routing_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// The example of the guide can be copied as it stands.
func TestGuide(t *testing.T) {
	data, err := os.ReadFile("../../../docs/routes.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "```yaml\n")
	text, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("the guide has no example")
	}
	c := read(t, text)
	for set, want := range map[string][]string{
		"severity=critical team=ads": {"pagerduty", "slack"},
		"severity=warning team=ads":  {"slack"},
		"severity=info":              {"slack"},
	} {
		if got := c.Told(labels(set)); !slices.Equal(got, want) {
			t.Errorf("%s: %q", set, got)
		}
	}
}
