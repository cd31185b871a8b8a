package host

import (
	"errors"
	"strings"
	"time"

	"llmops/probes/snapshot"
)

// sectorBytes is the unit of /proc/diskstats, whatever the device's own is.
const sectorBytes = 512

// diskTimes are the columns of /proc/diskstats that only a difference makes
// use of, in milliseconds.
type diskTimes struct{ reading, writing, weighted uint64 }

// disksOf reads /proc/diskstats. Partitions, loop devices, RAM disks and
// devices that never did anything are left out; whole tells a device from a
// partition.
func disksOf(text string, whole func(device string) bool) ([]snapshot.Disk, map[string]diskTimes, error) {
	var disks []snapshot.Disk
	times := map[string]diskTimes{}
	lines := 0
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 14 {
			continue
		}
		var n [11]uint64
		ok := true
		for i := range n {
			if v := parseUint(f[3+i]); v != nil {
				n[i] = *v
			} else {
				ok = false
			}
		}
		if !ok {
			continue
		}
		lines++
		name := f[2]
		if strings.HasPrefix(name, "loop") || strings.HasPrefix(name, "ram") || n[0]+n[4] == 0 || !whole(name) {
			continue
		}
		disks = append(disks, snapshot.Disk{
			Device: name,
			Reads:  new(n[0]), ReadBytes: new(n[2] * sectorBytes),
			Writes: new(n[4]), WriteBytes: new(n[6] * sectorBytes),
			InFlight: new(n[8]), BusyMs: new(n[9]),
		})
		times[name] = diskTimes{reading: n[3], writing: n[7], weighted: n[10]}
	}
	if lines == 0 && strings.TrimSpace(text) != "" {
		return nil, nil, errors.New("/proc/diskstats: no line of 14 numbers or more")
	}
	return disks, times, nil
}

// diskRates fills the rates of now from two readings that are d apart.
func diskRates(now, before *snapshot.Disk, t, tBefore diskTimes, d time.Duration) {
	now.ReadsPerS = perSecond(now.Reads, before.Reads, d)
	now.WritesPerS = perSecond(now.Writes, before.Writes, d)
	now.ReadBytesPerS = perSecond(now.ReadBytes, before.ReadBytes, d)
	now.WriteBytesPerS = perSecond(now.WriteBytes, before.WriteBytes, d)
	window := float64(d) / float64(time.Millisecond)
	if now.BusyMs != nil && before.BusyMs != nil { // Linux only, as is the weighted time
		if busy, ok := grown32(*now.BusyMs, *before.BusyMs); ok {
			// The kernel rounds to its tick, so a busy disk can show a little over 1.
			now.Utilization = new(min(float64(busy)/window, 1))
		}
		if weighted, ok := grown32(t.weighted, tBefore.weighted); ok {
			now.QueueDepth = new(float64(weighted) / window)
		}
	}
	reads, ok1 := grown(now.Reads, before.Reads)
	writes, ok2 := grown(now.Writes, before.Writes)
	reading, ok3 := grown32(t.reading, tBefore.reading)
	writing, ok4 := grown32(t.writing, tBefore.writing)
	if ok1 && ok2 && ok3 && ok4 && reads+writes > 0 {
		now.AwaitMs = new(float64(reading+writing) / float64(reads+writes))
	}
}
