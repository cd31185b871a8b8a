package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// debData is the member of a deb that has its files, and the folders they are in.
const debData = "data.tar.gz"

// packageKinds are those that are made of each binary with NVML.
func packageKinds() []string { return []string{"deb", "rpm"} }

func (r *release) packageName(t target, kind string) string {
	return "llmops_" + r.version + "_" + t.goos + "_" + t.goarch + "." + kind
}

// installed is where a deb puts files, by their names in the archives.
func installed() map[string]string {
	return map[string]string{
		"llmops":                  "usr/bin/llmops",
		"LICENSE":                 "usr/share/doc/llmops/copyright",
		"THIRD_PARTY_LICENSES":    "usr/share/doc/llmops/THIRD_PARTY_LICENSES",
		"completions/llmops.bash": "usr/share/bash-completion/completions/llmops",
		"completions/_llmops":     "usr/share/zsh/vendor-completions/_llmops",
		"completions/llmops.fish": "usr/share/fish/vendor_completions.d/llmops.fish",
	}
}

// checkPackage holds a package to the archive of the same binary: a deb file by file, an
// rpm, whose payload needs more than the standard library, by its checksum and kind.
func (r *release) checkPackage(t target, name, archive string) error {
	data, err := r.read(name)
	if err != nil {
		return err
	}
	if strings.HasSuffix(name, ".rpm") {
		if !bytes.HasPrefix(data, []byte{0xed, 0xab, 0xee, 0xdb}) {
			return errors.New("it is no rpm")
		}
		return nil
	}
	text, err := r.read(archive)
	if err != nil {
		return err
	}
	archived, err := unpack(archive, text)
	if err != nil {
		return err
	}
	member, err := arMember(data, debData)
	if err != nil {
		return err
	}
	files, err := unpack(debData, member)
	if err != nil {
		return err
	}
	want := map[string][]byte{}
	for from, to := range installed() {
		want[to] = archived[r.base(t)+"/"+from].data
	}
	for name, f := range archived {
		if page, ok := strings.CutPrefix(name, r.base(t)+"/man/"); ok {
			want["usr/share/man/man1/"+page] = f.data
		}
	}
	plain := map[string]packed{}
	for name, f := range files {
		plain[strings.TrimPrefix(strings.TrimPrefix(name, "."), "/")] = f
	}
	return compare(plain, want, "usr/bin/llmops")
}

// arMember is a member of an archive of ar(5), the outer format of a deb.
func arMember(data []byte, name string) ([]byte, error) {
	rest, ok := bytes.CutPrefix(data, []byte("!<arch>\n"))
	if !ok {
		return nil, errors.New("it is no archive of ar")
	}
	const head = 60 // name 16, time 12, owner 6, group 6, mode 8, size 10, end 2
	for len(rest) >= head {
		size, err := strconv.Atoi(strings.TrimSpace(string(rest[48:58])))
		if err != nil || size < 0 || size > len(rest)-head {
			return nil, fmt.Errorf("a member of %q bytes: %w", rest[48:58], io.ErrUnexpectedEOF)
		}
		if strings.TrimRight(string(rest[:16]), " /") == name {
			return rest[head : head+size], nil
		}
		rest = rest[min(len(rest), head+size+size%2):]
	}
	return nil, fmt.Errorf("it has no %s", name)
}
