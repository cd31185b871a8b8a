// Package prometheustest starts a real Prometheus for tests that compare with it, and
// skips them where none is installed. It must not be part of a program.
package prometheustest

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Start gives the URL of a Prometheus with a configuration, over samples in the
// OpenMetrics text format (without its last line) if there are any.
func Start(t *testing.T, config, samples string) string {
	t.Helper()
	dir := t.TempDir()
	if samples != "" {
		Backfill(t, dir, samples)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return Over(t, dir, "--config.file=config.yml")
}

// Backfill makes blocks of samples, in data in the folder.
func Backfill(t *testing.T, dir, samples string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "page.txt"), []byte(samples+"# EOF\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool := exec.CommandContext(t.Context(), "promtool", "tsdb", "create-blocks-from", "openmetrics", "page.txt", "data")
	promtool.Dir = dir
	if out, err := promtool.CombinedOutput(); err != nil {
		t.Skipf("promtool is not installed (Debian package prometheus), or cannot backfill: %v\n%s", err, out)
	}
}

// Over gives the URL of a Prometheus that keeps its data in data in the folder.
func Over(t *testing.T, dir string, args ...string) string {
	t.Helper()
	program, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("prometheus is not installed (Debian package prometheus)")
	}
	for range 5 { // another program may take the port first: then it ends at once
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := ln.Addr().String()
		ln.Close()
		var logs bytes.Buffer
		cmd := exec.Command(program, append([]string{"--storage.tsdb.path=data", "--storage.tsdb.retention.time=10y", "--web.listen-address=" + address}, args...)...)
		cmd.Dir, cmd.Stderr = dir, &logs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			_ = cmd.Wait()
			close(ended)
		}()
		stop := func() {
			_ = cmd.Process.Kill()
			<-ended
		}
		t.Cleanup(stop)
		if ready("http://"+address, ended) {
			return "http://" + address
		}
		stop()
		t.Logf("prometheus does not start:\n%s", logs.String())
	}
	t.FailNow()
	return ""
}

// ready waits for a Prometheus, and not for another server that has its port.
func ready(url string, ended <-chan struct{}) bool {
	for range 150 {
		if resp, err := http.Get(url + "/-/ready"); err == nil {
			body, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
			resp.Body.Close() //nolint:errcheck // it is read
			if resp.StatusCode == http.StatusOK && strings.Contains(string(body), "Prometheus") {
				return true
			}
		}
		select {
		case <-ended:
			return false
		case <-time.After(100 * time.Millisecond):
		}
	}
	return false
}
