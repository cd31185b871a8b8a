package routing_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"llmops/rules/alert/routing"
)

func amtool(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("amtool")
	if err != nil {
		t.Skip("amtool is not installed (Debian package prometheus-alertmanager)")
	}
	return path
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "alertmanager.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What is exported, Alertmanager accepts.
func TestExportPassesAmtool(t *testing.T) {
	tool := amtool(t)
	for i, text := range corpus(t) {
		c := read(t, text)
		var out bytes.Buffer
		warnings, err := c.Alertmanager(&out)
		if err != nil {
			t.Fatal(err)
		}
		said, err := exec.CommandContext(t.Context(), tool, "check-config", write(t, out.String())).CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s\n%s", err, said, out.String())
		}
		if len(warnings) == 0 {
			t.Errorf("file %d: nothing is warned of, though its secrets are elsewhere", i)
		}
	}
}

// Random trees send random alerts to the receivers that amtool names, in the
// same order; and so do they after an export.
func TestRoutesAgreeWithAmtool(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	tool := amtool(t)
	rnd := rand.New(rand.NewPCG(6, 2))
	for range 20 {
		g := generator{rnd: rnd}
		text := g.config()
		c := read(t, text)
		var out bytes.Buffer
		if _, err := c.Alertmanager(&out); err != nil {
			t.Fatal(err)
		}
		path, exported := write(t, text), read(t, out.String())
		for range 6 {
			set, args := map[string]string{}, []string{"config", "routes", "test", "--config.file", path}
			for _, name := range []string{"a", "b", "c"} {
				if v := rnd.IntN(5); v > 0 {
					set[name] = values[v]
					args = append(args, name+"="+values[v])
				}
			}
			said, err := exec.CommandContext(t.Context(), tool, args...).Output()
			if err != nil {
				t.Fatalf("%v\n%s\n%s", err, said, text)
			}
			want := strings.TrimSpace(string(said))
			for _, config := range []routing.Config{c, exported} {
				var got []string
				for _, r := range config.Match(set) {
					got = append(got, r.Receivers...)
				}
				if strings.Join(got, ",") != want {
					t.Fatalf("%v: %q, amtool says %q\n%s", set, got, want, text)
				}
			}
		}
	}
}

var values = []string{"", "x", "y", "xy", "x.y"}

type generator struct {
	rnd       *rand.Rand
	receivers int
}

func (g *generator) config() string {
	var b strings.Builder
	b.WriteString("route:\n  receiver: r0\n")
	g.receivers = 1
	g.routes(&b, "  ", 0)
	b.WriteString("receivers:\n")
	for i := range g.receivers {
		fmt.Fprintf(&b, "- name: r%d\n", i)
	}
	return b.String()
}

func (g *generator) routes(b *strings.Builder, indent string, depth int) {
	n := g.rnd.IntN(4)
	if depth == 0 {
		n += 2
	}
	if n == 0 || depth > 3 {
		return
	}
	fmt.Fprintf(b, "%sroutes:\n", indent)
	for range n {
		fmt.Fprintf(b, "%s- continue: %t\n", indent, g.rnd.IntN(2) == 0)
		if g.rnd.IntN(5) > 0 {
			fmt.Fprintf(b, "%s  receiver: r%d\n", indent, g.receivers)
			g.receivers++
		}
		label := func() string { return string("abc"[g.rnd.IntN(3)]) }
		pattern := func() string { return []string{"x|y", "x.*", ".*", ".+", "", "x.y", "[xy]{2}"}[g.rnd.IntN(7)] }
		switch g.rnd.IntN(4) {
		case 0:
			fmt.Fprintf(b, "%s  match: {%s: '%s'}\n", indent, label(), values[g.rnd.IntN(5)])
		case 1:
			fmt.Fprintf(b, "%s  match_re: {%s: '%s'}\n", indent, label(), pattern())
		case 2:
			op := []string{"=", "!="}[g.rnd.IntN(2)]
			fmt.Fprintf(b, "%s  matchers: ['%s %s %s', '%s=~\"%s\"']\n", indent, label(), op, values[g.rnd.IntN(5)], label(), pattern())
		case 3:
			fmt.Fprintf(b, "%s  matchers: ['{%s!~\"%s\", %s!=\"%s\",}']\n", indent, label(), pattern(), label(), values[g.rnd.IntN(5)])
		}
		g.routes(b, indent+"  ", depth+1)
	}
}
