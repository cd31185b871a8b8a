package snapshotcmd

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"llmops/cmd/internal/render"
	"llmops/probes/snapshot"
)

// gpuTable fits 80 columns with names of usual length.
func gpuTable(gpus []snapshot.GPU, style render.Style) *render.Table {
	t := &render.Table{Columns: render.Columns(">GPU", "NAME", ">UTIL", ">MEM GiB", ">MEM", ">TEMP", ">POWER W", ">SM MHz", "STATE")}
	for _, g := range gpus {
		memory, util := render.None, render.None
		if m := g.Memory; m != nil {
			memory, util = of(m.UsedBytes, m.TotalBytes), render.Optional(m.Utilization, percent)
		}
		temperature := render.None
		if x := g.Temperature; x != nil {
			temperature = render.Optional(x.GPUC, func(c float64) string { return whole(c) + "C" })
		}
		power := render.None
		if p := g.Power; p != nil && (p.DrawW != nil || p.LimitW != nil) {
			power = render.Optional(p.DrawW, whole) + "/" + render.Optional(p.LimitW, whole)
		}
		clock := render.None
		if c := g.Clocks; c != nil {
			clock = render.Optional(cmp.Or(c.SMMHz, c.GraphicsMHz), whole)
		}
		t.Add(strconv.Itoa(g.Index), shortName(g), render.Optional(g.Utilization, percent), memory, util, temperature, power, clock, gpuState(g, style))
	}
	return t
}

// shortName leaves out what every name of the vendor begins with.
func shortName(g snapshot.GPU) string {
	name := render.Clean(g.Name)
	for _, prefix := range []string{"NVIDIA ", "AMD ", "Instinct ", "GeForce "} {
		name = strings.TrimPrefix(name, prefix)
	}
	return cmp.Or(name, render.None)
}

// gpuState is one or two words: what is wrong, else why its clocks are down.
func gpuState(g snapshot.GPU, style render.Style) string {
	if g.State != snapshot.GPUOK {
		return style.Red(strings.ReplaceAll(g.State, "_", " "))
	}
	if t := g.Throttle; t != nil && t.Active != nil {
		for _, reason := range *t.Active {
			switch reason {
			case "idle":
				return "idle"
			case "hw_slowdown", "hw_thermal", "sw_thermal", "hw_power_brake":
				return style.Yellow(reason)
			case "sw_power_cap":
				return "power cap"
			}
		}
	}
	if g.MIG != nil && g.MIG.Enabled != nil && *g.MIG.Enabled {
		return "MIG"
	}
	return style.Green("ok")
}

// migTable has the instances of GPUs that are cut into some.
func migTable(gpus []snapshot.GPU) *render.Table {
	t := &render.Table{Columns: render.Columns(">GPU", ">MIG", "NAME", ">SMs", ">MEM GiB", ">MEM", "UUID")}
	for _, g := range gpus {
		if g.MIG == nil || g.MIG.Enabled == nil || !*g.MIG.Enabled {
			continue
		}
		if len(g.MIG.Instances) == 0 {
			t.Add(strconv.Itoa(g.Index), render.None, "enabled, no instance", render.None, render.None, render.None)
		}
		for _, i := range g.MIG.Instances {
			memory, util := render.None, render.None
			if m := i.Memory; m != nil {
				memory, util = of(m.UsedBytes, m.TotalBytes), render.Optional(m.Utilization, percent)
			}
			t.Add(strconv.Itoa(g.Index), strconv.Itoa(i.Index), render.Clean(i.Name), render.Optional(i.SMs, strconv.Itoa), memory, util, render.Clean(i.UUID))
		}
	}
	return t
}

// mostProcesses is how many rows the table has; JSON has all of them.
const mostProcesses = 8

// processTable has those with the most memory.
func processTable(gpus []snapshot.GPU) *render.Table {
	t := &render.Table{Columns: render.Columns(">GPU", ">PID", ">MEM", "USER", "CONTAINER", "COMMAND")}
	type row struct {
		gpu int
		snapshot.GPUProcess
	}
	var rows []row
	for _, g := range gpus {
		for _, p := range g.Processes {
			rows = append(rows, row{g.Index, p})
		}
	}
	memory := func(r row) uint64 {
		if r.MemoryBytes == nil {
			return 0
		}
		return *r.MemoryBytes
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(memory(b), memory(a)) })
	for _, r := range rows[:min(len(rows), mostProcesses)] {
		command := cmp.Or(r.Command, r.Name, render.None)
		if !r.Resolved {
			command = "(of another container or user)"
		}
		t.Add(strconv.Itoa(r.gpu), strconv.Itoa(r.PID), render.Optional(r.MemoryBytes, render.Size), cmp.Or(render.Clean(r.User), render.None),
			cmp.Or(render.Clean(r.Container[:min(len(r.Container), 12)]), render.None), render.Clean(command))
	}
	if left := len(rows) - mostProcesses; left > 0 {
		t.Add("", "", "", "", "", "and "+strconv.Itoa(left)+" more"+" in -o json")
	}
	return t
}
