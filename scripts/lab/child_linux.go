package lab

import "syscall"

// dyingWithUs has the kernel kill the child when this program dies, however it dies. Each child leads its own
// process group, so that Ctrl-C reaches this program alone, which then ends its children in order.
func dyingWithUs() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
