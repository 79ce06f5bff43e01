/* go.h - start a goroutine, yield, name it, lock it to its thread. Threads: said at each. Memory: the runtime's; a
 * goroutine's stack is given back when its function returns. */
#ifndef RT_GO_H
#define RT_GO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

RT_DECLS_BEGIN

/* Bytes a goroutine's stack may grow into; memory is committed page by page as it is touched. Running over the end hits
 * the guard below (16 KiB; 64 KiB of the two large classes) and is a fatal "stack overflow". Code that was not built
 * with -fstack-clash-protection can step over it with one frame larger than that. */
enum rt_stack {
    RT_STACK_DEFAULT, /* 64 KiB */
    RT_STACK_16K,     /* for code known to be shallow: no printf, no C library that keeps big buffers */
    RT_STACK_256K,
    RT_STACK_1M, /* for C libraries of unknown appetite */
    RT_STACK_COUNT
};

struct rt_go_attr {
    const char *name; /* shown in dumps; borrowed for the life of the goroutine (a literal). NULL: none */
    enum rt_stack stack;
    /* While it is parked for long its stack may be copied out and dropped (a few hundred bytes are kept in place of a
     * page and more), and is put back to the same address before it goes on. Say so only if nobody else reads or writes
     * its stack while it is parked in a call of this library: it gives no address of a local variable to another
     * goroutine, thread, list or callback, or pins itself while it does (rt_stack_pin). What is passed to the calls of
     * this library itself is taken care of (rt_send(c, &local), rt_select, rt_read ...), but not the objects that
     * others use too: a mutex or a wait group that is a local variable. */
    bool hibernate;
    /* It shares a stack with others: copied out, as above, as soon as it parks, and put back when it goes on and the
     * stack is free. To start one costs no page of memory, and to keep it its copy, from the first moment; to park and
     * to go on costs it 0.2 us more. For very many that mostly wait. All that is said above holds, and it must wait for
     * others in no other way than by parking in a call of this library, with at most 2 KiB of stack in use: while it is
     * in a blocking call (rt/blocking.h), pinned, or deeper than that, the others of its stack wait until it goes on,
     * and if it waits for one of them, that is a deadlock. Where stacks cannot be copied out it is a goroutine like
     * any other. */
    bool lite;
};

/* Starts fn(arg) as a goroutine and returns its id (1 is the main goroutine; ids are never used twice in one rt_main).
 * Never fails: when no memory is left the process ends with a clear message. It runs on some P soon; the caller goes
 * on. Any goroutine, and any thread while rt_main runs. */
uint64_t rt_go(void (*fn)(void *arg), void *arg);
/* The same with a name and a stack class. attr is copied. */
uint64_t rt_go_attr(const struct rt_go_attr *attr, void (*fn)(void *arg), void *arg);

/* Lets others run: the caller goes to the end of the queue. May return on another thread, so errno and pointers to
 * thread-local variables are stale afterwards. A goroutine only; a no-op elsewhere. */
void rt_yield(void);
/* One load; yields if the scheduler asked for it (the goroutine ran for 10 ms, or a timer is late). For loops that do
 * not park: every 100 us or so. A call of this library that finds what it wants and does not park (a mutex that is
 * open, a channel with room or a value, rt_try_recv, bytes to read, rt_timer_reset) is no checkpoint: with one P a loop
 * of such calls alone keeps all others waiting. A goroutine only; a no-op elsewhere. */
void rt_checkpoint(void);

/* Between the two the scheduler may take the thread away from the caller at any instruction of a function marked
 * RT_PREEMPTIBLE (rt/attr.h): after 10 ms, or for a timer that is late, it interrupts the goroutine by a signal and
 * lets others run, as if that instruction had called rt_yield. So a loop in there needs no rt_checkpoint. All registers
 * come back as they were, vector registers, flags and floating point control words included, perhaps on another thread.
 *
 * A marked function, and whatever called it since enter, must bear that as it bears rt_yield: it holds no lock of the C
 * library and no pthread mutex, keeps no address of a thread-local variable (errno is one, but its value comes along),
 * and its caller is not the C library (qsort, a callback). It leaves 8 KiB of its stack unused, 24 KiB with AMX or with
 * wide SVE, or is not interrupted. What it calls and is not marked is not interrupted; inlined code counts as marked.
 * Between the two nothing of this library may be called that may give way, take a lock or block: rt_goid and rt_now are
 * fine. They nest. A leave that finds another number of enters than its own is a fatal error.
 *
 * A few ns. A goroutine only; no-ops elsewhere. Nothing is interrupted under GODEBUG=seed, ThreadSanitizer, or where
 * the process has a shadow stack: then only calls and checkpoints give way. After the asynchronous preemption of Go's
 * runtime (preempt.go), which finds such places by itself. */
void rt_preemptible_enter(void);
void rt_preemptible_leave(void);

/* The calling goroutine's id, 0 on a thread that runs none. */
uint64_t rt_goid(void);
/* How many goroutines live: started and not ended, the caller included. Walks over as many records as there ever were
 * goroutines at one time. 0 when the runtime does not run. Any thread. */
uint64_t rt_goroutines(void);
/* Names the calling goroutine. name is borrowed for its life. */
void rt_set_name(const char *name);

/* Ties the calling goroutine and its thread together, for libraries that keep state per thread: until the matching
 * rt_unlock_thread the goroutine runs on this thread only, and the thread runs nothing else. Nests. A goroutine that
 * ends while locked takes its thread with it (whatever state the library left there ends too). Goroutines it starts are
 * not locked. Giving way costs two thread switches instead of a few ns. A goroutine only, the main one too (which runs
 * on a thread of the runtime, not on the one that called rt_main); a no-op elsewhere. Unlocking what is not locked does
 * nothing. After Go's runtime.LockOSThread. */
void rt_lock_thread(void);
void rt_unlock_thread(void);
/* The calling goroutine lends out addresses of its stack until the matching unpin: the stack stays in memory however
 * long it is parked. Counted, up to 255. Needed only by goroutines started with .hibernate; a no-op on a thread that
 * runs none. */
void rt_stack_pin(void);
void rt_stack_unpin(void);
/* Gives back what stacks hold in vain, as the runtime does by itself ten seconds apart: free stacks, the pages below
 * the stack pointer of parked goroutines, and the whole stack of those with .hibernate. A goroutine is taken when it
 * has not run since the call before, so two calls take all that idle. Returns how many stacks were copied out. Takes
 * about a microsecond a goroutine; yields in between. Any goroutine, and any thread while rt_main runs. Does nothing
 * without membarrier(2), and with GODEBUG=hibernate=0. */
size_t rt_stacks_trim(void);

/* errno of the thread that the caller is on right now. Goroutine code uses this in place of errno, whose address
 * compilers keep across calls that may change the thread. */
int rt_errno(void);

/* A thread outside the runtime (a library's) will make goroutines runnable later: until the matching release, "all
 * goroutines are asleep" is not reported. Counted. Any thread. The last release reports it, should it be so. */
void rt_external_hold(void);
void rt_external_release(void);

RT_DECLS_END

#endif
