// Command bench is the peer of lode-bench: the same rows, doing the same work, as Go programs. One JSON object a line,
// with the fields of lode-bench's. bench/compare builds it and runs the two in turn.
//
//	bench ROW [--procs N] [-n N] [--seconds S] [--threads N] [--size N]
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"sort"
	"time"
)

type options struct {
	procs, threads int
	n, size        int64
	seconds        float64
}

type sample struct {
	n         int64
	wall, cpu time.Duration
}

func (s sample) perOp() float64  { return float64(s.wall) / float64(s.n) }
func (s sample) cpuPer() float64 { return float64(s.cpu) / float64(s.n) }

// line holds what is printed; encoding/json sorts the keys.
type line map[string]any

type row func(o options) []line

var rows = map[string]row{}

// cpuNow is the CPU time of the process, to the nanosecond.
func cpuNow() time.Duration { return clock(clockProcessCPU) }

func measure(op func(n int64), n int64) sample {
	cpu, wall := cpuNow(), time.Now()
	op(n)
	return sample{n, time.Since(wall), cpuNow() - cpu}
}

// calibrate doubles n until a call takes a few ms, then scales it to 20 ms: the rule of bench.c.
func calibrate(op func(n int64)) int64 {
	const enough, wanted = 4 * time.Millisecond, 20 * time.Millisecond
	for n := int64(1); ; n *= 2 {
		took := measure(op, n).wall
		if took >= wanted {
			return n
		}
		if took >= enough {
			return int64(float64(n) * float64(wanted) / float64(took))
		}
	}
}

func repeat(o options, op func(n int64)) []sample {
	n := o.n
	if n <= 0 {
		n = calibrate(op)
	}
	seconds := o.seconds
	if seconds <= 0 {
		seconds = 1
	}
	until := time.Now().Add(time.Duration(seconds * 1e9))
	var all []sample
	for len(all) < 5 || (time.Now().Before(until) && len(all) < 512) {
		all = append(all, measure(op, n))
	}
	return all
}

func cpuMin(all []sample) float64 {
	least := all[0].cpuPer()
	for _, s := range all {
		least = min(least, s.cpuPer())
	}
	return least
}

func open(o options, name string, all []sample) line {
	sorted := append([]sample(nil), all...)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].perOp() < sorted[j].perOp() })
	median := sorted[(len(sorted)-1)/2]
	return line{
		"name": name, "procs": o.procs, "n": median.n, "seconds": median.wall.Seconds(),
		"cpu_seconds": median.cpu.Seconds(), "ns_per_op": median.perOp(), "ns_min": sorted[0].perOp(),
		"ns_p95": sorted[int(0.95*float64(len(sorted)-1))].perOp(), "cpu_ns_min": cpuMin(all), "samples": len(all),
	}
}

// simple is a row that is one operation, repeated; units as in lode-bench.
func simple(name string, units int, op func(n int64)) {
	rows[name] = func(o options) []line {
		l := open(o, name, repeat(o, op))
		l["units"] = units
		return []line{l}
	}
}

func main() {
	var o options
	flag.IntVar(&o.procs, "procs", 1, "GOMAXPROCS")
	flag.IntVar(&o.threads, "threads", 0, "goroutines of a row that has many")
	flag.Int64Var(&o.n, "n", 0, "operations per sample")
	flag.Int64Var(&o.size, "size", 0, "size or duration, as the row says")
	flag.Float64Var(&o.seconds, "seconds", 0, "how long to measure, about")
	if len(os.Args) < 2 || rows[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: bench ROW [options]; rows:")
		for name := range rows {
			fmt.Fprintln(os.Stderr, "  "+name)
		}
		os.Exit(2)
	}
	flag.CommandLine.Parse(os.Args[2:])
	runtime.GOMAXPROCS(o.procs)
	out := json.NewEncoder(os.Stdout)
	for _, l := range rows[os.Args[1]](o) {
		if err := out.Encode(l); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
	}
}
