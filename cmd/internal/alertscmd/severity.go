package alertscmd

import (
	"slices"
	"strings"
)

// severity orders what the label of that name says.
type severity int

const (
	none severity = iota // no label, or a word that is not known
	info
	warning
	critical
)

func (s severity) String() string {
	return [...]string{"none", "info", "warning", "critical"}[s]
}

// severities are the values of --fail-on.
func severities() []string { return []string{"none", "critical", "warning", "info"} }

func failOn(word string) severity {
	return severity(max(0, slices.Index([]string{"none", "info", "warning", "critical"}, word)))
}

// severityOf takes the words that are in use for the three: those of burn-rate alerts
// (page, ticket), of syslog and of incident tools.
func severityOf(label string) severity {
	switch strings.ToLower(label) {
	case "critical", "page", "emergency", "fatal", "high", "error":
		return critical
	case "warning", "warn", "ticket", "medium", "major", "minor":
		return warning
	case "info", "informational", "notice", "low", "none", "debug":
		return info
	}
	return none
}
