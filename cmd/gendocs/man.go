package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// manPages are the pages of every command by file name.
func manPages() map[string]string {
	pages := map[string]string{}
	for _, cmd := range documented(tree()) {
		pages[pageName(cmd)+".1"] = manPage(cmd)
	}
	return pages
}

// manPage is the page of one command in roff. It carries no date, so that the
// same source gives the same bytes.
func manPage(cmd *command) string {
	var b strings.Builder
	name := pageName(cmd)
	fmt.Fprintf(&b, ".TH %q 1 \"\" \"llmops\" \"llmops manual\"\n", strings.ToUpper(name))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(name), roff(cmd.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(useLine(cmd)))
	if cmd.Long != "" {
		b.WriteString(".SH DESCRIPTION\n" + literal(cmd.Long))
	}
	if cmd.Example != "" {
		b.WriteString(".SH EXAMPLES\n" + literal(cmd.Example))
	}
	manFlags(&b, "OPTIONS", cmd.NonInheritedFlags())
	manFlags(&b, "OPTIONS OF EVERY COMMAND", cmd.InheritedFlags())
	var also []string
	if cmd.HasParent() {
		also = append(also, pageName(cmd.Parent()))
	}
	for _, sub := range visible(cmd) {
		also = append(also, pageName(sub))
	}
	if len(also) > 0 {
		b.WriteString(".SH SEE ALSO\n.BR " + roff(strings.Join(also, "(1), ")) + "(1)\n")
	}
	return b.String()
}

func manFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if flags.HasAvailableFlags() {
		fmt.Fprintf(b, ".SH %s\n%s", title, literal(flags.FlagUsages()))
	}
}

// literal keeps lines as they are.
func literal(s string) string { return ".nf\n" + roff(strings.Trim(s, "\n")) + "\n.fi\n" }

// roff escapes what the formatter would take for its own.
func roff(s string) string {
	s = strings.ReplaceAll(s, `\`, `\e`)
	s = strings.ReplaceAll(s, "-", `\-`)
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
