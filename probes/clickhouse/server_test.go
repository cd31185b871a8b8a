package clickhouse

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/remote"
)

const serverConfig = `<?xml version="1.0"?>
<%[1]s>
  <logger><level>warning</level><console>1</console></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>%[2]d</http_port>
  <path>%[3]s/data/</path>
  <tmp_path>%[3]s/tmp/</tmp_path>
  <users_config>users.xml</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
  <mark_cache_size>1048576</mark_cache_size>
</%[1]s>
`

const serverUsers = `<?xml version="1.0"?>
<%[1]s>
  <profiles><default><max_memory_usage>100000000</max_memory_usage></default></profiles>
  <quotas><default/></quotas>
  <users><ann><password>hunter22</password><profile>default</profile><quota>default</quota><networks><ip>127.0.0.1</ip></networks></ann></users>
</%[1]s>
`

// startServer runs a real clickhouse-server in a folder of its own, for as long
// as the test does.
func startServer(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("clickhouse-server")
	if err != nil {
		t.Skip("no ClickHouse to ask: clickhouse-server is not installed")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	ln.Close()
	dir := t.TempDir()
	const root = "yandex" // what old servers want, and new ones take
	for name, text := range map[string]string{"config.xml": fmt.Sprintf(serverConfig, root, port, dir), "users.xml": fmt.Sprintf(serverUsers, root)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), path, "--config-file="+filepath.Join(dir, "config.xml"))
	cmd.Dir = dir
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // the context of the test has ended, and with it the process
	base := fmt.Sprintf("http://127.0.0.1:%d", port)
	for range 150 {
		if conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://")); err == nil {
			conn.Close()
			return base
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Skip("clickhouse-server did not start within 15 s")
	return ""
}

// The HTTP interface of a real server: rows of all kinds, errors in the middle of
// an answer, an unknown table and a wrong password.
func TestServer(t *testing.T) {
	base := startServer(t)
	connect := func(password string) *Client {
		cfg := Config{URL: base, Access: remote.Access{Secrets: []string{password}, Header: map[string][]string{}}}
		cfg.Access.Header.Set("X-ClickHouse-User", "ann")
		cfg.Access.Header.Set("X-ClickHouse-Key", password)
		c, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	c := connect("hunter22")
	for _, sql := range []string{
		"CREATE TABLE requests (at DateTime, status Nullable(UInt16), why String) ENGINE = Memory",
		`INSERT INTO requests VALUES (60, 200, ''), (61, 503, 'a\tb\\c\n\'d'), (120, NULL, 'ü'), (121, 200, '')`,
	} {
		if _, err := rows(t.Context(), c, sql, nil); err != nil {
			t.Fatal(err)
		}
	}
	got, err := rows(t.Context(), c, "SELECT intDiv(toInt64(toUnixTimestamp(at)) + 59, 60) AS m, count(), max(status), max(why), 9007199254740993 FROM requests GROUP BY m WITH TOTALS ORDER BY m", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"1", "1", "200", "", "9007199254740993"}, {"2", "2", "503", "ü", "9007199254740993"}, {"3", "1", "200", "", "9007199254740993"},
		{""}, {"0", "4", "503", "ü", "9007199254740993"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got, err = rows(t.Context(), c, "SELECT why, status FROM requests WHERE at IN (61, 120) ORDER BY at", nil)
	if diff := cmp.Diff([][]string{{"a\tb\\c\n'd", "503"}, {"ü", `\N`}}, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	got, err = rows(t.Context(), c, "DESCRIBE TABLE requests", nil)
	if err != nil || len(got) != 3 || got[1][0] != "status" || got[1][1] != "Nullable(UInt16)" {
		t.Errorf("columns: %v, %v", got, err)
	}
	for name, try := range map[string]struct {
		client *Client
		sql    string
		want   string
	}{
		"no such table":    {c, "SELECT 1 FROM nothing", "nothing"},
		"in the middle":    {c, "SELECT number, throwIf(number = 200000) FROM numbers(300000) FORMAT TabSeparated", "DB::Exception"},
		"a wrong password": {connect("wrong-pass"), "SELECT 1", "assword"},
	} {
		_, err := rows(t.Context(), try.client, try.sql, nil)
		if failed, ok := errors.AsType[*remote.Error](err); !ok || failed.Status == 0 || !strings.Contains(failed.Msg, try.want) || strings.Contains(failed.Msg, "wrong-pass") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
