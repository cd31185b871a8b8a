package amdgpu

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"llmops/probes/snapshot"
)

// sensors reads the card's hwmon folder: temperatures in m°C, power in µW,
// energy in µJ, clocks in Hz.
func (d dir) sensors(g *snapshot.GPU) {
	folders, _ := fs.Glob(d.sys, path.Join(d.at, "hwmon/hwmon*"))
	if len(folders) == 0 {
		return
	}
	h := dir{sys: d.sys, at: folders[0], index: d.index, refused: d.refused}
	t := &snapshot.GPUTemperature{}
	for _, n := range []string{"temp1", "temp2", "temp3"} {
		c := h.scaled(n+"_input", 1000)
		switch h.text(n + "_label") {
		case "edge", "":
			if n == "temp1" {
				t.GPUC, t.SlowdownC, t.ShutdownC = c, h.scaled(n+"_crit", 1000), h.scaled(n+"_emergency", 1000)
			}
		case "junction":
			t.HotspotC = c
			if t.GPUC == nil { // data-centre cards have no edge sensor
				t.GPUC, t.SlowdownC, t.ShutdownC = c, h.scaled(n+"_crit", 1000), h.scaled(n+"_emergency", 1000)
			}
		case "mem":
			t.MemoryC, t.MemoryMaxC = c, h.scaled(n+"_crit", 1000)
		}
	}
	g.Temperature = present(t)
	p := &snapshot.GPUPower{AverageW: h.scaled("power1_average", 1e6), InstantW: h.scaled("power1_input", 1e6),
		LimitW: h.scaled("power1_cap", 1e6), DefaultLimitW: h.scaled("power1_cap_default", 1e6),
		MinLimitW: h.scaled("power1_cap_min", 1e6), MaxLimitW: h.scaled("power1_cap_max", 1e6), EnergyJ: h.scaled("energy1_input", 1e6)}
	p.DrawW = p.AverageW
	if p.DrawW == nil {
		p.DrawW = p.InstantW
	}
	g.Power = present(p)
	g.Clocks = present(&snapshot.GPUClocks{SMMHz: h.scaled("freq1_input", 1e6), MemoryMHz: h.scaled("freq2_input", 1e6),
		MaxSMMHz: highest(d.text("pp_dpm_sclk")), MaxMemoryMHz: highest(d.text("pp_dpm_mclk"))})
	if pwm := h.scaled("pwm1", 255); pwm != nil && *pwm >= 0 && *pwm <= 1 {
		g.Fan = pwm
	}
}

// highest is the top level of a table of clocks, lines such as "1: 1700Mhz *".
func highest(table string) *float64 {
	var top *float64
	for line := range strings.Lines(table) {
		_, level, _ := strings.Cut(line, ": ")
		number, _, ok := strings.Cut(strings.ToLower(level), "mhz")
		v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if ok && err == nil && (top == nil || v > *top) {
			top = &v
		}
	}
	return top
}

// ecc adds up the blocks of the chip; each file says "ue: N" and "ce: N",
// since the driver was loaded.
func (d dir) ecc(g *snapshot.GPU) {
	files, _ := fs.Glob(d.sys, path.Join(d.at, "ras/*_err_count"))
	e := &snapshot.GPUECC{}
	for _, f := range files {
		for line := range strings.Lines((dir{sys: d.sys, at: path.Dir(f)}).text(path.Base(f))) {
			kind, number, _ := strings.Cut(strings.TrimSpace(line), ":")
			v, err := strconv.ParseUint(strings.TrimSpace(number), 10, 64)
			if err != nil {
				continue
			}
			switch kind {
			case "ue":
				e.VolatileUncorrected = plus(e.VolatileUncorrected, v)
			case "ce":
				e.VolatileCorrected = plus(e.VolatileCorrected, v)
			}
		}
	}
	g.ECC = present(e)
}

func plus(sum *uint64, v uint64) *uint64 {
	if sum != nil {
		v += *sum
	}
	return &v
}

// computeNodes maps the number of a render device to the id under which the
// compute driver keeps its processes.
func computeNodes(sys fs.FS) map[int]string {
	nodes := map[int]string{}
	folders, _ := fs.Glob(sys, "class/kfd/kfd/topology/nodes/*")
	for _, n := range folders {
		d := dir{sys: sys, at: n}
		for line := range strings.Lines(d.text("properties")) {
			if v, ok := strings.CutPrefix(strings.TrimSpace(line), "drm_render_minor "); ok {
				if minor, err := strconv.Atoi(v); err == nil && minor > 0 {
					nodes[minor] = d.text("gpu_id")
				}
			}
		}
	}
	return nodes
}

// processes are those of the compute driver with memory on this card.
func (d dir) processes(nodes map[int]string) []snapshot.GPUProcess {
	renders, _ := fs.Glob(d.sys, path.Join(d.at, "drm/renderD*"))
	if len(renders) == 0 {
		return nil
	}
	minor, err := strconv.Atoi(strings.TrimPrefix(path.Base(renders[0]), "renderD"))
	id := nodes[minor]
	if err != nil || id == "" {
		return nil
	}
	files, _ := fs.Glob(d.sys, "class/kfd/kfd/proc/*/vram_"+id)
	var out []snapshot.GPUProcess
	for _, f := range files {
		pid, err := strconv.Atoi(path.Base(path.Dir(f)))
		if err != nil {
			continue
		}
		out = append(out, snapshot.GPUProcess{PID: pid, Type: "compute", MemoryBytes: (dir{sys: d.sys, at: path.Dir(f)}).count(path.Base(f))})
	}
	slices.SortFunc(out, func(a, b snapshot.GPUProcess) int { return a.PID - b.PID })
	return out
}
