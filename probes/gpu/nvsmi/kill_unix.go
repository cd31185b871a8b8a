//go:build unix

package nvsmi

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// killAll makes the end of the command's context the end of what it started too: a
// script around nvidia-smi would leave a child behind that holds the output open.
func killAll(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return err
	}
}
