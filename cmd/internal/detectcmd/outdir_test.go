package detectcmd

import (
	"testing"

	"llmops/cmd/internal/cli"
)

func TestCommonFolder(t *testing.T) {
	for _, c := range []struct {
		files []string
		want  string
	}{
		{[]string{"/a/b/x.csv"}, "/a/b"},
		{[]string{"/a/b/x.csv", "/a/b/y.csv"}, "/a/b"},
		{[]string{"/a/b/x.csv", "/a/bc/y.csv"}, "/a"},
		{[]string{"/a/b/c/x.csv", "/a/b/y.csv", "/a/b/d/z.csv"}, "/a/b"},
		{[]string{"/a/x.csv", "/b/y.csv"}, "/"},
	} {
		if got := commonFolder(c.files); got != c.want {
			t.Errorf("%q: %s, want %s", c.files, got, c.want)
		}
	}
}

func TestOutputName(t *testing.T) {
	for _, c := range [][3]string{
		{"a/x.csv", "csv", "a/x.csv"},
		{"a/x.csv.gz", "csv", "a/x.csv"},
		{"x.json", "csv", "x.json.csv"},
		{"x.csv", "json", "x.csv.json"},
		{"x.csv", "table", "x.csv.txt"},
		{"x.csv", "markdown", "x.csv.md"},
		{"x.csv.zst", "yaml", "x.csv.yaml"},
	} {
		o := options{output: cli.Output{Format: c[1]}}
		if got := o.outputName(c[0]); got != c[2] {
			t.Errorf("%s as %s: %s, want %s", c[0], c[1], got, c[2])
		}
	}
}
