// Command release makes the bills of materials and the licence notices of a
// release and checks what goreleaser has packed. It judges files as they lie on the disk and runs the
// binaries that this machine can run; it must change and publish nothing.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"
)

const usage = "usage: release sbom VERSION BINARY FILE | release notices FILE | release check [-root DIR] [-glibc 2.34] [-without NAME,…] DIR"

func main() {
	log.SetFlags(0)
	log.SetPrefix("release: ")
	flag.Usage = func() { log.Fatal(usage) }
	flag.Parse()
	if err := run(flag.Args()); err != nil {
		log.Fatal("error: ", err)
	}
}

func run(args []string) error {
	if len(args) == 4 && args[0] == "sbom" {
		return writeSBOM(args[1], args[2], args[3])
	}
	if len(args) == 2 && args[0] == "notices" {
		return writeNotices(args[1])
	}
	if len(args) == 0 || args[0] != "check" {
		return errors.New(usage)
	}
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	root := flags.String("root", ".", "folder of the module, from which the release was made")
	glibc := flags.String("glibc", "2.34", "newest version of glibc that a binary may need")
	without := flags.String("without", "", "names that this machine could not build, such as linux_arm64_nvml")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New(usage)
	}
	r, err := open(*root, flags.Arg(0))
	if err != nil {
		return err
	}
	lines, err := r.check(*glibc, strings.FieldsFunc(*without, func(c rune) bool { return c == ',' || c == ' ' }))
	for _, line := range lines {
		log.Print(line)
	}
	return err
}

// writeSBOM is called by goreleaser for each binary.
func writeSBOM(version, binary, file string) error {
	data, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	doc, err := sbom(version, data)
	if err != nil {
		return fmt.Errorf("%s: %w", binary, err)
	}
	return os.WriteFile(file, doc, 0o644)
}
