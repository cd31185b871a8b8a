package diagnose

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"llmops/rules/fault"
)

// evidenceOf is a symptom where it is seen best: at a time, or when it was last measured
// before it, or else first after it: a track has a value somewhere.
func (w *world) evidenceOf(s shown, at int) Evidence {
	s = s.seen(at)
	then := at
	for at > 0 && math.IsNaN(s.track.v[at]) {
		at--
	}
	for math.IsNaN(s.track.v[at]) && then+1 < len(s.track.v) {
		then++
		at = then
	}
	e := Evidence{Symptom: s.symptom.Name, Series: s.track.series, Value: round(s.track.v[at]), Unit: s.unit, At: w.time(at)}
	if !math.IsNaN(s.v[at]) {
		e.Degree = round(s.v[at])
	}
	if s.normal.n > 0 {
		e.Normal = new(round(s.normal.median))
	}
	return e
}

// collect says what would have to be exported to see a symptom.
func collect(s fault.Symptom, c fault.Catalogue) string {
	if s.Collect != "" {
		return s.Collect
	}
	var named []string
	for _, sig := range c.Signals {
		if containsWord(s.Expr, sig.Name) {
			if sig.Collect != "" {
				return sig.Collect
			}
			named = append(named, sig.Name)
		}
	}
	if len(named) == 0 {
		named = []string{s.Expr}
	}
	return "no series gives " + strings.Join(named, " or ")
}

func containsWord(text, word string) bool {
	letter := func(c byte) bool {
		return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
	}
	for i := 0; ; {
		k := strings.Index(text[i:], word)
		if k < 0 {
			return false
		}
		i += k
		end := i + len(word)
		if (i == 0 || !letter(text[i-1])) && (end == len(text) || !letter(text[end])) {
			return true
		}
		i = end
	}
}

// tieWithin is how near two confidences are, as they are shown, that the data cannot tell
// apart.
const tieWithin = 0.1

// tie tells of two causes that are answers and as likely, and what would separate them.
func (w *world) tie(e event) *Tie {
	var first []*candidate
	for _, x := range e.faults {
		if x.sure() {
			first = append(first, x)
		}
	}
	if len(first) < 2 || w.calibration.at(first[0].confidence)-w.calibration.at(first[1].confidence) >= tieWithin || first[0].fault.ID == first[1].fault.ID {
		return nil
	}
	best, weight := "", 0.0
	for i, x := range first[:2] {
		for _, s := range x.symptoms {
			shared := slices.ContainsFunc(first[1-i].symptoms, func(o shown) bool { return o.symptom.Expr == s.symptom.Expr })
			bonus := s.symptom.Weight
			if !s.known {
				bonus += 10 // what nobody measures would tell most
			}
			if !shared && bonus > weight {
				best, weight = fmt.Sprintf("%s (%s): it speaks for %s", s.symptom.Name, s.symptom.Expr, x.fault.ID), bonus
			}
		}
	}
	return &Tie{Between: [2]string{first[0].fault.ID, first[1].fault.ID}, Measure: best}
}

// curves are the signals that tell of an event, each once.
func (w *world) curves(e event) []Curve {
	var out []Curve
	seen := map[string]bool{}
	add := func(s shown) {
		if s.known && !seen[s.track.series] && len(out) < 8 {
			seen[s.track.series] = true
			out = append(out, Curve{s.track.series, s.unit, w.time(0), time.Duration(w.grid.step) * time.Millisecond, s.track.v})
		}
	}
	for _, x := range e.faults[:min(1, len(e.faults))] {
		for _, s := range x.symptoms {
			add(s)
		}
	}
	for _, x := range e.impact {
		add(x.symptoms[0])
	}
	return out
}
