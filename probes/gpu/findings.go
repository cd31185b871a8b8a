package gpu

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"llmops/probes/gpu/nvml"
	"llmops/probes/snapshot"
)

// Findings says in words what is wrong with GPUs, worst first for each. It is
// a pure function of the readings; now dates the events of the kernel log.
func Findings(gpus []snapshot.GPU, now time.Time) []snapshot.Finding {
	var out []snapshot.Finding
	for _, g := range gpus {
		f := about{&out, g}
		f.state()
		f.memory()
		f.throttling()
		f.links()
		f.events(now)
		f.settings()
	}
	if n := unresolved(gpus); n > 0 {
		out = append(out, snapshot.Finding{ID: "gpu_processes_unresolved", Severity: snapshot.Info, Entity: "host",
			Summary: fmt.Sprintf("%d GPU process%s could not be named", n, map[bool]string{true: "", false: "es"}[n == 1]),
			Why:     "the driver counts processes in the host's numbers, and this is another PID namespace or another user",
			Action:  "run on the host, or in the container with --pid=host"})
	}
	return out
}

// SortFindings puts the worst first and keeps the order among equals.
func SortFindings(f []snapshot.Finding) {
	slices.SortStableFunc(f, func(a, b snapshot.Finding) int {
		return cmp.Compare(slices.Index(snapshot.Severities(), a.Severity), slices.Index(snapshot.Severities(), b.Severity))
	})
}

// about adds findings about one GPU.
type about struct {
	out *[]snapshot.Finding
	g   snapshot.GPU
}

func (f about) add(id string, s snapshot.Severity, summary, why, action string) {
	*f.out = append(*f.out, snapshot.Finding{ID: id, Severity: s, Entity: fmt.Sprintf("gpu=%d", f.g.Index),
		Summary: fmt.Sprintf("GPU %d: %s", f.g.Index, summary), Why: why, Action: action})
}

func (f about) state() {
	switch f.g.State {
	case snapshot.GPULost:
		f.add("gpu_lost", snapshot.Critical, "has fallen off the bus", "the driver cannot reach it any more; what ran on it is gone", nvml.Lost.Hint())
	case snapshot.GPUResetRequired:
		f.add("gpu_reset_required", snapshot.Critical, "works again only after a reset", "the driver says so for every call", nvml.ResetRequired.Hint())
	case snapshot.GPUTimeout:
		f.add("gpu_timeout", snapshot.Critical, "did not answer", "the driver hung on it past the deadline", "look for Xid lines in dmesg; drain and reset it, or reboot")
	case snapshot.GPUForbidden:
		f.add("gpu_forbidden", snapshot.Warning, "may not be read", "the driver refuses this user", nvml.NoPermission.Hint())
	case snapshot.GPUFailed:
		f.add("gpu_error", snapshot.Warning, "could not be opened", "the driver gave an error that names no cause", "look for Xid lines in dmesg")
	}
	if a := f.g.RecoveryAction; a != "" && a != "none" {
		f.add("gpu_recovery_needed", snapshot.Critical, "the driver asks for a recovery: "+strings.ReplaceAll(a, "_", " "),
			"it met an error that it cannot get over by itself", "drain the GPU and do that; dmesg has the Xid that led to it")
	}
}

func (f about) memory() {
	if e := f.g.ECC; e != nil {
		if n := deref(e.VolatileUncorrected); n > 0 {
			f.add("gpu_ecc_uncorrected", snapshot.Critical, fmt.Sprintf("%d uncorrected memory error%s since the driver was loaded", n, plural(int(min(n, 2)))),
				"data was lost: programs crashed or computed with wrong values", "drain and reset the GPU; if it comes back, report the board")
		}
		if deref(e.SRAMThresholdExceeded) {
			f.add("gpu_ecc_sram_threshold", snapshot.Critical, "on-chip memory errors above the vendor's threshold", "the chip itself is wearing out", "report the board")
		}
		if e.Enabled != nil && e.PendingEnabled != nil && *e.Enabled != *e.PendingEnabled {
			f.add("gpu_ecc_pending", snapshot.Info, "ECC will change at the next reset", "", "reset the GPU to make it so")
		}
	}
	if r := f.g.RowRemap; r != nil {
		if deref(r.Failed) {
			f.add("gpu_row_remap_failed", snapshot.Critical, "a broken memory row could not be replaced", "the board has no spare row left where one is needed", "replace the board")
		}
		if deref(r.Pending) {
			f.add("gpu_row_remap_pending", snapshot.Warning, "a broken memory row waits to be replaced", "it is still in use until the next reset", "reset the GPU at the next chance")
		}
	}
	if p := f.g.RetiredPages; p != nil && deref(p.Pending) {
		f.add("gpu_retired_pages_pending", snapshot.Warning, "broken memory pages wait to be retired", "they are still in use until the next reset", "reset the GPU at the next chance")
	}
	if m := f.g.Memory; m != nil && deref(m.Utilization) >= 0.98 {
		f.add("gpu_memory_full", snapshot.Info, fmt.Sprintf("%.1f %% of its memory is in use", *m.Utilization*100),
			"serving engines take a fixed share; the next allocation beside them will fail", "")
	}
}

