package main

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// yield: two goroutines per P give way to each other.
func init() {
	rows["yield"] = func(o options) []line {
		goroutines := int64(2 * o.procs)
		return []line{open(o, "yield", repeat(o, func(n int64) {
			each := n/goroutines + 1
			var left sync.WaitGroup
			for g := int64(0); g < goroutines; g++ {
				left.Add(1)
				go func() {
					for i := int64(0); i < each; i++ {
						runtime.Gosched()
					}
					left.Done()
				}()
			}
			left.Wait()
		}))}
	}
}

// spawn: one at a time, run to its end before the next.
func init() {
	simple("spawn", 1, func(n int64) {
		var left atomic.Int64
		for i := int64(0); i < n; i++ {
			left.Store(1)
			go func() { left.Add(-1) }()
			for left.Load() > 0 {
				runtime.Gosched()
			}
		}
	})
}

// spawn_join: batches of 100.
func spawnBatches(n int64) {
	var left atomic.Int64
	for at := int64(0); at < n; at += 100 {
		batch := min(n-at, 100)
		left.Store(batch)
		for i := int64(0); i < batch; i++ {
			go func() { left.Add(-1) }()
		}
		for left.Load() > 0 {
			runtime.Gosched()
		}
	}
}

func init() { simple("spawn_join", 1, spawnBatches) }

// spawn_par: one goroutine per P does so.
func init() {
	rows["spawn_par"] = func(o options) []line {
		return []line{open(o, "spawn_par", repeat(o, func(n int64) {
			var left sync.WaitGroup
			for p := 0; p < o.procs; p++ {
				left.Add(1)
				go func() {
					spawnBatches(n/int64(o.procs) + 1)
					left.Done()
				}()
			}
			left.Wait()
		}))}
	}
}
