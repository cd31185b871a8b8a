package budgetcmd

import "runtime/debug"

// heapLimit bounds what the Go runtime takes, in bytes, as long as what is in use
// fits: a report may be made beside the services that it is about. With the code
// of the program it comes to less than 64 MiB.
const heapLimit = 32 << 20

// boundMemory lets the garbage collector keep to heapLimit, and gives back what
// undoes that. A lower limit that was set from outside stays.
func boundMemory() (undo func()) {
	before := debug.SetMemoryLimit(-1)
	if before <= heapLimit {
		return func() {}
	}
	debug.SetMemoryLimit(heapLimit)
	return func() { debug.SetMemoryLimit(before) }
}
