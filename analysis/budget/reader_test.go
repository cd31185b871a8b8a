package budget_test

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"llmops/analysis/accesslog"
)

func open(t *testing.T, dir string) []io.Reader {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no logs in %s: %v", dir, err)
	}
	var out []io.Reader
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, z)
	}
	return out
}

// fixed reads decimal text of at most six decimals.
func fixed(t *testing.T, text string) accesslog.Fixed {
	t.Helper()
	x, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("no number: %q", text)
	}
	x.Mul(x, big.NewRat(2_000_000, 1))
	if !x.IsInt() {
		t.Fatalf("more than six decimals: %q", text)
	}
	return accesslog.Fixed(x.Num().Int64())
}

func endOf(text string) (int64, bool) {
	at, err := time.Parse(time.RFC3339Nano, text)
	return at.UnixMilli(), err == nil
}

func finish(e *accesslog.Event) {
	e.Cancelled = e.Cancelled || e.Status == 499
	if e.Failed = e.Failed || e.Status >= 400; !e.Failed {
		return
	}
	switch {
	case e.Status >= 400:
		e.Error = "http_" + strconv.Itoa(int(e.Status))
	case e.Error == "":
		e.Error = "stream_error"
	}
}

func readLLMOps(t *testing.T, dir string, add func(*accesslog.Event)) {
	for _, r := range open(t, dir) {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var row struct {
				Done             string `json:"done_at"`
				Status           int
				OK               bool
				Error, Model     string
				CompletionTokens *int64       `json:"completion_tokens"`
				Latency          *json.Number `json:"latency_ms"`
				TTFT             *json.Number `json:"ttft_ms"`
			}
			if json.Unmarshal(lines.Bytes(), &row) != nil {
				continue
			}
			var e accesslog.Event
			e.Reset()
			var ok bool
			if e.End, ok = endOf(row.Done); !ok {
				continue
			}
			e.Status, e.Failed, e.Error, e.Model, e.Cancelled = int16(row.Status), !row.OK, row.Error, row.Model, row.Error == "cancelled"
			if row.Latency != nil {
				e.Latency = fixed(t, row.Latency.String())
			}
			if row.TTFT != nil {
				e.TTFT = fixed(t, row.TTFT.String())
			}
			if row.CompletionTokens != nil {
				e.OutputTokens = *row.CompletionTokens
			}
			finish(&e)
			add(&e)
		}
	}
}

func readCSV(t *testing.T, dir string, add func(*accesslog.Event)) {
	for _, r := range open(t, dir) {
		b := bufio.NewReader(r)
		if mark, _ := b.Peek(3); string(mark) == "\uFEFF" {
			_, _ = b.Discard(3)
		}
		rows := csv.NewReader(b)
		head, err := rows.Read()
		if err != nil {
			t.Fatal(err)
		}
		rows.FieldsPerRecord = -1
		for {
			row, err := rows.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || len(row) != len(head) {
				continue
			}
			field := map[string]string{}
			for i, name := range head {
				field[name] = row[i]
			}
			var e accesslog.Event
			e.Reset()
			var ok bool
			status, err := strconv.Atoi(field["status"])
			if e.End, ok = endOf(field["timestamp"]); !ok || err != nil {
				continue
			}
			e.Status, e.Error, e.Model = int16(status), field["error"], field["model"]
			e.Failed = e.Error != ""
			e.Route, _, _ = strings.Cut(field["path"], "?")
			if v := field["latency_ms"]; v != "" {
				e.Latency = fixed(t, v)
			}
			if v := field["ttft_ms"]; v != "" {
				e.TTFT = fixed(t, v)
			}
			if v := field["completion_tokens"]; v != "" {
				e.OutputTokens, _ = strconv.ParseInt(v, 10, 64)
			}
			switch e.Route {
			case "/health", "/healthz", "/ping", "/metrics", "/ready", "/readyz", "/livez":
				e.HealthCheck = true
			}
			finish(&e)
			add(&e)
		}
	}
}
