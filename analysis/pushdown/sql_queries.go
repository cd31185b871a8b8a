package pushdown

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"llmops/analysis/budget"
)

// rows is the part of a query that reads the table; b is asked for the values in
// the order in which they stand.
func (p *plan) rows(b *binder, since, now int64) string {
	class := p.class(b)
	var used []string // by name: * leaves out computed columns
	for _, f := range p.fields {
		used = append(used, f.sql)
	}
	slices.Sort(used)
	return fmt.Sprintf("(SELECT %s, %s AS llmops_t, %s AS llmops_class FROM %s WHERE %s)", strings.Join(slices.Compact(used), ", "), p.time.ticks, class, p.table,
		p.time.within(b, since, now))
}

func countIf(condition string) string {
	if condition == "" {
		return "toUInt64(0)"
	}
	return "countIf(" + condition + ")"
}

// count asks for the counts of all minutes that are needed.
func (p *plan) count(ctx context.Context, ask Ask, minutes *budget.Minutes, source *budget.Source) error {
	var b binder
	moments := p.time.among(&b, minutes.Moments())
	columns := []string{p.time.minutes() + " AS llmops_minute", moments + " AS llmops_moment", "count()", "min(llmops_t)", "max(llmops_t)"}
	for _, class := range []int{isCancelled, isClientError, isHealthCheck} {
		columns = append(columns, countIf(fmt.Sprintf("llmops_class = %d", class)))
	}
	const shared, each = 8, 5
	for _, o := range p.objectives {
		t := p.tally(&b, o)
		tokens := "toInt64(0)"
		if o.Metric == "tokens_per_second" {
			column := p.fields["tokens"].sql
			tokens = fmt.Sprintf("sumIf(toInt64(ifNull(%[1]s, 0)), %[2]s AND ifNull(%[1]s > 0, 0))", column, t.good)
		}
		columns = append(columns, countIf(t.good), countIf(t.bad), countIf(t.unmeasured), countIf(t.failed), tokens)
	}
	from := p.rows(&b, minutes.Since(), minutes.Now())
	q := Query{SQL: fmt.Sprintf("SELECT %s\nFROM %s\nGROUP BY llmops_minute, llmops_moment ORDER BY llmops_minute, llmops_moment", strings.Join(columns, ",\n  "), from), Params: b.params}
	return ask(ctx, q, func(text []string) error {
		n, err := integers(text, shared+each*len(p.objectives))
		if err != nil {
			return err
		}
		source.Records += n[2]
		if source.First == nil {
			source.First = new(budget.Time(p.time.millis(n[3])))
		}
		source.Last = new(budget.Time(p.time.millis(n[4])))
		for i := range p.objectives {
			at := n[shared+each*i:]
			err := minutes.Add(budget.Minute{Objective: i, End: n[0] * minute, Moment: n[1] != 0, Good: at[0], Bad: at[1], Tokens: at[4],
				Excluded: budget.Excluded{Unmeasured: at[2], Failed: at[3], Cancelled: n[5], ClientError: n[6], HealthCheck: n[7]}})
			if err != nil {
				return fmt.Errorf("%w: %w", ErrAnswer, err)
			}
		}
		return nil
	})
}

// maxKeys is how many keys of a dimension are asked for, those with the most bad
// events.
const maxKeys = 10_000

// shares asks who spent the budgets.
func (p *plan) shares(ctx context.Context, ask Ask, minutes *budget.Minutes) error {
	var counted []int // objectives that have shares
	for i, o := range p.objectives {
		if !o.Method.Sliced() {
			counted = append(counted, i)
		}
	}
	if len(counted) == 0 {
		return nil
	}
	keys := []struct{ by, key string }{{"error", p.errorKey()}}
	for _, d := range []struct{ by, role string }{{"model", "model"}, {"route", "path"}, {"key", "user"}} {
		f, ok := p.fields[d.role]
		switch {
		case !ok, d.by == "key" && !p.byKey:
		case d.by == "route":
			keys = append(keys, struct{ by, key string }{d.by, f.route()})
		default:
			keys = append(keys, struct{ by, key string }{d.by, f.text()})
		}
	}
	for _, k := range keys {
		if err := p.share(ctx, ask, minutes, counted, k.by, k.key); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) share(ctx context.Context, ask Ask, minutes *budget.Minutes, counted []int, by, key string) error {
	var b binder
	since := minutes.Now()
	var columns, names []string
	for _, i := range counted {
		start := minutes.Start(i)
		since = min(since, start)
		name := fmt.Sprintf("llmops_bad%d", i)
		t := p.tally(&b, p.objectives[i])
		columns = append(columns, fmt.Sprintf("countIf(%s AND llmops_t > %s) AS %s", t.bad, b.number("Int64", p.time.at(start)), name))
		names = append(names, name)
	}
	from := p.rows(&b, since, minutes.Now())
	sum := strings.Join(names, " + ")
	q := Query{Params: b.params, SQL: fmt.Sprintf("SELECT %s AS llmops_key,\n  %s\nFROM %s\nWHERE notEmpty(llmops_key)\nGROUP BY llmops_key WITH TOTALS HAVING %s > 0\nORDER BY %s DESC, llmops_key LIMIT %d",
		key, strings.Join(columns, ",\n  "), from, sum, sum, maxKeys)}
	rest := make([]int64, len(counted)) // of all keys less those that are listed
	totals := false
	err := ask(ctx, q, func(text []string) error {
		if len(text) == 1 && text[0] == "" {
			totals = true // follow the blank line
			return nil
		}
		if len(text) != 1+len(counted) {
			return fmt.Errorf("%w: %d fields, want %d", ErrAnswer, len(text), 1+len(counted))
		}
		n, err := integers(text[1:], len(counted))
		if err != nil {
			return err
		}
		for x, i := range counted {
			if totals {
				rest[x] += n[x]
				continue
			}
			rest[x] -= n[x]
			if err := minutes.AddShare(budget.Share{Objective: i, By: by, Key: text[0], Bad: n[x]}); err != nil {
				return fmt.Errorf("%w: %w", ErrAnswer, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !totals {
		return fmt.Errorf("%w: those who spent the budget come without a total", ErrAnswer)
	}
	for x, i := range counted {
		if err := minutes.AddShare(budget.Share{Objective: i, By: by, Bad: rest[x]}); err != nil {
			return fmt.Errorf("%w: %w", ErrAnswer, err)
		}
	}
	return nil
}
