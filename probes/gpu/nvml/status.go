package nvml

import (
	"strconv"

	"llmops/probes/snapshot"
)

// Status is the return code of an NVML call, by NVML's own numbers; nvidia-smi
// exits with the same ones. It is no error: OK would be a non-nil one.
type Status int

// The codes that mean something to us. Others are shown by number.
const (
	OK              Status = 0
	InvalidArgument Status = 2
	NotSupported    Status = 3
	NoPermission    Status = 4
	NotFound        Status = 6
	NoPower         Status = 8 // external power cables are not attached
	NotLoaded       Status = 9
	TimedOut        Status = 10
	IRQIssue        Status = 11
	NoLibrary       Status = 12
	NoFunction      Status = 13
	CorruptInfoROM  Status = 14
	Lost            Status = 15
	ResetRequired   Status = 16
	OSBlocked       Status = 17
	Mismatch        Status = 18
	NoData          Status = 21
	OldVersion      Status = 25 // the driver does not know this version of a structure
	Deprecated      Status = 26
	NotReady        Status = 27
	GPUNotFound     Status = 28
	Unknown         Status = 999
)

// Reason is the status as a snapshot tells it, "" for OK.
func (s Status) Reason() snapshot.Status {
	switch s {
	case OK:
		return ""
	case NotSupported, NoFunction, NoData, NotFound, OldVersion, Deprecated, InvalidArgument:
		// invalid argument: an older driver does not know the number of a sensor or field
		return snapshot.Unsupported
	case NoPermission, OSBlocked:
		return snapshot.Forbidden
	case NoLibrary, NotLoaded, Mismatch, Lost, ResetRequired, GPUNotFound:
		return snapshot.Unavailable
	case TimedOut:
		return snapshot.Timeout
	default:
		return snapshot.Failed
	}
}

// Words say what happened. They come from here and not from the driver,
// because the call for them needs the library that may be missing.
func (s Status) Words() string {
	switch s {
	case OK:
		return "no error"
	case NoLibrary:
		return "no NVIDIA driver library (libnvidia-ml.so.1) on this machine"
	case NotLoaded:
		return "the NVIDIA kernel driver is not loaded"
	case Mismatch:
		return "driver library and kernel driver have different versions: reboot, or load the new module"
	case NoPermission:
		return "no permission to use the NVIDIA devices"
	case OSBlocked:
		return "the operating system or a cgroup denies access to the NVIDIA devices"
	case Lost:
		return "the GPU has fallen off the bus"
	case ResetRequired:
		return "the GPU needs a reset"
	case CorruptInfoROM:
		return "the board's infoROM is corrupt"
	case NoPower:
		return "the board's external power cables are not attached"
	case IRQIssue:
		return "the kernel has a problem with the GPU's interrupts"
	case TimedOut:
		return "the driver gave up waiting for the GPU"
	case NotReady:
		return "the GPU is not ready yet"
	case NotSupported, NoFunction:
		return "not supported"
	default:
		return "NVML error " + strconv.Itoa(int(s))
	}
}

// Hint is what would mend it, "" where that is not known.
func (s Status) Hint() string {
	switch s {
	case NoLibrary:
		return "install the NVIDIA driver; in a container start it with --gpus all, or set NVIDIA_DRIVER_CAPABILITIES=utility,compute"
	case NotLoaded:
		return "load it with modprobe nvidia; dmesg says why it did not load"
	case Mismatch:
		return "the driver was updated under a running kernel module: reboot, or stop what uses the GPU and reload the module"
	case NoPermission, OSBlocked:
		return "run as root or in the group that owns /dev/nvidia*; in a container pass the devices in"
	case Lost:
		return "reboot the host; if it comes back, check seating, power and riser"
	case ResetRequired:
		return "drain the GPU and run nvidia-smi --gpu-reset -i N as root"
	default:
		return ""
	}
}

// State is the state of a GPU that answered its first call with s.
func (s Status) State() string {
	switch s {
	case OK:
		return snapshot.GPUOK
	case Lost, GPUNotFound:
		return snapshot.GPULost
	case ResetRequired:
		return snapshot.GPUResetRequired
	case NoPermission, OSBlocked:
		return snapshot.GPUForbidden
	case TimedOut:
		return snapshot.GPUTimeout
	default:
		return snapshot.GPUFailed
	}
}
