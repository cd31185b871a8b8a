package render

import (
	"strings"
	"testing"
)

func TestAnnotations(t *testing.T) {
	var b strings.Builder
	list := []Annotation{{"error", "a: b, c", "100% wrong\nsecond line"}}
	for range 12 {
		list = append(list, Annotation{"warning", "w", "m"})
	}
	if err := Annotations(&b, list); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if lines[0] != "::error title=a%3A b%2C c::100%25 wrong%0Asecond line" {
		t.Errorf("%s", lines[0])
	}
	if len(lines) != 11 || lines[10] != "::warning title=w::m (and 2 more)" {
		t.Errorf("%d lines, the last is %s", len(lines), lines[len(lines)-1])
	}
}
