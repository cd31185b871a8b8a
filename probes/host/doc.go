// Package host reads what the machine is doing: CPU, memory, file systems,
// disks, network, pressure, the control group of this process, NUMA nodes.
//
// On Linux it reads /proc and /sys under a root, so that a host's tree mounted
// into a container, or a test's, serves as well; elsewhere gopsutil answers
// for what it can. The Linux files are read here and not through gopsutil,
// because that says 0 for what it could not read, knows nothing of control
// groups and pressure, and counts a container's host as the container.
//
// It must not run commands, change anything, open network connections, or
// wait for a file system that does not answer.
package host
