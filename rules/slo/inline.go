package slo

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"llmops/rules/near"
)

// Parse reads an inline objective, NAME OP NUMBER[UNIT]:
//
//	p95_latency_ms < 500       p99.9_ttft_ms <= 1.5s     mean_itl_ms < 30ms
//	error_rate < 0.1%          success_rate >= 0.999     tokens_per_second >= 1000
//
// NAME is one of Names; pNN takes 5, 50, 99, 99.9, and 999 for 99.9. OP is <, <=,
// > or >=. A time may be in ms (the default), s or us, a ratio in %. The error
// is an *Error with the column.
func Parse(text string) (Objective, error) {
	e, err := split(text)
	if err != nil {
		return Objective{}, err
	}
	o := Objective{
		Name: strings.TrimSpace(text), Expr: strings.TrimSpace(text), Inline: true, Op: e.op,
		Window: DefaultWindow, Method: Occurrences, Errors: ErrorsExclude,
	}
	m, stat, q, err := resolve(e)
	if err != nil {
		return Objective{}, err
	}
	o.Metric, o.Statistic = m.canonical(), stat
	if o.Threshold, err = e.threshold(m); err != nil {
		return Objective{}, err
	}
	switch stat {
	case Quantile:
		if !o.Op.Upper() {
			q = new(big.Rat).Sub(big.NewRat(1, 1), q)
		}
		o.Target = decimalOf(q)
	case Ratio:
		if o.Op.Upper() != (m.name == "error_rate" || m.name == "timeout_rate") {
			return Objective{}, e.fail(e.opAt, fmt.Sprintf("%s %s asks for a bad service", m.name, o.Op),
				"write %s %s", m.name, flip(o.Op))
		}
		o.Target = o.Threshold
		if o.Op.Upper() {
			o.Target = decimalOf(new(big.Rat).Sub(big.NewRat(1, 1), o.Threshold.Rat))
		}
	}
	return o, nil
}

// expression is an objective taken apart, with the byte offset of each part.
type expression struct {
	text                  string
	name                  string
	op                    Op
	number, unit          string
	nameAt, opAt, number0 int
}

// fail makes an *Error at a byte offset.
func (e expression) fail(at int, msg, hint string, args ...any) *Error {
	return &Error{Column: 1 + utf8.RuneCountInString(e.text[:at]), Msg: msg, Hint: fmt.Sprintf(hint, args...)}
}

const maxExpression = 200

const example = "write an objective like 'p95_latency_ms < 500' or 'error_rate < 0.1%%'"

func split(text string) (expression, error) {
	e := expression{text: text}
	if len(text) > maxExpression || !utf8.ValidString(text) {
		return e, &Error{Column: 1, Msg: "an objective is one short line of text", Hint: strings.ReplaceAll(example, "%%", "%")}
	}
	at := strings.IndexAny(text, "<>=!≤≥")
	if at < 0 {
		if strings.TrimSpace(text) == "" {
			return e, e.fail(0, "empty objective", example)
		}
		return e, e.fail(len(strings.TrimRight(text, " \t")), fmt.Sprintf("no operator in %q", text), example)
	}
	e.opAt = at
	e.nameAt = len(text) - len(strings.TrimLeft(text, " \t"))
	e.name = strings.TrimSpace(text[:at])
	if e.name == "" {
		return e, e.fail(at, "no metric before the operator", example)
	}
	rest := text[at:]
	for _, op := range []Op{LessEqual, GreaterEqual, Less, Greater} {
		if after, ok := strings.CutPrefix(rest, string(op)); ok {
			e.op, rest = op, after
			break
		}
	}
	if e.op == "" || strings.ContainsAny(rest, "<>=!≤≥") {
		return e, e.fail(at, fmt.Sprintf("unknown operator in %q", text), "use one <, <=, > or >=")
	}
	e.number0 = len(text) - len(strings.TrimLeft(rest, " \t"))
	value := strings.TrimSpace(rest)
	digits := len(value) - len(strings.TrimLeft(value, "0123456789.+-_,"))
	e.number, e.unit = value[:digits], strings.TrimSpace(value[digits:])
	return e, nil
}

