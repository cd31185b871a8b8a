package pushdown_test

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/accesslog"
	"llmops/analysis/budget"
	"llmops/analysis/pushdown"
	"llmops/rules/slo"
)

// TestCorpus asks ClickHouse about a corpus of request logs, and wants what the
// logs themselves come to.
func TestCorpus(t *testing.T) {
	data := os.Getenv("LLMOPS_DATA")
	if data == "" {
		t.Skip("LLMOPS_DATA does not say where the corpora of request logs are")
	}
	dir := filepath.Join(data, "logs", "csv")
	logs, err := filepath.Glob(filepath.Join(dir, "*.gz"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("%v: %v", logs, err)
	}
	e := newEngine(t)
	e.do(t, "CREATE DATABASE shop ENGINE = Atomic", "CREATE TABLE shop.raw (timestamp String, path String, status Int32, latency Nullable(String), ttft Nullable(String),"+
		" model LowCardinality(String), tokens Nullable(Int64), who FixedString(24), error Nullable(String)) ENGINE = Memory")
	for _, name := range logs {
		insert(t, e, name)
	}
	const table = "CREATE TABLE shop.%s ENGINE = MergeTree ORDER BY timestamp AS SELECT %s AS timestamp, path, status," +
		" CAST(latency AS Nullable(%s)) AS latency_ms, CAST(ttft AS Nullable(%[3]s)) AS ttft_ms, model, tokens AS completion_tokens, who AS user, error FROM shop.raw"
	tables := []string{"fine", "micros", "numbers"}
	e.do(t, fmt.Sprintf(table, "fine", "parseDateTime64BestEffort(timestamp, 3, 'UTC')", "Decimal(12, 3)"),
		fmt.Sprintf(table, "micros", "parseDateTime64BestEffort(timestamp, 6, 'UTC')", "Float64"),
		fmt.Sprintf(table, "numbers", "toUnixTimestamp64Milli(parseDateTime64BestEffort(timestamp, 3, 'UTC'))", "Int64"))
	f, err := os.Open(filepath.Join(dir, "slos.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	file, err := slo.Load("slos.yaml", f)
	if err != nil {
		t.Fatal(err)
	}
	newest := readLogs(t, logs, budget.Config{Objectives: file.Objectives, ExcludeStatus: file.ExcludeStatus})
	end := int64(*newest.Now)
	for name, cfg := range map[string]budget.Config{
		"newest":   {By: []string{"model", "route", "key"}, Course: 60},
		"at":       {At: new(end - 2*24*3600_000)},
		"at night": {At: new(end - 30*3600_000 - 17*60_000)},
	} {
		for _, table := range tables {
			t.Run(name+" "+table, func(t *testing.T) {
				cfg.Objectives, cfg.ExcludeStatus = file.Objectives, file.ExcludeStatus
				want := readLogs(t, logs, cfg)
				got, err := pushdown.ClickHouse(t.Context(), e.ask, pushdown.Table{Name: "shop." + table}, cfg)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(judged(want), judged(got)); diff != "" {
					t.Errorf("logs (-), ClickHouse (+):\n%s", diff)
				}
			})
		}
	}
}

// judged is a report without what counts cannot tell.
func judged(r budget.Report) budget.Report {
	r.Source = budget.Source{First: r.Source.First, Last: nil}
	r.Metrics = budget.Metrics{}
	return r
}

func readLogs(t *testing.T, names []string, cfg budget.Config) budget.Report {
	t.Helper()
	counter, err := budget.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer counter.Close()
	var sources []accesslog.Source
	for _, name := range names {
		sources = append(sources, accesslog.Source{Name: name, Open: func() (io.ReadCloser, error) { return os.Open(name) }})
	}
	s, err := accesslog.Read(t.Context(), sources, accesslog.Options{}, func() func(*accesslog.Event) { return counter.Shard().Add })
	if err != nil {
		t.Fatal(err)
	}
	r, err := counter.Report(budget.Source{Records: s.Records, First: new(budget.Time(s.First))})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// insert puts the rows of a CSV file into shop.raw, those with all columns.
func insert(t *testing.T, e *engine, name string) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows := csv.NewReader(z)
	rows.LazyQuotes, rows.FieldsPerRecord = true, -1
	var values []string
	text := strings.NewReplacer(`\`, `\\`, "'", `\'`)
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || len(row) != 12 {
			continue
		}
		if _, err := time.Parse(time.RFC3339Nano, row[0]); err != nil {
			continue // the header, or damaged
		}
		number := func(s string) string {
			if s == "" {
				return "NULL"
			}
			return "'" + text.Replace(s) + "'"
		}
		values = append(values, fmt.Sprintf("('%s', '%s', %s, %s, %s, '%s', %s, '%s', '%s')", row[0], text.Replace(row[2]), row[3],
			number(row[4]), number(row[5]), text.Replace(row[6]), number(row[8]), text.Replace(row[9]), text.Replace(row[10])))
	}
	for part := range slices.Chunk(values, 1000) {
		e.do(t, "INSERT INTO shop.raw VALUES "+strings.Join(part, ", "))
	}
}