// slow are the reasons that mean trouble, with what to do about each.
func slow() []struct{ reason, what, action string } {
	const cool = "check fans, airflow and inlet temperature"
	return []struct{ reason, what, action string }{
		{"hw_thermal", "too hot, the hardware halves its clocks", cool},
		{"sw_thermal", "too hot, the driver lowers its clocks", cool},
		{"hw_power_brake", "the power supply asks it to slow down", "check power supplies and the rack's power budget"},
		{"hw_slowdown", "the hardware halves its clocks", "check cooling and power"},
		{"reliability", "held below full clocks for reliability", "compare the voltage and firmware with other hosts"},
	}
}

// throttledShare is the part of a window in which slower clocks are worth a
// word: less comes from single spikes.
const throttledShare = 0.05

func (f about) throttling() {
	active := []string{}
	if t := f.g.Throttle; t != nil {
		active = deref(t.Active)
	}
	told := false
	for _, s := range slow() {
		share := 0.0
		if f.g.Window != nil {
			share = f.g.Window.Throttled[s.reason]
		}
		if (!slices.Contains(active, s.reason) && share < throttledShare) || told && s.reason == "hw_slowdown" {
			continue // hw_slowdown is set beside the two that name its cause
		}
		told = true
		f.add("gpu_throttled_"+s.reason, snapshot.Warning, s.what, f.clockWords(share), s.action)
	}
	share := 0.0
	if f.g.Window != nil {
		share = f.g.Window.Throttled["sw_power_cap"]
	}
	if slices.Contains(active, "sw_power_cap") || share >= 0.5 {
		f.add("gpu_power_capped", snapshot.Info, "runs at its power limit", f.clockWords(share), "normal under full load; if the limit was lowered, raise it with nvidia-smi -pl")
	}
	if t := f.g.Temperature; t != nil && t.GPUC != nil && t.SlowdownC != nil && *t.GPUC >= *t.SlowdownC {
		f.add("gpu_hot", snapshot.Critical, fmt.Sprintf("%.0f °C, at or above the slowdown at %.0f °C", *t.GPUC, *t.SlowdownC), "", "check fans, airflow and inlet temperature")
	}
}

// clockWords are the numbers behind a throttled GPU.
func (f about) clockWords(share float64) string {
	var words []string
	if share > 0 {
		words = append(words, fmt.Sprintf("%.0f %% of %.3g s", share*100, f.g.Window.Seconds))
	}
	if c := f.g.Clocks; c != nil && c.SMMHz != nil && c.MaxSMMHz != nil {
		words = append(words, fmt.Sprintf("clock %.0f of %.0f MHz", *c.SMMHz, *c.MaxSMMHz))
	}
	if t := f.g.Temperature; t != nil && t.GPUC != nil {
		words = append(words, fmt.Sprintf("%.0f °C", *t.GPUC))
	}
	if p := f.g.Power; p != nil && p.DrawW != nil && p.LimitW != nil {
		words = append(words, fmt.Sprintf("%.0f of %.0f W", *p.DrawW, *p.LimitW))
	}
	return strings.Join(words, ", ")
}

