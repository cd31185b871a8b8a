package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// release is a folder that goreleaser has filled.
type release struct {
	dir     string
	version string
	commit  string
	sums    map[string]string // SHA-256 in hexadecimal, by file name
	shared  map[string][]byte // what every archive has, by name; nil for any content
}

// open reads what the release says of itself, and from the source tree what
// its archives must contain.
func open(root, dir string) (*release, error) {
	r := &release{dir: dir, shared: map[string][]byte{}}
	data, err := os.ReadFile(filepath.Join(dir, "metadata.json"))
	if err != nil {
		return nil, err
	}
	var meta struct{ Version, Commit string }
	if err := json.Unmarshal(data, &meta); err != nil {
		return nil, fmt.Errorf("metadata.json: %w", err)
	}
	r.version, r.commit = meta.Version, meta.Commit
	if data, err = os.ReadFile(filepath.Join(dir, "checksums.txt")); err != nil {
		return nil, err
	}
	if r.sums, err = parseSums(string(data)); err != nil {
		return nil, err
	}
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
		if r.shared[name], err = os.ReadFile(filepath.Join(root, name)); err != nil {
			return nil, err
		}
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs/reference/*.md"))
	if err != nil {
		return nil, err
	}
	if len(pages) == 0 {
		return nil, fmt.Errorf("no pages in %s/docs/reference: run make docs", root)
	}
	for _, page := range pages {
		r.shared["man/"+strings.TrimSuffix(filepath.Base(page), ".md")+".1"] = nil
	}
	r.shared["THIRD_PARTY_LICENSES"] = nil
	for _, script := range []string{"llmops.bash", "_llmops", "llmops.fish", "llmops.ps1"} {
		r.shared["completions/"+script] = nil
	}
	return r, nil
}

// parseSums reads the form of sha256sum: a sum, two blanks and a file name.
func parseSums(text string) (map[string]string, error) {
	sums := map[string]string{}
	for line := range strings.Lines(text) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !ok || len(sum) != 2*sha256.Size || name != filepath.Base(name) {
			return nil, fmt.Errorf("checksums.txt: line %q", line)
		}
		sums[name] = sum
	}
	return sums, nil
}

// check verifies the checksums, every target but those named in without, and
// that nothing else is there. The lines say what was found; the error, what is wrong.
func (r *release) check(glibc string, without []string) ([]string, error) {
	lines := []string{"version " + r.version + ", commit " + r.commit}
	var errs []error
	rest := maps.Clone(r.sums)
	for _, t := range targets() {
		if i := slices.Index(without, t.name()); i >= 0 {
			without = slices.Delete(slices.Clone(without), i, i+1)
			lines = append(lines, t.name()+": left out")
			continue
		}
		archive := r.base(t) + ".tar.gz"
		if t.goos == "windows" {
			archive = r.base(t) + ".zip"
		}
		line, err := r.checkTarget(t, archive, glibc)
		lines = append(lines, t.name()+": "+line)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", archive, err))
		}
		delete(rest, archive)
		delete(rest, r.base(t)+".cdx.json")
		if !t.nvml || err != nil {
			continue
		}
		for _, kind := range packageKinds() {
			name := r.packageName(t, kind)
			if err := r.checkPackage(t, name, archive); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
			delete(rest, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rest)) {
		errs = append(errs, fmt.Errorf("%s belongs to no target that was asked for", name))
	}
	if len(without) > 0 {
		errs = append(errs, fmt.Errorf("-without %s: no such target", strings.Join(without, ",")))
	}
	return lines, errors.Join(errs...)
}

// base is the name of a target's archive, and of the folder in it.
func (r *release) base(t target) string { return "llmops_" + r.version + "_" + t.name() }

func (r *release) checkTarget(t target, archive, glibc string) (string, error) {
	data, err := r.read(archive)
	if err != nil {
		return "", err
	}
	bill, err := r.read(r.base(t) + ".cdx.json")
	if err != nil {
		return "", err
	}
	files, err := unpack(archive, data)
	if err != nil {
		return "", err
	}
	binary := r.base(t) + "/llmops"
	if t.goos == "windows" {
		binary += ".exe"
	}
	want := map[string][]byte{binary: nil}
	for name, content := range r.shared {
		want[r.base(t)+"/"+name] = content
	}
	if err := compare(files, want, binary); err != nil {
		return "", err
	}
	program := files[binary].data
	linked, err := t.inspect(program, glibc)
	if err != nil {
		return "", err
	}
	doc, err := sbom(r.version, program)
	if err != nil {
		return "", err
	}
	if !bytes.Equal(doc, bill) {
		return "", fmt.Errorf("%s.cdx.json is not about the binary in the archive", r.base(t))
	}
	if err := noticed(program, files[r.base(t)+"/THIRD_PARTY_LICENSES"].data); err != nil {
		return "", err
	}
	ran, err := r.try(t, program, files[r.base(t)+"/completions/llmops.bash"].data)
	return fmt.Sprintf("%.1f MB, binary %.1f MB, %s, %s", mb(data), mb(program), linked, ran), err
}

// noticed checks that the terms of every linked module are in text.
func noticed(program, text []byte) error {
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		return err
	}
	for _, dep := range append(info.Deps, &debug.Module{Path: "Go"}) {
		if !bytes.Contains(text, []byte(notice(dep.Path))) {
			return fmt.Errorf("THIRD_PARTY_LICENSES: %s is missing", dep.Path)
		}
	}
	return nil
}

func mb(data []byte) float64 { return float64(len(data)) / 1e6 }

// read reads a file of the release and verifies its checksum.
func (r *release) read(name string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	if got := hex.EncodeToString(sum[:]); got != r.sums[name] {
		return nil, fmt.Errorf("%s has SHA-256 %s, checksums.txt says %q", name, got, r.sums[name])
	}
	return data, nil
}

// try runs the binary where this machine can: it must know its version, and
// the packed completion must be its own. Elsewhere it looks for the version in it.
func (r *release) try(t target, program, completion []byte) (string, error) {
	if t.goos != runtime.GOOS || t.goarch != runtime.GOARCH {
		if !bytes.Contains(program, []byte(r.version)) || !bytes.Contains(program, []byte(r.commit)) {
			return "", errors.New("version and commit are not in the binary")
		}
		return "not run here", nil
	}
	dir, err := os.MkdirTemp("", "llmops-release-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "llmops")
	if err := os.WriteFile(path, program, 0o700); err != nil {
		return "", err
	}
	out, err := output(dir, path, "version", "-o", "json")
	if err != nil {
		return "", err
	}
	var says struct {
		Version, Commit string
		Probes          []struct {
			Name     string
			Compiled bool
		}
	}
	if err := json.Unmarshal(out, &says); err != nil {
		return "", fmt.Errorf("llmops version: %w", err)
	}
	nvml := false
	for _, p := range says.Probes {
		nvml = nvml || p.Name == "nvml" && p.Compiled
	}
	if says.Version != r.version || says.Commit != r.commit || nvml != t.nvml {
		return "", fmt.Errorf("llmops version says %+v", says)
	}
	if out, err = output(dir, path, "completion", "bash"); err != nil {
		return "", err
	}
	if !bytes.Equal(out, completion) {
		return "", errors.New("completions/llmops.bash is not what the binary prints")
	}
	return "runs", nil
}

// output runs a program in dir, away from any settings, with an environment of
// nothing but its home.
func output(dir, path string, args ...string) ([]byte, error) {
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("llmops %s: %w", strings.Join(args, " "), err)
	}
	return out, nil
}
