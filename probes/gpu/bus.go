package gpu

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"llmops/probes/gpu/nvml"
)

// Vendors, as snapshot.GPU names them.
const (
	nvidia = "nvidia"
	amd    = "amd"
)

// vendor is whose GPUs are looked for.
type vendor struct {
	name, title string
	id          string   // its number on the PCI bus
	files       []string // the device files of its GPUs
	hint        string   // when no driver answers
	passIn      string   // when a container has none of them
}

type vendorCount struct {
	vendor
	n int
}

func vendors() []vendor {
	return []vendor{
		{nvidia, "NVIDIA", "0x10de", []string{"dev/nvidia[0-9]*"}, nvml.NoLibrary.Hint(),
			"start the container with --gpus all (Kubernetes: a limit on nvidia.com/gpu), NVIDIA_DRIVER_CAPABILITIES=utility,compute"},
		{amd, "AMD", "0x1002", []string{"dev/kfd", "dev/dri/renderD*"}, "load it with modprobe amdgpu",
			"pass /dev/dri and /dev/kfd into the container (Kubernetes: a limit on amd.com/gpu)"},
	}
}

// passedIn tells whether a container may use GPUs of the vendor: /sys shows it those
// of the whole host.
func (v vendor) passedIn(root string) bool {
	return slices.ContainsFunc(v.files, func(pattern string) bool {
		found, _ := filepath.Glob(filepath.Join(root, pattern))
		return len(found) > 0
	})
}

// onBus counts the GPUs of each vendor on the PCI bus, driver or not; nil where the
// bus cannot be listed.
func onBus(root string) map[string]int {
	dir := filepath.Join(root, "sys/bus/pci/devices")
	devices, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	counts := map[string]int{}
	for _, v := range vendors() {
		counts[v.name] = 0
		for _, d := range devices {
			if isGPU(filepath.Join(dir, d.Name()), v) {
				counts[v.name]++
			}
		}
	}
	return counts
}

// isGPU tells GPUs from the sound and USB functions of their boards. Left out are those
// that a virtual machine has (vfio-pci), virtual functions, which come beside the GPU,
// and VGA controllers of AMD that amdgpu does not drive: boards and CPUs have such for
// their screen.
func isGPU(dir string, v vendor) bool {
	id, _ := os.ReadFile(filepath.Join(dir, "vendor"))
	if strings.TrimSpace(string(id)) != v.id {
		return false
	}
	link, _ := os.Readlink(filepath.Join(dir, "driver"))
	driver := filepath.Base(link)
	if _, err := os.Lstat(filepath.Join(dir, "physfn")); err == nil || driver == "vfio-pci" {
		return false
	}
	class, _ := os.ReadFile(filepath.Join(dir, "class"))
	switch string(class[:min(len(class), 6)]) {
	case "0x0300": // VGA
		return v.name != amd || driver == "amdgpu"
	case "0x0302", "0x0380", "0x1200": // 3D controller, other display controller, accelerator
		return true
	}
	return false
}
