/* debug.h - looking into a running program: the stacks of its goroutines, and how long they take to give way. Threads:
 * any, and signal handlers, while rt_main runs. Memory: the caller's buffer; some 16 KiB of the caller's stack. */
#ifndef RT_DEBUG_H
#define RT_DEBUG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

/* Writes stacks to the descriptor fd, in the format of Go's tracebacks:
 *
 *     goroutine 7 [chan receive, 2 minutes, "name"]:
 *     rt_recv(...)
 *             /path/to/program+0x4c1f +0x5a
 *     created by start in goroutine 1
 *             /path/to/program+0x1e03 +0x17
 *
 * The first number of a frame is for `addr2line -f -e /path/to/program 0x4c1f` (it is one byte before the return
 * address, so that it names the line of the call), the second is the distance of the return address from the start of
 * the function. Frames of the runtime are left out, but for the function that the program called.
 *
 * all: the caller first (if it is a goroutine), then every other in the order of their creation; else only the caller.
 * The world is stopped, as by Go's runtime.Stack, for a microsecond or two a goroutine, so all stand as they did at one
 * instant, those that run on other threads with the frames they were interrupted in (of code that was built without
 * frame pointers some may be missing). The text is made and written when it goes on. Nothing is stopped, and a
 * goroutine that runs on another thread is listed without its stack, where that is not possible: in a signal handler
 * that interrupted the runtime or is on a stack of its own, between rt_enter_blocking and rt_exit_blocking, while
 * somebody else stops the world, when it does not stand still within some 0.15 s, under GODEBUG=seed.
 *
 * The call writes in the caller's thread and may block it as long as fd does. 0 | -errno of the first write that failed
 * (what follows it is lost). */
int rt_stack_dump(int fd, bool all);

/* The same text into buf, as Go's runtime.Stack: cut to cap - 1 bytes, and a NUL. Returns the length. cap > 0. */
size_t rt_stack(char *buf, size_t cap, bool all);

/* Why goroutines that run are asked to give way. */
enum rt_safepoint {
    RT_SAFEPOINT_SLICE, /* it has run for 10 ms */
    RT_SAFEPOINT_TIMER, /* a timer of its processor is late by 100 us */
    RT_SAFEPOINT_STOP,  /* the world stops */
    RT_SAFEPOINT_END,   /* rt_main ends */
    RT_SAFEPOINT_COUNT
};

/* The time from asking until one gave way, by itself, at a checkpoint or by a signal; not of those that sat in a
 * blocking call, which nobody waits for. Quantiles are the start of a bucket, a quarter or less below the true one
 * (time histograms as in Go's runtime/metrics); 0 without any. */
struct rt_safepoint_times {
    uint64_t count; /* since the program started, over every rt_main */
    int64_t p50_ns, p90_ns, p99_ns, max_ns;
};

/* Fills *out for one reason. Nothing is stopped: what is counted meanwhile may be in it or not. Any thread, also when
 * rt_main does not run. */
void rt_safepoint_times(enum rt_safepoint why, struct rt_safepoint_times *out);

#endif
