package main

import (
	"sync"
	"time"
)

const far = time.Hour

// timers: made and stopped; reset among many.
func init() {
	rows["timers"] = func(o options) []line {
		count := o.size
		if count <= 0 {
			count = 1000000
		}
		create := open(o, "timers", repeat(o, func(n int64) {
			for i := int64(0); i < n; i++ {
				time.NewTimer(far).Stop()
			}
		}))
		create["what"] = "create_stop"
		many := make([]*time.Timer, count)
		for i := range many {
			many[i] = time.NewTimer(far + time.Duration(i))
		}
		reset := open(o, "timers", repeat(o, func(n int64) {
			x := uint64(88172645463325252)
			for i := int64(0); i < n; i++ {
				x ^= x << 13
				x ^= x >> 7
				x ^= x << 17
				many[x%uint64(count)].Reset(far + time.Duration(x>>40))
			}
		}))
		reset["what"] = "reset"
		return []line{create, reset}
	}
}

// afterfunc: a timer that fires at once and runs its goroutine.
func init() {
	simple("afterfunc", 1, func(n int64) {
		const most = 1000
		var left sync.WaitGroup
		for done := int64(0); done < n; done += most {
			batch := int(min(n-done, most)) // no more than are counted
			left.Add(batch)
			for i := 0; i < batch; i++ {
				time.AfterFunc(0, left.Done)
			}
			left.Wait()
		}
	})
}

// sleep: how late one wakes in an idle process.
func init() {
	rows["sleep"] = func(o options) []line {
		asked, n := time.Duration(o.size), o.n
		if asked <= 0 {
			asked = 100 * time.Microsecond
		}
		if n <= 0 {
			n = 300
		}
		late := make([]time.Duration, 0, n)
		all := make([]sample, 0, n)
		for i := int64(0); i < n; i++ {
			s := measure(func(int64) { time.Sleep(asked) }, 1)
			late = append(late, s.wall-asked)
			all = append(all, s)
		}
		return []line{lateness(open(o, "sleep", all), asked, late)}
	}
}
