package xid

import (
	"strings"

	"llmops/probes/snapshot"
)

// What NVIDIA's catalogue asks for, in our words.
const (
	restartApp = "restart the program that it names; if several programs meet it, run dcgmi diag -r 3 on the GPU"
	checkApp   = "restart the program and look for a fault in it: run it under compute-sanitizer; if other programs meet it too, test the GPU"
	resetGPU   = "drain the GPU and reset it (nvidia-smi --gpu-reset -i N); if it comes back, report it to the vendor"
	reboot     = "take the host out of service and reboot it; if it comes back, check power, seating and cooling, then report the board"
	support    = "collect nvidia-bug-report.sh and report it to the vendor"
	watch      = "nothing at once; report it if it comes often"
	follow     = "read the other Xids of the same time: they name the cause"
	nvlink     = "drain the GPUs of the link and reset them; if it comes back on the same link, report the board or the cable"
	cables     = "connect the board's power cables and check the power supply"
	firmware   = "bring driver, firmware and hypervisor to versions that fit each other"
)

// entry is what is known of one code.
type entry struct {
	severity snapshot.Severity
	meaning  string
	action   string
}

// The severities here: critical means that work was lost and the GPU is not
// good until somebody acts; warning means that a program was hit, or that it
// will get worse; info is for the record.
const (
	critical = snapshot.Critical
	warning  = snapshot.Warning
	info     = snapshot.Info
)

// Describe says what an Xid means and what to do. Facts are those of NVIDIA's
// "Xid Errors" and its Xid catalogue (docs.nvidia.com/deploy/xid-errors).
func Describe(code int) (snapshot.Severity, string, string) {
	e, ok := catalogue[code]
	if !ok {
		e = entry{warning, "an error that is in no public catalogue", support}
		switch {
		case engineCodes(copyEngines, code):
			e = entry{warning, "a copy engine met an error", restartApp}
		case engineCodes(videoEngines, code):
			e = entry{warning, "a video, JPEG or optical-flow engine met an error", restartApp}
		case code >= 144 && code <= 150:
			e = entry{critical, "error inside the NVLink 5 hardware", nvlink}
		}
	}
	return e.severity, e.meaning, e.action
}

// Engines have one code each; they mean the same for all of a kind.
var (
	copyEngines  = [][2]int{{39, 41}, {70, 72}, {75, 77}, {85, 85}, {126, 135}}
	videoEngines = [][2]int{{60, 60}, {68, 68}, {82, 84}, {86, 86}, {88, 89}, {96, 105}, {139, 139}, {142, 142}}
)

func engineCodes(ranges [][2]int, code int) bool {
	for _, r := range ranges {
		if code >= r[0] && code <= r[1] {
			return true
		}
	}
	return false
}

