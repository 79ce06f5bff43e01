package main

import (
	"runtime"
	"sync"
	"syscall"
	"time"
)

// gate: a system call that the scheduler knows of, and one that it does not; one sample of each in turn.
func init() {
	rows["gate"] = func(o options) []line {
		runtime.LockOSThread()
		n, seconds := o.n, o.seconds
		if n <= 0 {
			n = 20000
		}
		if seconds <= 0 {
			seconds = 1
		}
		until := time.Now().Add(time.Duration(seconds * 1e9))
		var with, without []sample
		for len(with) < 5 || (time.Now().Before(until) && len(with) < 512) {
			cpu, wall := clock(clockThreadCPU), time.Now()
			for i := int64(0); i < n; i++ {
				syscall.RawSyscall(syscall.SYS_GETPPID, 0, 0, 0)
			}
			without = append(without, sample{n, time.Since(wall), clock(clockThreadCPU) - cpu})
			cpu, wall = clock(clockThreadCPU), time.Now()
			for i := int64(0); i < n; i++ {
				syscall.Syscall(syscall.SYS_GETPPID, 0, 0, 0)
			}
			with = append(with, sample{n, time.Since(wall), clock(clockThreadCPU) - cpu})
		}
		l := open(o, "gate", with)
		l["raw_ns"] = cpuMin(without)
		l["over_ns"] = cpuMin(with) - cpuMin(without)
		return []line{l}
	}
}

// blocking_many: 1000 goroutines, each in twenty calls of a millisecond.
func init() {
	simple("blocking_many", 1, func(n int64) {
		for i := int64(0); i < n; i++ {
			var left sync.WaitGroup
			for c := 0; c < 1000; c++ {
				left.Add(1)
				go func() {
					ms := syscall.Timespec{Nsec: 1000000}
					for i := 0; i < 20; i++ {
						syscall.Nanosleep(&ms, nil)
					}
					left.Done()
				}()
			}
			left.Wait()
		}
	})
}