// threshold is the number in the metric's own unit. One that leaves nothing to
// measure is an error.
func (e expression) threshold(m metric) (Decimal, error) {
	dim := m.dim
	if e.number == "" {
		return Decimal{}, e.fail(min(e.number0, len(e.text)), "no number after the operator", example)
	}
	d, err := ParseDecimal(e.number)
	if err != nil {
		return Decimal{}, e.fail(e.number0, fmt.Sprintf("%q is not a number an objective can have", e.number), "%v", err)
	}
	if e.unit != "" {
		factor, ok := units[dim][e.unit]
		if !ok {
			at := e.number0 + strings.Index(e.text[e.number0:], e.unit)
			return Decimal{}, e.fail(at, fmt.Sprintf("%s takes no unit %q", e.name, e.unit), "%s", unitHint(dim))
		}
		d = decimalOf(new(big.Rat).Mul(d.Rat, factor))
	}
	if dim == share && !isRatio(d.Rat) {
		msg := fmt.Sprintf("%s is a ratio from 0 to 1", e.name)
		if e.unit != "" {
			return Decimal{}, e.fail(e.number0, msg, "write at most 100%%")
		}
		return Decimal{}, e.fail(e.number0, msg, "write %s%%, or a number up to 1", e.number)
	}
	if outcome, why := m.settled(e.op, d.Rat); outcome != "" {
		return Decimal{}, e.fail(e.number0, fmt.Sprintf("%s %s %s %s", e.name, e.op, d.Text, outcome), "%s is never %s: choose another limit", e.name, why)
	}
	return d, nil
}

func unitHint(dim dimension) string {
	switch dim {
	case milliseconds:
		return "a time is in ms, s or us; without a unit, in ms"
	case share:
		return "a ratio is a number from 0 to 1, or in %"
	case perSecond:
		return "a rate is a number without a unit, per second"
	case usd:
		return "a cost is a number without a unit, in USD"
	}
	return "write the number without a unit"
}

func flip(o Op) Op {
	return map[Op]Op{Less: Greater, LessEqual: GreaterEqual, Greater: Less, GreaterEqual: LessEqual}[o]
}

// resolve finds the metric, the statistic and, for a percentile, its q.
func resolve(e expression) (metric, Statistic, *big.Rat, error) {
	if m := lookupMetric(e.name); m.name != "" {
		if m.quantiles {
			return m, "", nil, e.fail(e.nameAt, fmt.Sprintf("%s needs a statistic", m.name),
				"say which one: p95_%[1]s, p99_%[1]s, mean_%[1]s or max_%[1]s", m.name)
		}
		return m, m.statistic, nil, nil
	}
	prefix, base, ok := strings.Cut(e.name, "_")
	m := lookupMetric(base)
	if !ok || !m.quantiles {
		return m, "", nil, e.unknown()
	}
	switch prefix {
	case "mean", "min", "max":
		return m, Statistic(prefix), nil, nil
	case "avg", "average":
		return m, "", nil, e.fail(e.nameAt, fmt.Sprintf("unknown statistic %q", prefix), "write mean_%s", base)
	case "median":
		return m, "", nil, e.fail(e.nameAt, fmt.Sprintf("unknown statistic %q", prefix), "write p50_%s", base)
	}
	digits, ok := strings.CutPrefix(prefix, "p")
	if !ok {
		return m, "", nil, e.unknown()
	}
	q, err := percentile(digits)
	if err != nil {
		return m, "", nil, e.fail(e.nameAt, fmt.Sprintf("%q is no percentile", prefix), "%v", err)
	}
	return m, Quantile, q, nil
}

// percentile reads the NN of pNN: 95 and 99.9 are percent. More than two
// digits without a point are a 9 and its followers, 999 for 99.9; p105 could be
// anything.
func percentile(digits string) (*big.Rat, error) {
	switch {
	case len(digits) <= 2 || strings.Contains(digits, ".") || digits == "100":
	case digits[0] == '9':
		digits = digits[:2] + "." + digits[2:]
	default:
		return nil, fmt.Errorf("write p50, p95 or p99.9; three or more digits without a point must begin with 9, as in p999 for 99.9")
	}
	d, err := ParseDecimal(digits)
	if err != nil || len(digits) > 12 {
		return nil, fmt.Errorf("write p50, p95, p99, p99.9 or p999")
	}
	q := d.Rat.Quo(d.Rat, big.NewRat(100, 1))
	if q.Sign() <= 0 || q.Cmp(big.NewRat(1, 1)) >= 0 {
		return nil, fmt.Errorf("a percentile lies between 0 and 100; for the ends use min_ and max_")
	}
	return q, nil
}

// unknown names the nearest metrics, or all of them.
func (e expression) unknown() *Error {
	var candidates []string
	for _, m := range metrics {
		if !m.quantiles {
			candidates = append(candidates, m.name)
			continue
		}
		for _, p := range []string{"p50_", "p90_", "p95_", "p99_", "p999_", "p99.9_", "mean_", "min_", "max_"} {
			candidates = append(candidates, p+m.name)
		}
	}
	hint := "known are " + strings.Join(Names(), ", ")
	if hits := near.Names(e.name, slices.Values(candidates), 3); len(hits) > 0 {
		hint = "did you mean " + strings.Join(hits, " or ") + "?"
	}
	return e.fail(e.nameAt, fmt.Sprintf("unknown metric %q", e.name), "%s", hint)
}
