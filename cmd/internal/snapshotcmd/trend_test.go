package snapshotcmd

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
)

// Recordings that were packed are read as they are; one that is cut off says so.
func TestTrendOfPackedRecordings(t *testing.T) {
	text := []byte(`{"schema":"llmops.snapshot/v1","at":"2026-01-02T00:00:00Z","host":{"load":{"load1":1}}}` + "\n" +
		`{"schema":"llmops.snapshot/v1","at":"2026-01-02T00:01:00Z","host":{"load":{"load1":4}}}` + "\n")
	var gz bytes.Buffer
	z := gzip.NewWriter(&gz)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	z.Close()
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "k")
	for name, c := range map[string]struct {
		data []byte
		code cli.Code
		want string
	}{
		"plain": {text, cli.CodeOK, "load1,,false,2,1,4,2.5,4,"},
		"gzip":  {gz.Bytes(), cli.CodeOK, "load1,,false,2,1,4,2.5,4,"},
		"zstd":  {e.EncodeAll(text, nil), cli.CodeOK, "load1,,false,2,1,4,2.5,4,"},
		"cut":   {gz.Bytes()[:gz.Len()-9], cli.CodeUsage, file + ": the compressed file is cut off"},
	} {
		if err := os.WriteFile(file, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		r := clitest.Run(t, nil, []cli.Verb{New}, "snapshot", "--trend", file, "--metric", "load1", "-o", "csv")
		if r.Code != c.code || !strings.Contains(r.Out+r.Err, c.want) || strings.Count(r.Err, file) > 1 {
			t.Errorf("%s: exit %d: %s%s", name, r.Code, r.Out, r.Err)
		}
	}
}
