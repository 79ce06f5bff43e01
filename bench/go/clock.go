package main

import (
	"syscall"
	"time"
	"unsafe"
)

const (
	clockProcessCPU = 2
	clockThreadCPU  = 3
)

func clock(id uintptr) time.Duration {
	var ts syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&ts)), 0)
	return time.Duration(ts.Nano())
}
