package main

import (
	"math/bits"
	"sync"
)

// spawn_chan: one goroutine at a time, which answers over a channel.
func init() {
	simple("spawn_chan", 1, func(n int64) {
		c := make(chan int64)
		for i := int64(0); i < n; i++ {
			go func() { c <- 1 }()
			if <-c != 1 {
				panic("spawn_chan")
			}
		}
	})
}

// fib: every call starts a goroutine for one half, which answers over a channel of its own.
func fib(n int) int64 {
	if n < 2 {
		return int64(n)
	}
	out := make(chan int64, 1)
	go func() { out <- fib(n - 1) }()
	right := fib(n - 2)
	return <-out + right
}

func init() {
	simple("fib", 10945, func(n int64) {
		for i := int64(0); i < n; i++ {
			if fib(20) != 6765 {
				panic("fib")
			}
		}
	})
}

// skynet: a ten-way tree of goroutines with a million leaves.
func skynet(up chan int64, first, leaves int64) {
	if leaves == 1 {
		up <- first
		return
	}
	c := make(chan int64)
	for i := int64(0); i < 10; i++ {
		go skynet(c, first+i*leaves/10, leaves/10)
	}
	sum := int64(0)
	for i := 0; i < 10; i++ {
		sum += <-c
	}
	up <- sum
}

func init() {
	simple("skynet", 1000000, func(n int64) {
		c := make(chan int64)
		for i := int64(0); i < n; i++ {
			go skynet(c, 0, 1000000)
			if <-c != 499999500000 {
				panic("skynet")
			}
		}
	})
}

// nqueens: forked at the first three rows, plain recursion below.
const queens, forked, solutions = 12, 3, 14200

func placePlain(row int, columns, left, right uint32) int64 {
	if row == queens {
		return 1
	}
	found := int64(0)
	for open := ^(columns | left | right) & (1<<queens - 1); open != 0; open &= open - 1 {
		bit := open & -open
		found += placePlain(row+1, columns|bit, (left|bit)<<1, (right|bit)>>1)
	}
	return found
}

func place(row int, columns, left, right uint32) int64 {
	if row == forked {
		return placePlain(row, columns, left, right)
	}
	open := ^(columns | left | right) & (1<<queens - 1)
	found := make([]int64, bits.OnesCount32(open))
	var done sync.WaitGroup
	for n := 0; open != 0; open &= open - 1 {
		bit, at := open&-open, n
		n++
		done.Add(1)
		go func() {
			found[at] = place(row+1, columns|bit, (left|bit)<<1, (right|bit)>>1)
			done.Done()
		}()
	}
	done.Wait()
	sum := int64(0)
	for _, f := range found {
		sum += f
	}
	return sum
}

func init() {
	simple("nqueens", 1, func(n int64) {
		for i := int64(0); i < n; i++ {
			if place(0, 0, 0, 0) != solutions {
				panic("nqueens")
			}
		}
	})
}
