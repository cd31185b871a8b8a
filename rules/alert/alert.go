// Package alert holds Prometheus rule groups as plain data: it reads and writes rule
// files, and makes the rules that watch service level objectives. It evaluates no rule
// and reads no metric.
package alert

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// File is a Prometheus rule file.
type File struct {
	Name   string  `yaml:"-" json:"-"` // as Read was told
	Groups []Group `yaml:"groups" json:"groups"`
}

// Group is evaluated as a whole, its rules one after the other, every Interval.
type Group struct {
	Name        string            `yaml:"name" json:"name"`
	Interval    model.Duration    `yaml:"interval,omitempty" json:"interval,omitempty"`         // 0: that of the server
	QueryOffset *model.Duration   `yaml:"query_offset,omitempty" json:"query_offset,omitempty"` // how long before it is evaluated it looks; nil: as the server does
	Limit       int               `yaml:"limit,omitempty" json:"limit,omitempty"`               // of alerts, or series, of one rule; 0: none
	Labels      map[string]string `yaml:"labels,omitempty" json:"labels,omitempty"`             // of all rules that do not set them themselves
	Rules       []Rule            `yaml:"rules" json:"rules"`
	Position    Position          `yaml:"-" json:"-"` // where Read found it
}

// Rule records a series or raises an alert: one of Record and Alert is given.
type Rule struct {
	Record        string            `yaml:"record,omitempty" json:"record,omitempty"`
	Alert         string            `yaml:"alert,omitempty" json:"alert,omitempty"`
	Expr          string            `yaml:"expr" json:"expr"`
	For           model.Duration    `yaml:"for,omitempty" json:"for,omitempty"`
	KeepFiringFor model.Duration    `yaml:"keep_firing_for,omitempty" json:"keep_firing_for,omitempty"`
	Labels        map[string]string `yaml:"labels,omitempty" json:"labels,omitempty"`
	Annotations   map[string]string `yaml:"annotations,omitempty" json:"annotations,omitempty"`
	Position      Position          `yaml:"-" json:"-"` // where Read found it
	ExprLines     []Line            `yaml:"-" json:"-"` // where the lines of Expr stand; of use with At
}

// Name is what the rule records, or the alert.
func (r Rule) Name() string { return cmp.Or(r.Alert, r.Record) }

// Severity is the label of that name; "" where there is none. It may be a template.
func (r Rule) Severity() string { return r.Labels["severity"] }

// WriteYAML writes the file as Prometheus reads it. The same rules give the same
// bytes.
func (f File) WriteYAML(w io.Writer) error {
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(f), enc.Close()); err != nil {
		return fmt.Errorf("write rules: %w", err)
	}
	return nil
}

// Schema names the JSON form, which is for programs: Prometheus reads the YAML.
const Schema = "llmops.rules/v1"

// WriteJSON writes the groups and what was warned of.
func (f File) WriteJSON(w io.Writer, warnings []string) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(struct {
		Schema   string   `json:"schema"`
		Groups   []Group  `json:"groups"`
		Warnings []string `json:"warnings,omitempty"`
	}{Schema, f.Groups, warnings})
	if err != nil {
		return fmt.Errorf("write rules: %w", err)
	}
	return nil
}

// Error says which objective cannot be watched, why, and what to do.
type Error struct {
	Objective string // its name; "": none in particular
	Msg       string
	Hint      string
}

// Error is the objective and the message.
func (e *Error) Error() string {
	if e.Objective == "" {
		return e.Msg
	}
	return "objective " + e.Objective + ": " + e.Msg
}

func failf(hint, format string, args ...any) error {
	return &Error{Msg: fmt.Sprintf(format, args...), Hint: hint}
}

// of names the objective in an error that has none.
func of(objective string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e.Objective == "" {
		e.Objective = objective
	}
	return err
}
