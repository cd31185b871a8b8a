package render

// Style colours text for a terminal. The zero Style leaves it as it is.
type Style struct{ on bool }

// NewStyle decides about colour: mode ("always", "never", anything else is
// auto) first, then NO_COLOR, CLICOLOR_FORCE and TERM=dumb, then whether the
// stream is a terminal. getenv may be nil.
func NewStyle(mode string, tty bool, getenv func(string) (string, bool)) Style {
	env := func(name string) string {
		if getenv == nil {
			return ""
		}
		v, _ := getenv(name)
		return v
	}
	switch {
	case mode == "always":
		return Style{true}
	case mode == "never", env("NO_COLOR") != "": // no-color.org: set and not empty
		return Style{}
	case env("CLICOLOR_FORCE") != "" && env("CLICOLOR_FORCE") != "0":
		return Style{true}
	case env("TERM") == "dumb":
		return Style{}
	}
	return Style{tty}
}

func (s Style) sgr(code, text string) string {
	if !s.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Verdict colours a verdict: "pass", "fail", or any that decides nothing.
func (s Style) Verdict(v string) string {
	switch v {
	case "pass":
		return s.Green(v)
	case "fail":
		return s.Red(v)
	}
	return s.Yellow(v)
}

// The colours, and what they are used for.
func (s Style) Bold(t string) string   { return s.sgr("1", t) }  // headings
func (s Style) Red(t string) string    { return s.sgr("31", t) } // errors, fail
func (s Style) Green(t string) string  { return s.sgr("32", t) } // pass
func (s Style) Yellow(t string) string { return s.sgr("33", t) } // warnings, inconclusive
func (s Style) Cyan(t string) string   { return s.sgr("36", t) } // hints, names
