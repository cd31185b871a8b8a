package pushdown_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"llmops/analysis/pushdown"
)

// engine is ClickHouse itself, inside of Python. LLMOPS_PYTHON names an
// interpreter that has chdb, if python3 is not one.
type engine struct {
	in  io.Writer
	out *bufio.Reader
}

func newEngine(t *testing.T) *engine {
	t.Helper()
	python := os.Getenv("LLMOPS_PYTHON")
	if python == "" {
		python = "python3"
	}
	if err := exec.CommandContext(t.Context(), python, "-c", "import chdb").Run(); err != nil {
		t.Skipf("no ClickHouse to ask: %s cannot import chdb (pip install chdb; LLMOPS_PYTHON names another interpreter)", python)
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/chdb_queries.py")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait() // it ends with its input
	})
	return &engine{in, bufio.NewReader(out)}
}

var unescape = strings.NewReplacer(`\t`, "\t", `\n`, "\n", `\\`, `\`, `\'`, "'", `\N`, `\N`)

// ask is a pushdown.Ask.
func (e *engine) ask(_ context.Context, q pushdown.Query, row func([]string) error) error {
	line, err := json.Marshal(map[string]any{"sql": q.SQL, "params": q.Params})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(e.in, "%s\n", line); err != nil {
		return err
	}
	reply, err := e.out.ReadBytes('\n')
	if err != nil {
		return err
	}
	var answer struct{ Rows, Error string }
	if err := json.Unmarshal(reply, &answer); err != nil {
		return err
	}
	if answer.Error != "" {
		return errors.New(answer.Error + "\n" + q.SQL)
	}
	for line := range strings.Lines(answer.Rows) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		for i := range fields {
			fields[i] = unescape.Replace(fields[i])
		}
		if err := row(fields); err != nil {
			return err
		}
	}
	return nil
}

// do runs statements that give no rows.
func (e *engine) do(t *testing.T, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if err := e.ask(t.Context(), pushdown.Query{SQL: s}, func([]string) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
}
