//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package app

import "os"

// lockFile does nothing where there is no flock.
func lockFile(*os.File) (taken bool, err error) { return false, nil }
