//go:build !linux

package main

func mount(string, int) error { return errNeedsRoot }

func unmount(string) error { return nil }
