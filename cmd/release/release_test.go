package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// program builds a static binary for linux/amd64 that uses go-cmp.
func program(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tool")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-o", path, "./testdata/tool")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSBOMListsWhatIsLinked(t *testing.T) {
	data := program(t)
	doc, err := sbom("1.2.3+meta", data)
	if err != nil {
		t.Fatal(err)
	}
	var got bom
	if err := json.Unmarshal(doc, &got); err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"stdlib " + strings.TrimPrefix(info.GoVersion, "go")}
	for _, dep := range info.Deps {
		want = append(want, dep.Path+" "+dep.Version)
	}
	var names, refs []string
	for _, c := range got.Components {
		names, refs = append(names, c.Name+" "+c.Version), append(refs, c.Ref)
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "github.com/google/go-cmp v") }) {
		t.Errorf("go-cmp is not in %v", names)
	}
	if slices.Sort(refs); len(slices.Compact(refs)) != len(got.Components) {
		t.Errorf("bom-ref is not unique in %v", refs)
	}
	if got := got.Metadata.Component.PURL; got != "pkg:golang/llmops@1.2.3%2Bmeta" {
		t.Errorf("purl %s", got)
	}
	again, err := sbom("1.2.3+meta", data)
	if err != nil || !bytes.Equal(doc, again) {
		t.Errorf("the same binary gave two documents (%v)", err)
	}
	if _, err := sbom("1", []byte("text")); err == nil {
		t.Error("text has a bill of materials")
	}
}

func TestSerialIsAUUID(t *testing.T) {
	var sum [32]byte
	for i := range sum {
		sum[i] = 0xff
	}
	if got, want := serial(sum), "urn:uuid:ffffffff-ffff-8fff-bfff-ffffffffffff"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNewer(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"2.34", "2.4", true}, {"2.4", "2.34", false}, {"2.34", "2.34", false},
		{"2.2.5", "2.2", true}, {"2.17", "", true}, {"PRIVATE", "2.17", false},
	} {
		if got := newer(tt.a, tt.b); got != tt.want {
			t.Errorf("newer(%q, %q) = %v", tt.a, tt.b, got)
		}
	}
}

// A binary that was built for something else is not taken for the target.
func TestInspectWantsItsTarget(t *testing.T) {
	data := program(t)
	for _, tt := range targets() {
		words, err := tt.inspect(data, "2.34")
		if ok := tt.name() == "linux_amd64"; ok != (err == nil) || ok != (words == "static") {
			t.Errorf("%s: a static binary for linux/amd64: %q, error %v", tt.name(), words, err)
		}
	}
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if words, err := lazy(f, "2.34"); err == nil {
		t.Errorf("lazy, without NVML: %q", words)
	}
}

func TestParseSums(t *testing.T) {
	sum := strings.Repeat("a", 64)
	got, err := parseSums(sum + "  a.zip\n" + sum + "  b.tar.gz\n")
	if diff := cmp.Diff(map[string]string{"a.zip": sum, "b.tar.gz": sum}, got); err != nil || diff != "" {
		t.Errorf("error %v\n%s", err, diff)
	}
	for _, text := range []string{"a.zip\n", "aa  a.zip\n", sum + "  ../a.zip\n", "\n"} {
		if _, err := parseSums(text); err == nil {
			t.Errorf("%q passes", text)
		}
	}
}

// The terms of what is linked come from the modules' own files, of what is
// embedded from the tree; a module without terms is not passed over.
func TestNotices(t *testing.T) {
	text, err := terms(fstest.MapFS{
		"LICENSE.txt": {Data: []byte("\r\nMIT\r\nterms\n\n")}, "NOTICE": {Data: []byte("notice")}, "license_test.go": {Data: []byte("code")},
	})
	if want := "\nMIT\nterms\n\nnotice\n"; err != nil || text != want {
		t.Errorf("terms %q, want %q, error %v", text, want, err)
	}
	if _, err := terms(fstest.MapFS{"README": {Data: []byte("MIT")}}); err == nil {
		t.Error("a module without terms passes")
	}
	text, err = embedded(fstest.MapFS{"cmd/x/assets/plot.LICENSE": {Data: []byte("MIT\n")}, "cmd/x/plot.js": {}})
	if want := "\n==== plot ====\n\nMIT\n"; err != nil || text != want {
		t.Errorf("embedded %q, want %q, error %v", text, want, err)
	}
	folders := map[string]string{}
	err = addModules(folders, `{"Module":{"Path":"a","Dir":"/a"}}{}{"Module":{"Path":"llmops","Dir":"/","Main":true}}`)
	if diff := cmp.Diff(map[string]string{"a": "/a"}, folders); err != nil || diff != "" {
		t.Errorf("error %v\n%s", err, diff)
	}
	if err := addModules(folders, "{"); err == nil {
		t.Error("half a list passes")
	}
}

