// Package amdgpu reads AMD GPUs from what the amdgpu driver shows in sysfs. It
// loads no library and needs no right but to read files. A file that is
// missing, or that a suspended card refuses, costs its field. Throttle reasons
// and XGMI counters are not read: their files are binary and change with the
// firmware.
package amdgpu

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"llmops/probes/snapshot"
)

// Reading is one look at all AMD GPUs.
type Reading struct {
	GPUs   []snapshot.GPU
	Errors []snapshot.Problem
}

// Read reads below sys, which is /sys. Without an AMD GPU it gives nothing,
// and that is no error.
func Read(sys fs.FS) Reading {
	var r Reading
	cards, err := fs.Glob(sys, "class/drm/card*")
	if err != nil || len(cards) == 0 {
		return r
	}
	cards = slices.DeleteFunc(cards, func(c string) bool { _, ok := cardNumber(c); return !ok })
	slices.SortFunc(cards, func(a, b string) int {
		m, _ := cardNumber(a)
		n, _ := cardNumber(b)
		return m - n
	})
	nodes := computeNodes(sys)
	for _, c := range cards {
		d := dir{sys: sys, at: c + "/device"}
		if d.text("vendor") != "0x1002" {
			continue
		}
		d.refused = &r.Errors
		d.index = len(r.GPUs)
		r.GPUs = append(r.GPUs, d.gpu(nodes))
	}
	return r
}

// cardNumber tells card3 from its connectors, card3-DP-1.
func cardNumber(c string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimPrefix(path.Base(c), "card"))
	return n, err == nil
}

// dir is a folder of sysfs files of one card.
type dir struct {
	sys     fs.FS
	at      string
	index   int
	refused *[]snapshot.Problem
}

// text is a file's content, "" where it cannot be read. Only a refusal is
// told: everything else is normal for some card.
func (d dir) text(name string) string {
	b, err := fs.ReadFile(d.sys, path.Join(d.at, name))
	if errors.Is(err, fs.ErrPermission) && d.refused != nil {
		*d.refused = append(*d.refused, snapshot.Problem{Source: "amdgpu", What: fmt.Sprintf("gpu %d %s", d.index, name), Status: snapshot.Forbidden,
			Hint: "run as root or in the groups render and video"})
	}
	return strings.TrimSpace(string(b))
}

func (d dir) count(name string) *uint64 {
	v, err := strconv.ParseUint(d.text(name), 10, 64)
	if err != nil {
		return nil
	}
	return &v
}

// scaled is a signed number in other units.
func (d dir) scaled(name string, by float64) *float64 {
	v, err := strconv.ParseInt(d.text(name), 10, 64)
	if err != nil {
		return nil
	}
	return new(float64(v) / by)
}

func (d dir) percent(name string) *float64 {
	v := d.scaled(name, 100)
	if v == nil || *v < 0 || *v > 1 {
		return nil
	}
	return v
}

func (d dir) gpu(nodes map[int]string) snapshot.GPU {
	g := snapshot.GPU{Index: d.index, Vendor: "amd", Source: "amdgpu", State: snapshot.GPUOK,
		UUID: d.text("unique_id"), Serial: d.text("serial_number"), VBIOS: d.text("vbios_version"),
		Name: cmp.Or(d.text("product_name"), strings.TrimSpace("AMD GPU "+d.text("device"))), PCI: d.pci(),
		Utilization: d.percent("gpu_busy_percent"), MemoryCtrlUtilization: d.percent("mem_busy_percent"),
		Memory: d.memory("vram"), BAR1: d.memory("vis_vram"), GTT: d.memory("gtt")}
	if n := d.scaled("numa_node", 1); n != nil && *n >= 0 {
		g.NUMANode = new(int(*n))
	}
	p := &snapshot.GPUPCIe{Generation: generation(d.text("current_link_speed")), MaxGeneration: generation(d.text("max_link_speed")),
		Width: integer(d.count("current_link_width")), MaxWidth: integer(d.count("max_link_width")), Replays: d.count("pcie_replay_count")}
	if p.Generation != nil || p.Width != nil || p.Replays != nil {
		g.PCIe = p
	}
	d.sensors(&g)
	d.ecc(&g)
	g.Processes = d.processes(nodes)
	return g
}

// pci is the address, which is the name that the device link leads to.
func (d dir) pci() string {
	for line := range strings.Lines(d.text("uevent")) {
		if slot, ok := strings.CutPrefix(strings.TrimSpace(line), "PCI_SLOT_NAME="); ok {
			return slot
		}
	}
	return ""
}

func (d dir) memory(kind string) *snapshot.GPUMemory {
	m := &snapshot.GPUMemory{TotalBytes: d.count("mem_info_" + kind + "_total"), UsedBytes: d.count("mem_info_" + kind + "_used")}
	if m.TotalBytes != nil && m.UsedBytes != nil && *m.UsedBytes <= *m.TotalBytes {
		m.FreeBytes = new(*m.TotalBytes - *m.UsedBytes)
		if *m.TotalBytes > 0 {
			m.Utilization = new(float64(*m.UsedBytes) / float64(*m.TotalBytes))
		}
	}
	return present(m)
}

// generation is the PCIe generation of a speed such as "16.0 GT/s PCIe".
func generation(speed string) *int {
	number, _, _ := strings.Cut(speed, " ")
	i := slices.Index([]string{"2.5", "5.0", "8.0", "16.0", "32.0", "64.0"}, number)
	if i < 0 {
		return nil
	}
	return new(i + 1)
}

func integer(v *uint64) *int {
	if v == nil || *v > 1<<16 {
		return nil
	}
	return new(int(*v))
}

// present is nil for a part of which nothing was read.
func present[T comparable](part *T) *T {
	var empty T
	if *part == empty {
		return nil
	}
	return part
}
