package main

import (
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

func lateness(l line, asked time.Duration, late []time.Duration) line {
	sort.Slice(late, func(i, j int) bool { return late[i] < late[j] })
	l["asked_ns"] = asked
	l["late_p50_ns"] = late[len(late)/2]
	l["late_p99_ns"] = late[len(late)*99/100]
	l["late_max_ns"] = late[len(late)-1]
	return l
}

// sleep_beside: a sleeper of 1 ms beside two goroutines per P that never stop computing.
func init() {
	rows["sleep_beside"] = func(o options) []line {
		n := int(o.n)
		if n <= 0 {
			n = 500
		}
		var stop atomic.Bool
		var left sync.WaitGroup
		for i := 0; i < 2*o.procs; i++ {
			left.Add(1)
			go func() {
				for !stop.Load() {
				}
				left.Done()
			}()
		}
		late := make([]time.Duration, n)
		s := measure(func(int64) {
			for i := range late {
				start := time.Now()
				time.Sleep(time.Millisecond)
				late[i] = time.Since(start) - time.Millisecond
			}
		}, int64(n))
		stop.Store(true)
		left.Wait()
		return []line{lateness(open(o, "sleep_beside", []sample{s}), time.Millisecond, late)}
	}
}

// sleepers: 100000 of 10 ms; once before, so that all stacks are there.
func init() {
	rows["sleepers"] = func(o options) []line {
		n := int(o.n)
		if n <= 0 {
			n = 100000
		}
		late := make([]time.Duration, n)
		all := func(int64) {
			var left sync.WaitGroup
			for i := range late {
				left.Add(1)
				go func() {
					start := time.Now()
					time.Sleep(10 * time.Millisecond)
					late[i] = time.Since(start) - 10*time.Millisecond
					left.Done()
				}()
			}
			left.Wait()
		}
		all(1)
		s := measure(all, 1)
		s.n = int64(n)
		return []line{lateness(open(o, "sleepers", []sample{s}), 10*time.Millisecond, late)}
	}
}
