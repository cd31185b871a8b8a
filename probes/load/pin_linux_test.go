package load

import (
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// pin keeps all threads of a process, and those that they start, to one core, or
// for -1 to any; false if that cannot be.
func pin(pid, core int) bool {
	if runtime.NumCPU() < 2 {
		return false
	}
	var set unix.CPUSet
	if core >= 0 {
		set.Set(core)
	} else {
		set.Fill()
	}
	threads, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
	if err != nil {
		return false
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil || unix.SchedSetaffinity(id, &set) != nil {
			return false
		}
	}
	return true
}
