package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A deb that Debian's own tool made of the files of an archive is what is wanted; one
// with anything else in it is not.
func TestPackage(t *testing.T) {
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skip("no dpkg-deb")
	}
	nvml := targets()[0]
	dir := t.TempDir()
	r := &release{dir: dir, version: "1", sums: map[string]string{}}
	archived := map[string]packed{r.base(nvml) + "/man/llmops.1": {0o644, []byte("a page")}}
	for name := range installed() {
		archived[r.base(nvml)+"/"+name] = packed{0o644, []byte("content of " + name)}
	}
	keep := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		r.sums[name] = hex.EncodeToString(sum[:])
	}
	archive := r.base(nvml) + ".tar.gz"
	keep(archive, tarball(t, archived))
	deb := r.packageName(nvml, "deb")
	for _, tc := range []struct {
		change func(files map[string]string)
		says   string // "" for a pass
	}{
		{func(map[string]string) {}, ""},
		{func(f map[string]string) { f["usr/bin/llmops"] = "another program" }, "usr/bin/llmops is not the file"},
		{func(f map[string]string) { f["etc/cron.d/llmops"] = "x" }, "etc/cron.d/llmops does not belong there"},
		{func(f map[string]string) { delete(f, "usr/share/man/man1/llmops.1") }, "llmops.1 is missing"},
	} {
		files := map[string]string{"usr/share/man/man1/llmops.1": "a page"}
		for from, to := range installed() {
			files[to] = "content of " + from
		}
		tc.change(files)
		tree := t.TempDir()
		files["DEBIAN/control"] = "Package: llmops\nVersion: 1\nArchitecture: amd64\nMaintainer: a <a@localhost>\nDescription: x\n"
		for name, text := range files {
			path := filepath.Join(tree, name)
			mode := os.FileMode(0o644)
			if strings.HasPrefix(name, "usr/bin/") {
				mode = 0o755
			}
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), mode); err != nil {
				t.Fatal(err)
			}
		}
		out := filepath.Join(t.TempDir(), "x.deb")
		cmd := exec.CommandContext(t.Context(), "dpkg-deb", "--root-owner-group", "-Zgzip", "--build", tree, out)
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		keep(deb, data)
		err = r.checkPackage(nvml, deb, archive)
		if tc.says == "" && err != nil || tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)) {
			t.Errorf("error %v, want %q", err, tc.says)
		}
	}
	r.sums[deb] = strings.Repeat("0", 64)
	if err := r.checkPackage(nvml, deb, archive); err == nil || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("a deb that is not the one in checksums.txt: %v", err)
	}
	rpm := r.packageName(nvml, "rpm")
	keep(rpm, []byte("text"))
	if err := r.checkPackage(nvml, rpm, archive); err == nil {
		t.Error("text passes for an rpm")
	}
}

func TestArMember(t *testing.T) {
	member := func(name, size, data string) string {
		pad := func(s string, n int) string { return s + strings.Repeat(" ", n-len(s)) }
		return pad(name, 16) + pad("0", 12) + pad("0", 6) + pad("0", 6) + pad("644", 8) + pad(size, 10) + "`\n" + data
	}
	whole := "!<arch>\n" + member("a", "3", "abc\n") + member("b/", "2", "xy") + member("c", "0", "")
	for _, tc := range []struct{ data, name, want, says string }{
		{whole, "a", "abc", ""},
		{whole, "b", "xy", ""},
		{whole, "c", "", ""},
		{whole, "d", "", "it has no d"},
		{"text", "a", "", "no archive of ar"},
		{"!<arch>\n" + member("a", "9", "abc"), "a", "", "unexpected EOF"},
		{"!<arch>\n" + member("a", "-1", "abc"), "a", "", "unexpected EOF"},
		{"!<arch>\n" + member("a", "x", "abc"), "a", "", "unexpected EOF"},
	} {
		got, err := arMember([]byte(tc.data), tc.name)
		if string(got) != tc.want || (tc.says == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s of %q: %q, %v, want %q, %q", tc.name, tc.data, got, err, tc.want, tc.says)
		}
	}
}
