package host

import (
	"errors"
	"math"
	"strings"

	"llmops/probes/snapshot"
)

// memoryOf reads /proc/meminfo and /proc/vmstat.
func memoryOf(info, vm table, pageSize uint64) (*snapshot.Memory, *snapshot.Swap, error) {
	m := &snapshot.Memory{
		TotalBytes:     info.get("MemTotal"),
		AvailableBytes: info.get("MemAvailable"),
		FreeBytes:      info.get("MemFree"),
		CachedBytes:    info.get("Cached"),
		ShmemBytes:     info.get("Shmem"),
		DirtyBytes:     info.get("Dirty"),
		LockedBytes:    info.get("Mlocked"),
		MajorFaults:    vm.get("pgmajfault"),
	}
	if m.TotalBytes == nil || *m.TotalBytes == 0 {
		return nil, nil, errors.New("/proc/meminfo: no MemTotal")
	}
	// A kernel before 3.14 has no MemAvailable, and every estimate of it from
	// the other lines is wrong somewhere: then use is not known.
	if m.AvailableBytes != nil && *m.AvailableBytes <= *m.TotalBytes {
		m.UsedBytes = new(*m.TotalBytes - *m.AvailableBytes)
		m.Utilization = new(float64(*m.UsedBytes) / float64(*m.TotalBytes))
	}
	if pages := info.get("HugePages_Total"); pages != nil && *pages > 0 {
		m.HugePages, m.HugePagesFree = pages, info.get("HugePages_Free")
	}
	total, free := info.get("SwapTotal"), info.get("SwapFree")
	if total == nil || *total == 0 {
		return m, nil, nil
	}
	s := &snapshot.Swap{TotalBytes: total, InBytes: pages(vm.get("pswpin"), pageSize), OutBytes: pages(vm.get("pswpout"), pageSize)}
	if free != nil && *free <= *total {
		s.UsedBytes = new(*total - *free)
		s.Utilization = new(float64(*s.UsedBytes) / float64(*total))
	}
	return m, s, nil
}

// pages turns a number of pages into bytes.
func pages(n *uint64, size uint64) *uint64 {
	if n == nil || *n > 1<<48 {
		return nil
	}
	return new(*n * size)
}

// parseStalls reads a file of pressure stall information:
//
//	some avg10=0.00 avg60=0.00 avg300=0.00 total=123
//
// Means are in percent, the total is in microseconds.
func parseStalls(text string) *snapshot.Stalls {
	var s snapshot.Stalls
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "some" && f[0] != "full" {
			continue
		}
		var stall snapshot.Stall
		for _, word := range f[1:] {
			key, value, _ := strings.Cut(word, "=")
			v := parseFloat(value)
			if v == nil {
				continue
			}
			switch key {
			case "avg10":
				stall.Avg10 = percent(*v)
			case "avg60":
				stall.Avg60 = percent(*v)
			case "avg300":
				stall.Avg300 = percent(*v)
			case "total":
				stall.TotalSeconds = new(*v / 1e6)
			}
		}
		if f[0] == "some" {
			s.Some = &stall
		} else {
			s.Full = &stall
		}
	}
	if s.Some == nil && s.Full == nil {
		return nil
	}
	return &s
}

// percent turns the kernel's percentage, which has two decimals, into a ratio
// that has four.
func percent(v float64) *float64 { return new(math.Round(v*100) / 1e4) }

// pressureOf reads the three files of one folder, whose names end in suffix.
func pressureOf(t tree, dir, suffix string) (*snapshot.Pressure, error) {
	var p snapshot.Pressure
	var first error
	for _, part := range []struct {
		name string
		into **snapshot.Stalls
	}{{"cpu", &p.CPU}, {"memory", &p.Memory}, {"io", &p.IO}} {
		text, err := t.read(dir + "/" + part.name + suffix)
		if err != nil {
			first = errors.Join(first, err)
			continue
		}
		*part.into = parseStalls(text)
	}
	if p == (snapshot.Pressure{}) {
		return nil, first
	}
	return &p, nil
}

// filesOf reads /proc/sys/fs/file-nr: open, always 0, the most allowed.
func filesOf(text string) (*snapshot.Files, error) {
	f := strings.Fields(text)
	if len(f) != 3 || parseUint(f[0]) == nil {
		return nil, errors.New("/proc/sys/fs/file-nr: not three numbers")
	}
	files := &snapshot.Files{Open: parseUint(f[0]), Max: parseUint(f[2])}
	if files.Max != nil && (*files.Max == 0 || *files.Max >= unlimited) {
		files.Max = nil
	}
	if files.Max != nil {
		files.Utilization = new(float64(*files.Open) / float64(*files.Max))
	}
	return files, nil
}

// unlimited is where limits stop being limits: the kernel writes the largest
// number of pages or of a signed 64-bit integer for "none".
const unlimited = 1 << 62
