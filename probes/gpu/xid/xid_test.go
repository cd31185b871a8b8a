package xid

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/snapshot"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../../fixtures/gpu", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func boot() time.Time { return time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC) }

// row is what matters of an event.
type row struct {
	PCI      string
	Code     int
	Switch   bool
	Count    int
	PID      int
	Process  string
	At       string
	Severity snapshot.Severity
}

func rows(log Log) []row {
	var out []row
	for _, e := range log.Events {
		at := ""
		if !e.At.IsZero() {
			at = e.At.Format("15:04:05.000")
		}
		out = append(out, row{e.PCI, e.Code, e.Switch, e.Count, e.PID, e.Process, at, e.Severity})
	}
	return out
}

func TestDmesg(t *testing.T) {
	log, err := Read(bytes.NewReader(fixture(t, "kernel.log")), boot())
	if err != nil {
		t.Fatal(err)
	}
	want := []row{
		{"0000:03:00", 14, false, 1, 0, "", "", snapshot.Warning}, // syslog time stamps have no year: none is taken
		{"0000:3b:00", 79, false, 1, 0, "", "09:02:00.500", snapshot.Critical},
		{"0000:1b:00", 31, false, 2, 4243, "python3", "09:02:11.000", snapshot.Warning},
		{"0000:c1:00", 28006, true, 1, 0, "", "09:02:20.000", snapshot.Warning},
		{"0000:c1:00", 20034, true, 1, 0, "", "09:02:21.000", snapshot.Critical},
	}
	if diff := cmp.Diff(want, rows(log)); diff != "" {
		t.Error(diff)
	}
	if e := log.Events[1]; !strings.Contains(e.Meaning, "bus") || e.Action == "" || !strings.Contains(e.Message, "fallen off") {
		t.Errorf("event %+v", e)
	}
	kills := []Kill{{At: boot().Add(150 * time.Second), PID: 777, Process: "python3", Count: 1}, {At: boot().Add(160 * time.Second), PID: 888, Process: "vllm (worker", Cgroup: true, Count: 1}}
	if diff := cmp.Diff(kills, log.Kills); diff != "" {
		t.Error(diff)
	}
}

func TestKmsg(t *testing.T) {
	log, err := Read(bytes.NewReader(fixture(t, "kmsg.log")), boot())
	if err != nil {
		t.Fatal(err)
	}
	want := []row{
		{"0000:3b:00", 48, false, 1, 1, "a;b", "09:02:00.500", snapshot.Critical}, // the text may have a semicolon
		{"0000:3b:00", 63, false, 1, 0, "", "09:02:01.000", snapshot.Warning},
	}
	if diff := cmp.Diff(want, rows(log)); diff != "" {
		t.Error(diff)
	}
	if log, _ := Read(bytes.NewReader(fixture(t, "kmsg.log")), time.Time{}); !log.Events[0].At.IsZero() {
		t.Error("a time without a boot time")
	}
}

func TestSameDevice(t *testing.T) {
	for _, tt := range []struct {
		logged, pci string
		want        bool
	}{
		{"0000:3b:00", "00000000:3B:00.0", true}, {"0000:3b:00", "0000:3b:00.0", true}, {"3b:00", "00000000:3B:00.0", true},
		{"0001:3b:00", "00000000:3B:00.0", false}, {"0001:3b:00", "00000001:3B:00.0", true}, {"0000:3b:00", "0000:3c:00.0", false},
		{"", "", false}, {"0000:3b:00", "", false},
	} {
		if got := SameDevice(tt.logged, tt.pci); got != tt.want {
			t.Errorf("%q, %q: %v", tt.logged, tt.pci, got)
		}
	}
}

// Severities of the codes that people on call meet, after NVIDIA's catalogue:
// those that it answers with a reset or a reboot are critical.
func TestDescribe(t *testing.T) {
	for code, want := range map[int]snapshot.Severity{13: "warning", 31: "warning", 43: "info", 45: "info", 48: "critical", 62: "critical", 63: "warning", 64: "critical",
		74: "critical", 79: "critical", 92: "warning", 94: "warning", 95: "critical", 109: "critical", 119: "critical", 120: "critical", 140: "critical", 145: "critical",
		154: "warning", 158: "critical", 39: "warning", 70: "warning", 100: "warning", 135: "warning", 9999: "warning", 0: "warning"} {
		severity, meaning, _ := Describe(code)
		if severity != want || meaning == "" {
			t.Errorf("Xid %d: %s (%s), want %s", code, severity, meaning, want)
		}
	}
	if _, meaning, _ := Describe(9999); !strings.Contains(meaning, "no public catalogue") {
		t.Errorf("unknown: %s", meaning)
	}
	for code, e := range catalogue {
		if e.action == "" && e.severity != info || e.meaning == "" || strings.HasSuffix(e.meaning, ".") {
			t.Errorf("Xid %d: %+v", code, e)
		}
	}
}

// The kernel's own log where it may be read; a file stands in for the device.
func TestKernel(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no kernel log")
	}
	root := t.TempDir()
	if _, err := Kernel(t.Context(), root); err == nil {
		t.Error("no device, no error")
	}
	os.Mkdir(filepath.Join(root, "dev"), 0o755)
	os.WriteFile(filepath.Join(root, "dev/kmsg"), fixture(t, "kmsg.log"), 0o644)
	text, err := Kernel(t.Context(), root)
	if err != nil || !bytes.Equal(text, fixture(t, "kmsg.log")) {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if text, err := Kernel(ctx, "/"); err == nil { // must come back at the end of the ring
		t.Logf("%d bytes of this kernel's log", len(text))
	}
}

// Any log: no panic, counts above zero, no control of a terminal.
func FuzzRead(f *testing.F) {
	f.Add(fixture(f, "kernel.log"))
	f.Add(fixture(f, "kmsg.log"))
	f.Add([]byte("NVRM: Xid (PCI:0000:1b:00): 99999999999999999999, x\n[-5] NVRM: Xid (a): 1\n1,2,-3,-;NVRM: Xid (:): 4,pid=,name="))
	f.Fuzz(func(t *testing.T, in []byte) {
		log, _ := Read(bytes.NewReader(in), boot())
		for _, e := range log.Events {
			if e.Count < 1 || e.Code < 0 || len(e.Message) > message || e.Meaning == "" {
				t.Errorf("%+v", e)
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	quiet := bytes.Repeat([]byte("6,339,5140900,-;usb 1-1: new high-speed USB device number 2 using xhci_hcd\n"), 20_000)
	b.SetBytes(int64(len(quiet)))
	for b.Loop() {
		if _, err := Read(bytes.NewReader(quiet), boot()); err != nil {
			b.Fatal(err)
		}
	}
}
