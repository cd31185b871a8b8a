// Package xid reads GPU errors from the kernel log: Xid lines of NVIDIA's
// driver, SXid lines of its NVSwitch driver, and processes killed for want of
// memory. It knows what NVIDIA's public catalogue says of each Xid. It must not
// run dmesg, and reads only what it is given.
package xid

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"llmops/probes/snapshot"
)

// Log is what a kernel log says of GPUs and memory.
type Log struct {
	Events []Event
	Kills  []Kill
}

// Event is an Xid of a GPU or an SXid of a switch, the same one of the same
// device counted together.
type Event struct {
	PCI    string // as logged, without the function: 0000:3b:00
	Switch bool   // an SXid: PCI is an NVSwitch
	snapshot.GPUXID
}

// Kill is a process that the kernel killed for want of memory.
type Kill struct {
	At      time.Time
	PID     int
	Process string
	Cgroup  bool // the limit was a control group's, not the host's
	Count   int  // kills of processes of that name; PID and At are the last one's
}

// longest bounds a line of the log, and message what is kept of it.
const (
	longest = 64 << 10
	message = 200
)

// Read reads a log in the form of /dev/kmsg ("prio,seq,µs,flags;text") or of
// dmesg ("[seconds] text"), journals and syslog among it. boot makes times of
// the log's counter; a zero boot leaves them out. The log may be cut anywhere.
func Read(r io.Reader, boot time.Time) (Log, error) {
	var log Log
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 4096), longest)
	for s.Scan() {
		text, at := stamp(s.Text(), boot)
		if i := strings.Index(text, "NVRM: Xid ("); i >= 0 {
			log.add(parse(text[i+len("NVRM: Xid ("):], at, false))
		} else if i := strings.Index(text, "SXid ("); i >= 0 {
			log.add(parse(text[i+len("SXid ("):], at, true))
		} else if i := strings.Index(text, "Killed process "); i >= 0 && strings.Contains(strings.ToLower(text[:i]), "out of memory") {
			log.kill(text[i+len("Killed process "):], strings.Contains(text[:i], "cgroup"), at)
		}
	}
	slices.SortStableFunc(log.Events, func(a, b Event) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.PCI, b.PCI), cmp.Compare(a.Code, b.Code))
	})
	if err := s.Err(); err != nil && !errors.Is(err, bufio.ErrTooLong) {
		return log, err
	}
	return log, nil
}

// stamp takes the log's own prefix off a line.
func stamp(line string, boot time.Time) (string, time.Time) {
	var since time.Duration
	known := false
	if head, text, ok := strings.Cut(line, ";"); ok && strings.Count(head, ",") >= 3 && len(head) < 80 {
		micros, err := strconv.ParseInt(strings.Split(head, ",")[2], 10, 64)
		since, known, line = time.Duration(micros)*time.Microsecond, err == nil, text
	} else if i, j := strings.IndexByte(line, '['), strings.IndexByte(line, ']'); i >= 0 && j > i {
		seconds, err := strconv.ParseFloat(strings.TrimSpace(line[i+1:j]), 64)
		if err == nil && seconds >= 0 && seconds < 1e9 {
			since, known = time.Duration(seconds*1e9), true
		}
	}
	if !known || boot.IsZero() || since < 0 {
		return line, time.Time{}
	}
	return line, boot.Add(since).UTC()
}

// parse reads the rest of "PCI:0000:3b:00): 79, pid=1234, name=python3, text".
func parse(s string, at time.Time, isSwitch bool) (Event, bool) {
	device, rest, ok := strings.Cut(s, "):")
	if !ok {
		return Event{}, false
	}
	device = strings.ToLower(strings.TrimPrefix(device, "PCI:"))
	device, _, _ = strings.Cut(device, ".")
	number, text, _ := strings.Cut(strings.TrimSpace(rest), ",")
	code, err := strconv.Atoi(strings.TrimSpace(number))
	if err != nil || code < 0 || device == "" {
		return Event{}, false
	}
	e := Event{PCI: device, Switch: isSwitch, GPUXID: snapshot.GPUXID{Code: code, At: at, Count: 1}}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if v, ok := strings.CutPrefix(part, "pid="); ok {
			e.PID, _ = strconv.Atoi(strings.Trim(v, "'<>"))
		} else if v, ok := strings.CutPrefix(part, "name="); ok && !strings.HasPrefix(v, "<") {
			e.Process = clip(v)
		}
	}
	e.Message = clip(strings.TrimSpace(text))
	if isSwitch {
		e.Severity, e.Meaning, e.Action = describeSwitch(text)
	} else {
		e.Severity, e.Meaning, e.Action = Describe(code)
	}
	return e, true
}

// clip cuts a text to size and drops what would move the cursor of a terminal.
func clip(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s[:min(len(s), message)])
}

// add counts the same error of the same device once. A fatal SXid beside a
// mild one of the same code is the one that is told.
func (l *Log) add(e Event, ok bool) {
	if !ok {
		return
	}
	for i := range l.Events {
		known := &l.Events[i]
		if known.PCI == e.PCI && known.Code == e.Code && known.Switch == e.Switch {
			e.Count += known.Count
			if known.Severity == snapshot.Critical {
				e.Severity, e.Meaning, e.Action = known.Severity, known.Meaning, known.Action
			}
			*known = e
			return
		}
	}
	l.Events = append(l.Events, e)
}

// kill reads the rest of "1234 (python3) total-vm:…".
func (l *Log) kill(s string, cgroup bool, at time.Time) {
	number, rest, ok := strings.Cut(s, "(")
	name, _, closed := strings.Cut(rest, ")")
	pid, err := strconv.Atoi(strings.TrimSpace(number))
	if !ok || !closed || err != nil {
		return
	}
	k := Kill{At: at, PID: pid, Process: clip(name), Cgroup: cgroup, Count: 1}
	for i := range l.Kills {
		if known := &l.Kills[i]; known.Process == k.Process && known.Cgroup == cgroup {
			k.Count += known.Count
			*known = k
			return
		}
	}
	l.Kills = append(l.Kills, k)
}

// SameDevice tells whether a logged address ("0000:3b:00") is the GPU at pci
// ("00000000:3B:00.0"): width of the domain, case and function differ.
func SameDevice(logged, pci string) bool {
	a, b := address(logged), address(pci)
	return a != "" && a == b
}

func address(s string) string {
	s, _, _ = strings.Cut(strings.ToLower(s), ".")
	parts := strings.Split(s, ":")
	if len(parts) == 2 {
		parts = append([]string{"0"}, parts...)
	}
	if len(parts) != 3 {
		return ""
	}
	parts[0] = cmp.Or(strings.TrimLeft(parts[0], "0"), "0")
	return strings.Join(parts, ":")
}
