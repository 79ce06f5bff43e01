package main

import "sync"

func init() {
	simple("chan_pingpong", 1, func(n int64) {
		a, b := make(chan int64), make(chan int64)
		go func() {
			for v := range a {
				b <- v
			}
			close(b)
		}()
		for i := int64(0); i < n; i++ {
			a <- i
			<-b
		}
		close(a)
		for range b {
		}
	})
}

func oneWay(n, goroutines int64, room int) {
	c := make(chan int64, room)
	each := n/goroutines + 1
	var left sync.WaitGroup
	for g := int64(0); g < goroutines; g++ {
		left.Add(1)
		go func() {
			for i := int64(0); i < each; i++ {
				c <- i
			}
			left.Done()
		}()
	}
	for i := int64(0); i < each*goroutines; i++ {
		<-c
	}
	left.Wait()
}

func init() { simple("chan_buffered", 1, func(n int64) { oneWay(n, 1, 128) }) }

func init() {
	rows["fan_in"] = func(o options) []line {
		many := int64(8)
		if o.threads > 0 {
			many = int64(o.threads)
		}
		return []line{open(o, "fan_in", repeat(o, func(n int64) { oneWay(n, many, 64) }))}
	}
}

// select: over two ready channels, and the send that makes one ready again.
func init() {
	simple("select", 1, func(n int64) {
		a, b := make(chan int64, 1), make(chan int64, 1)
		a <- 0
		b <- 0
		for i := int64(0); i < n; i++ {
			select {
			case v := <-a:
				a <- v
			case v := <-b:
				b <- v
			}
		}
	})
}

func init() {
	rows["mutex"] = func(o options) []line {
		var mu sync.Mutex
		lockUnlock := func(n int64) {
			for i := int64(0); i < n; i++ {
				mu.Lock()
				mu.Unlock()
			}
		}
		if o.threads <= 1 {
			return []line{open(o, "mutex", repeat(o, lockUnlock))}
		}
		return []line{open(o, "mutex", repeat(o, func(n int64) {
			var left sync.WaitGroup
			for g := 0; g < o.threads; g++ {
				left.Add(1)
				go func() {
					lockUnlock(n/int64(o.threads) + 1)
					left.Done()
				}()
			}
			left.Wait()
		}))}
	}
}
