//go:build unix && !linux

package lab

import "syscall"

// dyingWithUs: only Linux can tie a child's life to its parent's.
func dyingWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// stopped: only Linux tells.
func stopped(int) bool { return true }