func (f about) links() {
	if p := f.g.PCIe; p != nil {
		if p.Width != nil && p.MaxWidth != nil && *p.Width > 0 && *p.Width < *p.MaxWidth {
			f.add("gpu_pcie_width", snapshot.Warning, fmt.Sprintf("PCIe link is %d lanes wide, %d are possible", *p.Width, *p.MaxWidth),
				"the width does not shrink when the GPU is idle; copies to and from the host take longer", "reseat the board or riser; check the slot and the BIOS")
		}
		if n := p.Errors["fatal"]; n > 0 {
			f.add("gpu_pcie_fatal", snapshot.Critical, fmt.Sprintf("%d fatal PCIe errors", n), "", "reseat the board or riser; check the slot")
		}
		if w := f.g.Window; w != nil && deref(w.PCIeReplays) > 0 {
			f.add("gpu_pcie_replays", snapshot.Warning, fmt.Sprintf("%d PCIe packets sent again within %.3g s", *w.PCIeReplays, w.Seconds),
				"the link has bit errors", "reseat the board or riser")
		}
	}
	if n := f.g.NVLink; n != nil {
		if n.Links != nil && n.Active != nil && *n.Active > 0 && *n.Active < *n.Links {
			f.add("gpu_nvlink_down", snapshot.Warning, fmt.Sprintf("%d of %d NVLinks are up", *n.Active, *n.Links),
				fmt.Sprintf("down: %v; boards with bridges use only some of their links", n.Down), "compare with the other GPUs of the host; nvidia-smi nvlink -s")
		}
		if w := f.g.Window; w != nil && deref(w.NVLinkErrors) > 0 {
			f.add("gpu_nvlink_errors", snapshot.Warning, fmt.Sprintf("%d NVLink errors within %.3g s", *w.NVLinkErrors, w.Seconds), "the links have bit errors or restart", "nvidia-smi nvlink -e shows which link; report the board if it goes on")
		}
	}
	fabric := f.g.Fabric
	switch {
	case fabric == nil:
	case fabric.Health == "unhealthy":
		f.add("gpu_fabric_unhealthy", snapshot.Critical, "the NVSwitch fabric is unhealthy", strings.Join(fabric.Problems, ", "), "look at the fabric manager's log; nvidia-smi -q shows the fabric")
	case fabric.Health == "limited_capacity" || len(fabric.Problems) > 0:
		f.add("gpu_fabric_degraded", snapshot.Warning, "the NVSwitch fabric works in part", strings.Join(fabric.Problems, ", "), "look at the fabric manager's log")
	case fabric.State == "not_started" || fabric.State == "in_progress":
		f.add("gpu_fabric_not_ready", snapshot.Warning, "not registered with the NVSwitch fabric", "state "+fabric.State+": CUDA does not start on this GPU", "start nvidia-fabricmanager of the driver's version")
	case fabric.State == "completed" && fabric.Status != "" && fabric.Status != "ok":
		f.add("gpu_fabric_error", snapshot.Critical, "registration with the NVSwitch fabric failed", fabric.Status, "restart nvidia-fabricmanager of the driver's version")
	}
}

func (f about) events(now time.Time) {
	for _, x := range f.g.XIDs {
		severity, when := aged(x.Severity, x.At, now)
		f.add("gpu_xid", severity, fmt.Sprintf("Xid %d: %s", x.Code, x.Meaning), joined(when, times(x.Count), process(x.Process, x.PID)), x.Action)
	}
}

func (f about) settings() {
	if f.g.Persistence != nil && !*f.g.Persistence {
		f.add("gpu_persistence_off", snapshot.Info, "persistence mode is off", "the driver starts anew for each first user, up to seconds a GPU", "nvidia-smi -pm 1, or run nvidia-persistenced")
	}
	if f.g.ECC != nil && f.g.ECC.Enabled != nil && !*f.g.ECC.Enabled {
		f.add("gpu_ecc_off", snapshot.Info, "ECC is off", "memory errors are neither corrected nor counted", "nvidia-smi -e 1 and a reset")
	}
	if m := f.g.MIG; m != nil && deref(m.Enabled) {
		f.add("gpu_mig", snapshot.Info, fmt.Sprintf("cut into %d instance%s (MIG)", len(m.Instances), plural(len(m.Instances))),
			"the driver gives no utilization for the GPU as a whole", "")
	}
}

// unresolved counts processes that have no name, each once.
func unresolved(gpus []snapshot.GPU) int {
	pids := map[int]bool{}
	for _, g := range gpus {
		for _, p := range g.Processes {
			if !p.Resolved {
				pids[p.PID] = true
			}
		}
	}
	return len(slices.Collect(maps.Keys(pids)))
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
