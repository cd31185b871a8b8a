package gpu

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"llmops/probes/gpu/xid"
	"llmops/probes/snapshot"
)

// fresh is how long an event of the kernel log is news. Older ones are told,
// but as information: the log reaches back to the boot.
const fresh = 24 * time.Hour

// strayXID is an event of a device that is not among the GPUs: a switch, or a
// GPU that is gone.
func strayXID(e xid.Event, now time.Time) snapshot.Finding {
	severity, when := aged(e.Severity, e.At, now)
	f := snapshot.Finding{ID: "gpu_xid", Severity: severity, Entity: "pci=" + e.PCI, Action: e.Action,
		Summary: fmt.Sprintf("GPU at %s, not seen now: Xid %d: %s", e.PCI, e.Code, e.Meaning), Why: joined(when, times(e.Count), process(e.Process, e.PID))}
	if e.Switch {
		f.ID, f.Summary = "nvswitch_sxid", fmt.Sprintf("NVSwitch at %s: SXid %d: %s", e.PCI, e.Code, e.Meaning)
		f.Why = joined(when, times(e.Count), e.Message)
	}
	return f
}

func killed(k xid.Kill, now time.Time) snapshot.Finding {
	severity, when := aged(snapshot.Critical, k.At, now)
	f := snapshot.Finding{ID: "oom_kill", Severity: severity, Entity: "process=" + k.Process,
		Summary: fmt.Sprintf("the kernel killed %s for want of memory", k.Process), Why: joined("the host was out of memory", when, times(k.Count)),
		Action: "give the host more memory or the program less; look for a leak"}
	if k.Cgroup {
		f.Why = joined("its control group reached its limit", when, times(k.Count))
		f.Action = "raise the container's memory limit, or look for a leak"
	}
	return f
}

// aged makes old events information. Without a time an event counts as new.
func aged(s snapshot.Severity, at, now time.Time) (snapshot.Severity, string) {
	if at.IsZero() {
		return s, ""
	}
	when := "at " + at.UTC().Format(time.RFC3339)
	if now.Sub(at) > fresh {
		return snapshot.Info, when
	}
	return s, when
}

func times(n int) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf("%d times", n)
}

func process(name string, pid int) string {
	switch {
	case name != "" && pid > 0:
		return fmt.Sprintf("in %s (pid %d)", name, pid)
	case name != "":
		return "in " + name
	}
	return ""
}

func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}
