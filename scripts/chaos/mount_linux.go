package main

import (
	"fmt"
	"syscall"
)

// mount makes a small file system in memory at dir.
func mount(dir string, mib int) error {
	return syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=700", mib))
}

func unmount(dir string) error { return syscall.Unmount(dir, 0) }
