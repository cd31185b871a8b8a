package main

import (
	"os"
	"regexp"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// await waits until a file, which may not be there yet, holds what matches: a process in
// the background has then come that far, on the slowest machine too.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await FILE REGEXP")
	}
	want, err := regexp.Compile(args[1])
	ts.Check(err)
	name := ts.MkAbs(args[0])
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if data, _ := os.ReadFile(name); want.Match(data) {
			return
		}
	}
	ts.Fatalf("%s does not hold %s within a minute", args[0], args[1])
}
