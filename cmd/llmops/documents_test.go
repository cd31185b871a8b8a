package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/verbs"
)

// Every command line in guides, recipes and scripts is one that llmops takes: its
// commands and flags exist, and values, but for words like URL that stand for one, are of their type.
func TestDocumentsNameWhatExists(t *testing.T) {
	files, lines := 0, 0
	for _, name := range documents(t, "../..") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files++
		for _, l := range commandLines(name, string(text)) {
			lines++
			if err := parses(l.words); err != nil && (!l.prose || !strings.HasPrefix(err.Error(), "flag needs an argument")) {
				t.Errorf("%s:%d: llmops %s: %v", strings.TrimPrefix(name, "../../"), l.at, strings.Join(l.words, " "), err)
			}
		}
	}
	if files < 20 || lines < 200 {
		t.Errorf("%d command lines in %d files: they are not found", lines, files)
	}
}

// documents are the files below root that people copy command lines from.
func documents(t *testing.T, root string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			if name != root && slices.Contains([]string{".git", "bin", "dist", "testdata", "fixtures", "rules", "analysis", "probes", "cmd"}, base) {
				return fs.SkipDir
			}
			return nil
		}
		if slices.Contains([]string{".md", ".yaml", ".yml", ".sh", ".txt"}, path.Ext(base)) || slices.Contains([]string{"Jenkinsfile", "Containerfile"}, base) {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// commandLine is what follows the word llmops, and where it stands.
type commandLine struct {
	words []string
	at    int  // line of the file
	prose bool // it stands in a sentence, and may break off after a flag
}

var (
	inline = regexp.MustCompile("`(llmops [^`]+)`")
	prompt = regexp.MustCompile(`^[\w ]*\$ `) // of a shell, with the name of a machine or without
)

// commandLines finds them: of Markdown in fenced blocks and in code within the text, of
// manifests also the arguments of containers, of others in every line.
func commandLines(name, text string) (out []commandLine) {
	markdown := path.Ext(name) == ".md"
	fenced, no := false, 0
	var joined string
	begin := 0
	for line := range strings.Lines(text) {
		no++
		line = strings.TrimRight(line, "\r\n")
		trimmed := strings.TrimSpace(line)
		if markdown && strings.HasPrefix(trimmed, "```") {
			fenced = !fenced
			continue
		}
		if markdown && !fenced {
			for _, m := range inline.FindAllStringSubmatch(line, -1) {
				for _, l := range simple(m[1], no) {
					out = append(out, commandLine{l.words, l.at, true})
				}
			}
			continue
		}
		if joined == "" {
			begin = no
		}
		if rest, more := strings.CutSuffix(line, `\`); more {
			joined += rest + " "
			continue
		}
		line, joined = joined+line, ""
		out = append(out, simple(prompt.ReplaceAllString(strings.TrimSpace(line), ""), begin)...)
	}
	if ext := path.Ext(name); ext == ".yaml" || ext == ".yml" {
		out = append(out, containers([]byte(text))...)
	}
	return out
}

// simple takes a line of shell apart and keeps the commands that are llmops.
func simple(line string, at int) (out []commandLine) {
	for _, words := range shell(line) {
		for len(words) > 0 && prefix(words[0]) {
			words = words[1:]
		}
		if len(words) > 1 && (words[0] == "llmops" || strings.HasSuffix(words[0], "/llmops")) {
			out = append(out, commandLine{words[1:], at, false})
		}
	}
	return out
}

var assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)

// prefix tells whether a command may follow the word.
func prefix(word string) bool {
	return assignment.MatchString(word) || slices.Contains([]string{"sudo", "time", "exec", "if", "then", "!", "-", "run:", "sh", "do"}, word)
}

// shell splits a line into commands and these into words, as a POSIX shell does as far
// as these lines need it.
func shell(line string) (commands [][]string) {
	var words []string
	var word strings.Builder
	in, quote := false, rune(0)
	end := func() {
		if in {
			words = append(words, word.String())
		}
		word.Reset()
		in = false
	}
	next := func() {
		end()
		if len(words) > 0 {
			commands = append(commands, words)
		}
		words = nil
	}
	escaped := false
	for _, r := range line {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped, in = false, true
		case quote != 0:
			if r == quote {
				quote = 0
			} else {
				word.WriteRune(r)
			}
		case r == '\\':
			escaped = true
		case (r == '\'' || r == '"') && (r == '"' || !in || strings.ContainsRune("='", lastRune(word.String()))):
			quote, in = r, true
		case r == '#' && !in:
			next()
			return arguments(commands)
		case strings.ContainsRune("|&;()`", r):
			next()
		case r == '<' || r == '>':
			if s := word.String(); s == "1" || s == "2" { // 2>&1
				word.Reset()
				in = false
			}
			end()
			word.WriteRune(r)
			in = true
		case unicode.IsSpace(r):
			if word.String() != ">" && word.String() != "<" {
				end()
			}
		default:
			word.WriteRune(r)
			in = true
		}
	}
	next()
	return arguments(commands)
}

// arguments leaves redirections out.
func arguments(commands [][]string) [][]string {
	for i := range commands {
		commands[i] = slices.DeleteFunc(commands[i], func(w string) bool { return strings.HasPrefix(w, ">") || strings.HasPrefix(w, "<") })
	}
	return commands
}

func lastRune(s string) rune {
	if s == "" {
		return ' '
	}
	return rune(s[len(s)-1])
}

// containers are the arguments of the containers in a manifest whose image is llmops.
func containers(text []byte) (out []commandLine) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc yaml.Node
		if err := dec.Decode(&doc); err != nil {
			if !errors.Is(err, io.EOF) {
				return nil // a template, whose lines were read already
			}
			return out
		}
		var visit func(n *yaml.Node)
		visit = func(n *yaml.Node) {
			var c struct {
				Image string   `yaml:"image"`
				Args  []string `yaml:"args"`
			}
			if n.Kind == yaml.MappingNode && n.Decode(&c) == nil && strings.Contains(path.Base(c.Image), "llmops") && len(c.Args) > 0 {
				out = append(out, commandLine{c.Args, n.Line, false})
			}
			for _, x := range n.Content {
				visit(x)
			}
		}
		visit(&doc)
	}
}

