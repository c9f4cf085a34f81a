package api

import "runtime/debug"

// stack is the stack of the panic being recovered, cut to what a log line should hold.
func stack() string {
	b := debug.Stack()
	if len(b) > 8192 {
		b = b[:8192]
	}
	return string(b)
}
