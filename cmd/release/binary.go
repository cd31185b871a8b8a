package main

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// target is a kind of binary that a release has.
type target struct {
	goos, goarch string
	nvml         bool // with cgo, for the library of the NVIDIA driver
}

func targets() []target {
	list := []target{{"linux", "amd64", true}, {"linux", "arm64", true}}
	for _, goos := range []string{"linux", "darwin", "windows"} {
		list = append(list, target{goos, "amd64", false}, target{goos, "arm64", false})
	}
	return list
}

// name is how the target is called in file names: linux_amd64_nvml.
func (t target) name() string {
	if t.nvml {
		return t.goos + "_" + t.goarch + "_nvml"
	}
	return t.goos + "_" + t.goarch
}

// inspect tells in a few words how binary is linked, and whether it is what t
// asks for. glibc is the newest version that it may need.
func (t target) inspect(binary []byte, glibc string) (string, error) {
	info, err := buildinfo.Read(bytes.NewReader(binary))
	if err != nil {
		return "", fmt.Errorf("read how it was built: %w", err)
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	cgo := "0"
	if t.nvml {
		cgo = "1"
	}
	for _, want := range [][2]string{{"GOOS", t.goos}, {"GOARCH", t.goarch}, {"CGO_ENABLED", cgo}, {"-trimpath", "true"}} {
		if got := settings[want[0]]; got != want[1] {
			return "", fmt.Errorf("built with %s=%q, want %q", want[0], got, want[1])
		}
	}
	if t.goos != "linux" {
		return "no cgo", nil
	}
	f, err := elf.NewFile(bytes.NewReader(binary))
	if err != nil {
		return "", err
	}
	if t.nvml {
		return lazy(f, glibc)
	}
	needs, err := f.ImportedLibraries()
	if err != nil {
		return "", err
	}
	if len(needs) > 0 || slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		return "", fmt.Errorf("not static: it needs a loader or libraries %v", needs)
	}
	return "static", nil
}

// lazy checks that the functions of NVML are left open until they are called:
// with immediate binding no binary with NVML even starts without a driver.
func lazy(f *elf.File, glibc string) (string, error) {
	symbols, err := f.ImportedSymbols()
	if err != nil {
		return "", err
	}
	open := 0
	for _, s := range symbols {
		if strings.HasPrefix(s.Name, "nvml") {
			open++
		}
	}
	if open == 0 {
		return "", errors.New("no function of NVML is linked")
	}
	now, err1 := f.DynValue(elf.DT_BIND_NOW)
	flags, err2 := f.DynValue(elf.DT_FLAGS)
	flags1, err3 := f.DynValue(elf.DT_FLAGS_1)
	if err := errors.Join(err1, err2, err3); err != nil {
		return "", err
	}
	set := func(values []uint64, bit uint64) bool {
		return slices.ContainsFunc(values, func(v uint64) bool { return v&bit != 0 })
	}
	if len(now) > 0 || set(flags, uint64(elf.DF_BIND_NOW)) || set(flags1, uint64(elf.DF_1_NOW)) {
		return "", errors.New("bound at start: link with -extldflags=-Wl,-z,lazy")
	}
	floor, err := newestGLIBC(f)
	if err != nil {
		return "", err
	}
	if newer(floor, glibc) {
		return "", fmt.Errorf("needs glibc %s, %s is promised: build on an older distribution", floor, glibc)
	}
	return fmt.Sprintf("lazy, glibc %s, %d NVML symbols", floor, open), nil
}

// newestGLIBC is the newest version of glibc that f names: "2.34".
func newestGLIBC(f *elf.File) (string, error) {
	needs, err := f.DynamicVersionNeeds()
	if err != nil {
		return "", err
	}
	newest := ""
	for _, lib := range needs {
		for _, dep := range lib.Needs {
			if v, ok := strings.CutPrefix(dep.Dep, "GLIBC_"); ok && newer(v, newest) {
				newest = v
			}
		}
	}
	if newest == "" {
		return "", errors.New("it names no version of glibc")
	}
	return newest, nil
}

// newer compares versions number by number: 2.4 is older than 2.34.
func newer(a, b string) bool {
	numbers := func(v string) (list []int) {
		for part := range strings.SplitSeq(v, ".") {
			n, _ := strconv.Atoi(part) // what is no number comes first
			list = append(list, n)
		}
		return list
	}
	return slices.Compare(numbers(a), numbers(b)) > 0
}
