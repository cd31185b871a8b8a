package series

import (
	"io"
	"os"
	"strings"
	"testing"

	"llmops/analysis/accesslog"
)

func fileSource(name string) accesslog.Source {
	return accesslog.Source{Name: name, Open: func() (io.ReadCloser, error) { return os.Open(name) }}
}

func textSource(name, text string) accesslog.Source {
	return accesslog.Source{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
}

// readText reads one file and fails the test if that fails.
func mustRead(t testing.TB, text string) (*Store, Summary) {
	t.Helper()
	store, s, err := Read(t.Context(), []accesslog.Source{textSource("m", text)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return store, s
}