var standsForMore = regexp.MustCompile(`[…$<>{}\[\]]|^\.\.\.$|(^|[=,:/])[A-Z][A-Z0-9_.-]*($|[,:/])|^[A-Z]+…?$`)

// parses tells whether llmops takes the words, apart from those that stand for something, such as URL.
func parses(words []string) error {
	root := cli.Root(&cli.App{}, verbs.All()...)
	cmd, rest := root, words
	for len(rest) > 0 && cmd.HasSubCommands() {
		word := rest[0]
		if strings.HasPrefix(word, "-") || standsForMore.MatchString(word) {
			break
		}
		i := slices.IndexFunc(cmd.Commands(), func(c *cobra.Command) bool { return c.Name() == word })
		if i < 0 && strings.Contains(word, "|") {
			return nil
		}
		if i < 0 {
			return fmt.Errorf("no command %q", word)
		}
		cmd, rest = cmd.Commands()[i], rest[1:]
	}
	if cmd == root && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return nil // llmops COMMAND --help
	}
	if slices.Contains(rest, "--help") || slices.Contains(rest, "-h") {
		return nil
	}
	if err := cmd.InheritedFlags().Parse(nil); err != nil {
		return err
	}
	if !slices.ContainsFunc(rest, standsForMore.MatchString) {
		return cmd.ParseFlags(rest)
	}
	for _, word := range rest {
		name, _, _ := strings.Cut(strings.Trim(word, "[]…"), "=")
		if long, ok := strings.CutPrefix(name, "--"); ok && long != "" && cmd.Flag(long) == nil {
			return fmt.Errorf("no flag --%s", long)
		}
	}
	return nil
}

func TestShellWords(t *testing.T) {
	for line, want := range map[string]string{
		`llmops a 'b c' "d e" f\ g`:                 "[[llmops a b c d e f g]]",
		`a=1 llmops x | jq . > out && llmops y # z`: "[[a=1 llmops x] [jq .] [llmops y]]",
		`llmops x --slo='p95 < 5' --on "x > 1"`:     "[[llmops x --slo=p95 < 5 --on x > 1]]",
	} {
		if got := fmt.Sprint(shell(line)); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
	for line, want := range map[string]string{
		"loadtest http://a/v1 --concurrency 8":    "<nil>",
		"loadtest http://a/v1 --concurency 8":     "unknown flag: --concurency",
		"loadtest URL --concurency 8":             "no flag --concurency",
		"loadtest http://a/v1 --concurrency many": `invalid argument "many" for "-c, --concurrency" flag: strconv.ParseInt: parsing "many": invalid syntax`,
		"rules tests x":                           `no command "tests"`,
		"lodatest http://a/v1":                    `no command "lodatest"`,
		"COMMAND --help":                          "<nil>",
	} {
		if got := fmt.Sprint(parses(strings.Fields(line))); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}