var catalogue = map[int]entry{
	8:   {warning, "the GPU stopped working on a channel and ran into its time limit", restartApp},
	11:  {warning, "a command buffer was invalid or corrupt", checkApp},
	13:  {warning, "the compute engine met an exception, most often an illegal address or instruction of a kernel", checkApp},
	25:  {warning, "a command buffer was illegal", checkApp},
	31:  {warning, "a program used an invalid GPU address", checkApp},
	32:  {warning, "a command buffer was invalid or corrupt, by the program or on the PCIe link", checkApp},
	37:  {info, "the firmware was asked for something it does not have", watch},
	38:  {info, "the driver's firmware ran into its time limit", watch},
	43:  {info, "a program hit a fault and its channel was reset; others are not affected", watch},
	44:  {info, "the compute engine met a fault while switching contexts", watch},
	45:  {info, "channels were cleaned up after an earlier error, or the program was stopped", follow},
	46:  {critical, "the GPU stopped working", resetGPU},
	48:  {critical, "an uncorrectable (double-bit) memory error", resetGPU},
	54:  {critical, "auxiliary power is not connected to the board", cables},
	61:  {warning, "the power-management controller reported a breakpoint", support},
	62:  {critical, "an internal controller of the GPU halted", resetGPU},
	63:  {warning, "a memory row or page was marked for replacement; it takes effect at the next reset", "reset the GPU at the next chance, so that the spare row is used"},
	64:  {critical, "a memory row or page could not be marked for replacement", resetGPU},
	66:  {info, "the driver made an access that it may not make", support},
	67:  {info, "the driver made an access that it may not make", support},
	69:  {warning, "a program used a class of the compute engine wrongly", checkApp},
	74:  {critical, "error on an NVLink", nvlink},
	78:  {warning, "a virtual GPU could not start", firmware},
	79:  {critical, "the GPU has fallen off the bus: the driver cannot reach it any more", reboot},
	80:  {warning, "data arrived corrupt at the GPU", checkApp},
	92:  {warning, "correctable memory errors come at a high rate", watch},
	93:  {info, "the board's infoROM is written more often than planned", watch},
	94:  {warning, "an uncorrectable memory error was contained: only the program that met it is lost", "restart that program; reset the GPU at the next chance"},
	95:  {critical, "an uncorrectable memory error was not contained: every program on the GPU may have met it", resetGPU},
	106: {info, "a test message of the board's management bus", ""},
	107: {info, "a test message of the board's management bus", ""},
	109: {critical, "switching contexts ran into its time limit", resetGPU},
	110: {critical, "a security fault inside the GPU", resetGPU},
	119: {critical, "the GPU's system processor (GSP) did not answer the driver in time", resetGPU},
	120: {critical, "the GPU's system processor (GSP) met an error", resetGPU},
	121: {warning, "error on the link between CPU and GPU chip (C2C)", watch},
	136: {critical, "an NVLink could not be trained", nvlink},
	137: {warning, "a fault in the memory of a remote GPU came back over NVLink", follow},
	140: {critical, "an uncorrectable memory error that was not caught", resetGPU},
	141: {info, "the fast path of CUDA met an error", watch},
	143: {critical, "the GPU could not be initialised", resetGPU},
	151: {warning, "the keys of confidential computing could not be changed", "restart the virtual machine"},
	152: {info, "error of the deep-learning accelerator", watch},
	153: {info, "time limit of the deep-learning accelerator", watch},
	154: {warning, "the driver changed what it asks for to recover the GPU", "do what nvidia-smi -q shows as GPU Recovery Action"},
	155: {critical, "an NVLink error that software defined", resetGPU},
	156: {warning, "a part of the chip was marked for retirement", resetGPU},
	157: {warning, "a part of the chip could not be marked for retirement", support},
	158: {critical, "a fatal time limit inside the GPU", resetGPU},
	160: {warning, "a memory channel was marked for repair", resetGPU},
	161: {warning, "a memory channel could not be marked for repair", support},
	162: {info, "hardware power smoothing is on again", ""},
	163: {warning, "hardware power smoothing was switched off", watch},
	164: {warning, "the hardware for power smoothing is near the end of its life", support},
	165: {warning, "the hardware for power smoothing is at the end of its life", support},
	167: {critical, "a fatal time limit on the PCIe link", reboot},
	168: {warning, "the GPU works with less memory after errors in a protected region", resetGPU},
	169: {critical, "the security controller of the GPU halted", resetGPU},
	171: {critical, "an uncorrectable error in the GPU's memory (beside Xid 48)", resetGPU},
	172: {critical, "an uncorrectable error in on-chip memory (beside Xid 48)", resetGPU},
}

// describeSwitch reads the word that the NVSwitch driver puts first.
func describeSwitch(text string) (snapshot.Severity, string, string) {
	text = strings.ToLower(strings.TrimSpace(text))
	switch {
	case strings.HasPrefix(text, "non-fatal"):
		return warning, "an NVSwitch met an error that it got over", "watch it; report it if it comes often on one link"
	case strings.HasPrefix(text, "fatal"):
		return critical, "an NVSwitch met a fatal error: GPUs on the fabric cannot reach each other", "restart the fabric manager after a reset of all GPUs and switches; else reboot the host"
	}
	return warning, "an NVSwitch reported an event", support
}