// A binary does not go out without the terms of each module in it.
func TestNoticed(t *testing.T) {
	data := program(t)
	full := notice("Go") + "terms" + notice("github.com/google/go-cmp") + "terms"
	if err := noticed(data, []byte(full)); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"Go", "github.com/google/go-cmp"} {
		if err := noticed(data, []byte(strings.Replace(full, notice(name), "", 1))); err == nil || !strings.Contains(err.Error(), name+" is missing") {
			t.Errorf("without %s: error %v", name, err)
		}
	}
}

// tree is a good archive's content.
func tree() map[string]packed {
	return map[string]packed{
		"x/llmops":       {0o755, []byte("ELF")},
		"x/LICENSE":      {0o644, []byte("terms")},
		"x/man/llmops.1": {0o644, []byte(".TH")},
	}
}

func TestUnpack(t *testing.T) {
	files := tree()
	for name, data := range map[string][]byte{"x.tar.gz": tarball(t, files), "x.zip": zipped(t, files)} {
		got, err := unpack(name, data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(files, got, cmp.AllowUnexported(packed{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if _, err := unpack(name, data[:len(data)/2]); err == nil {
			t.Errorf("%s: half of it passes", name)
		}
	}
}

func TestCompare(t *testing.T) {
	want := map[string][]byte{"x/llmops": nil, "x/LICENSE": []byte("terms"), "x/man/llmops.1": nil}
	if err := compare(tree(), want, "x/llmops"); err != nil {
		t.Error(err)
	}
	for says, change := range map[string]func(map[string]packed){
		"x/LICENSE is missing":                         func(m map[string]packed) { delete(m, "x/LICENSE") },
		"x/LICENSE is not the file of the source tree": func(m map[string]packed) { m["x/LICENSE"] = packed{0o644, []byte("others")} },
		"x/llmops has mode":                            func(m map[string]packed) { m["x/llmops"] = packed{0o644, []byte("ELF")} },
		"x/man/llmops.1 is empty":                      func(m map[string]packed) { m["x/man/llmops.1"] = packed{0o644, nil} },
		"../secret does not belong there":              func(m map[string]packed) { m["../secret"] = packed{0o644, []byte("1")} },
	} {
		files := tree()
		change(files)
		if err := compare(files, want, "x/llmops"); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want %q", err, says)
		}
	}
}

// A release whose archives are gone, altered or unknown does not pass.
func TestCheckFindsWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	var all []string
	for _, target := range targets() {
		all = append(all, target.name())
	}
	sum := strings.Repeat("0", 64)
	for _, tt := range []struct {
		sums    string
		without []string
		says    string // "" for a pass
	}{
		{"", all, ""},
		{"", all[1:], "llmops_1_linux_amd64_nvml.tar.gz: no such file"},
		{"", append(slices.Clone(all), "plan9_mips"), "-without plan9_mips: no such target"},
		{sum + "  other.zip\n", all, "other.zip belongs to no target"},
		{sum + "  llmops_1_linux_amd64.tar.gz\n", slices.Delete(slices.Clone(all), 2, 3), "checksums.txt says"},
	} {
		sums, err := parseSums(tt.sums)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "llmops_1_linux_amd64.tar.gz"), []byte("altered"), 0o600); err != nil {
			t.Fatal(err)
		}
		r := &release{dir: dir, version: "1", sums: sums}
		lines, err := r.check("2.34", tt.without)
		if tt.says == "" && err != nil || tt.says != "" && (err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "open "+dir+"/", ""), tt.says)) {
			t.Errorf("without %v: error %v, want %q", tt.without, err, tt.says)
		}
		if want := len(all) + 1; len(lines) != want {
			t.Errorf("%d lines, want %d: one a target and the version", len(lines), want)
		}
	}
}

func tarball(t *testing.T, files map[string]packed) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	tw := tar.NewWriter(zw)
	for name, f := range files {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: int64(f.mode), Size: int64(len(f.data))}
		if err := tw.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		write(t, tw, f.data)
	}
	closeAll(t, tw, zw)
	return b.Bytes()
}

func zipped(t *testing.T, files map[string]packed) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := zip.NewWriter(&b)
	for name, f := range files {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		h.SetMode(f.mode)
		w, err := zw.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		write(t, w, f.data)
	}
	closeAll(t, zw)
	return b.Bytes()
}

func write(t *testing.T, w io.Writer, data []byte) {
	t.Helper()
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
}

func closeAll(t *testing.T, list ...io.Closer) {
	t.Helper()
	for _, c := range list {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
