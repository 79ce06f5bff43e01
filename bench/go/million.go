package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

// memoryBytes is the resident memory and the page tables of the process.
func memoryBytes() int64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	var sum int64
	for s := bufio.NewScanner(f); s.Scan(); {
		var kb int64
		key, rest, _ := strings.Cut(s.Text(), ":")
		if key == "VmRSS" || key == "VmPTE" {
			fmt.Sscanf(strings.TrimSpace(rest), "%d", &kb)
			sum += kb * 1024
		}
	}
	return sum
}

func parkedOne(gate chan int64, started *atomic.Int64, wrong *atomic.Int64, ended *sync.WaitGroup) {
	var mine [8]uint64
	id := uint64(started.Add(1))
	for i := range mine {
		mine[i] = id*0x9e3779b97f4a7c15 + uint64(i)
	}
	token := <-gate
	for i := range mine {
		if mine[i] != id*0x9e3779b97f4a7c15+uint64(i) || token == 0 {
			wrong.Add(1)
		}
	}
	ended.Done()
}

func million(o options) []line {
	n := o.n
	if n == 0 {
		n = 1000000
	}
	gate := make(chan int64)
	var started, wrong atomic.Int64
	var ended sync.WaitGroup
	before := memoryBytes()
	spawn := measure(func(n int64) {
		ended.Add(int(n))
		for i := int64(0); i < n; i++ {
			go parkedOne(gate, &started, &wrong, &ended)
		}
		for started.Load() < n {
			runtime.Gosched()
		}
	}, n)
	fresh := memoryBytes() - before
	runtime.GC()
	runtime.GC()
	idle := memoryBytes() - before
	wake := measure(func(n int64) {
		for i := int64(1); i <= n; i++ {
			gate <- i
		}
		ended.Wait()
	}, n)
	l := open(o, "million", []sample{spawn})
	l["spawn_cpu_ns"] = spawn.cpuPer()
	l["fresh_bytes_each"] = float64(fresh) / float64(n)
	l["bytes_each"] = float64(idle) / float64(n)
	l["wake_cpu_ns"] = wake.cpuPer()
	l["wrong"] = wrong.Load()
	return []line{l}
}

// million_lite: goroutines of Go are of one kind.
func init() {
	rows["million"] = million
	rows["million_lite"] = million
}
