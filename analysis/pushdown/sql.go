package pushdown

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"llmops/analysis/budget"
)

// A Query is one statement of SQL, with the values of the parameters {name:Type}
// in it.
type Query struct {
	SQL    string
	Params map[string]string
}

// ErrAnswer is an answer that cannot be one to the query.
var ErrAnswer = errors.New("the answer is not what was asked for")

// An Ask sends a query and hands over each row of the answer: its fields as text,
// in the form that ClickHouse calls TabSeparated, unescaped. An empty row is
// one empty field.
type Ask func(ctx context.Context, q Query, row func(fields []string) error) error

// A Table is one of ClickHouse, or a view, that holds one row a request.
type Table struct {
	Name string // table, or database.table
	// Map names columns as accesslog.Options.Map names the fields of generic logs.
	Map map[string]string
}

// ClickHouse judges the rows of a table. Without cfg.At, now is the newest row,
// and it is rounded down to a whole minute. An error that is not one of ask, nor
// ErrAnswer, means that the objectives or the columns cannot be judged that way.
func ClickHouse(ctx context.Context, ask Ask, table Table, cfg budget.Config) (budget.Report, error) {
	source := budget.Source{Format: "clickhouse", Resolution: resolution}
	empty, err := budget.New(cfg) // refuses what cannot be judged before anything is asked
	if err != nil {
		return budget.Report{}, err
	}
	defer empty.Close()
	if err := empty.WholeMinutes(); err != nil {
		return budget.Report{}, err
	}
	name, err := quoteTable(table.Name)
	if err != nil {
		return budget.Report{}, err
	}
	var columns []column
	err = ask(ctx, Query{SQL: "DESCRIBE TABLE " + name}, func(f []string) error {
		if len(f) < 2 {
			return fmt.Errorf("%w: a column is described by %d fields, not by its name and its type", ErrAnswer, len(f))
		}
		columns = append(columns, column{f[0], f[1]})
		return nil
	})
	if err != nil {
		return budget.Report{}, err
	}
	if len(columns) == 0 {
		return budget.Report{}, fmt.Errorf("%w: a table is described by no column", ErrAnswer)
	}
	p, err := newPlan(name, columns, table.Map, cfg)
	if err != nil {
		return budget.Report{}, err
	}
	now, ok, err := p.now(ctx, ask, cfg.At)
	if err != nil {
		return budget.Report{}, err
	}
	if !ok {
		return empty.Report(source)
	}
	cfg.At = &now
	minutes, err := budget.NewMinutes(cfg)
	if err != nil {
		return budget.Report{}, err
	}
	if err := p.count(ctx, ask, minutes, &source); err != nil {
		return budget.Report{}, err
	}
	if source.Records > 0 {
		if err := p.shares(ctx, ask, minutes); err != nil {
			return budget.Report{}, err
		}
	}
	return minutes.Report(source)
}

// resolution is that of counts by the minute, as reports call it.
const resolution = "1m"

// floorMinute rounds down to a whole minute, in ms.
func floorMinute(ms int64) int64 { return ms - (ms%minute+minute)%minute }

// quoteTable checks and quotes "table" or "database.table".
func quoteTable(name string) (string, error) {
	parts := strings.Split(name, ".")
	if len(parts) > 2 {
		return "", fmt.Errorf("table %q: want TABLE or DATABASE.TABLE", name)
	}
	for i, part := range parts {
		if part == "" || strings.ContainsFunc(part, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "", fmt.Errorf("table %q: want TABLE or DATABASE.TABLE", name)
		}
		parts[i] = quote(part)
	}
	return strings.Join(parts, "."), nil
}

var escapeName = strings.NewReplacer("`", "\\`", `\`, `\\`)

func quote(name string) string { return "`" + escapeName.Replace(name) + "`" }

// now is the time of judgement, at or else the newest row; false: there is none.
func (p *plan) now(ctx context.Context, ask Ask, at *int64) (now int64, ok bool, err error) {
	var last, rows int64
	read := func(f []string) error {
		n, err := integers(f, 2)
		if err == nil {
			rows, last = n[0], n[1]
		}
		return err
	}
	if !p.time.unitKnown() {
		if err := ask(ctx, Query{SQL: fmt.Sprintf("SELECT count(), max(%s) FROM %s", p.time.newest(), p.table)}, read); err != nil {
			return 0, false, err
		}
		p.time.tellUnit(last)
	}
	if at != nil {
		return floorMinute(*at), true, nil
	}
	if err := ask(ctx, Query{SQL: fmt.Sprintf("SELECT count(), max(%s) FROM %s", p.time.ticks, p.table)}, read); err != nil {
		return 0, false, err
	}
	return floorMinute(p.time.millis(last)), rows > 0, nil
}

// integers reads at least least fields, all of which are whole numbers. NULL, as
// the greatest of no value may be, is 0.
func integers(fields []string, least int) ([]int64, error) {
	if len(fields) < least {
		return nil, fmt.Errorf("%w: %d fields, want %d", ErrAnswer, len(fields), least)
	}
	out := make([]int64, len(fields))
	for i, f := range fields {
		if f == `\N` {
			continue
		}
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: %+q is no whole number", ErrAnswer, f[:min(len(f), 80)])
		}
		out[i] = n
	}
	return out, nil
}
