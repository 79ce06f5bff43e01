/* rt.h - start the runtime; umbrella for programs. Threads: rt_main is called from one thread at a time. Memory: the
 * runtime's own (mmap); nothing is owned by the caller. */
#ifndef RT_RT_H
#define RT_RT_H

#include <stdint.h>

#include <rt/attr.h>
#include <rt/blocking.h>
#include <rt/go.h>

RT_DECLS_BEGIN

/* How to start. A zeroed struct asks for the defaults. */
struct rt_config {
    int procs;           /* threads that run goroutines at the same time; 0: $GOMAXPROCS, else the CPUs we may use */
    const char *godebug; /* switches as in $GODEBUG (name=value,...), read after it; NULL: none. Borrowed. */
};

/* Starts the scheduler, runs app(arg) as the main goroutine (stack class RT_STACK_1M) and returns its value after the
 * other goroutines were stopped where they stand and the threads joined (a thread that is inside a blocking call for
 * over 100 ms is left behind and ends when its call does). config may be NULL. May be called again after it returned.
 * Errors: -EBUSY when a runtime already runs in this process, -EINVAL for a bad GOMAXPROCS, GODEBUG or config (a line
 * on standard error names the culprit), -ENOMEM when the stack region cannot be reserved, -EAGAIN when no thread can be
 * started. Since app's own negative values are returned unchanged, an app that must tell them apart returns 0 or more.
 *
 * Signals: SIGPIPE is ignored from now on (unless the program had a handler); SIGSEGV and SIGBUS get a handler that
 * recognises stack overflow and names the goroutine. SIGRTMIN + 5 is the runtime's: it stops a thread while the world
 * is stopped (rt_set_procs), and restarts a system call it interrupts (but poll, epoll_wait, nanosleep and the like
 * then give EINTR, as they do for any signal; not inside a blocking bracket, where it is not sent). It is sent to the
 * runtime's own threads only. SIGQUIT prints all goroutines and ends the program with status 2, unless the program had
 * a handler.
 *
 * fork: the child of a fork made while rt_main runs may exec or _exit, as in Go. It runs no goroutine; what asks the
 * scheduler for something there is a fatal error that says so, and rt_main gives -EBUSY. A program that replaces itself
 * by execve while goroutines run sets SIGRTMIN + 5 to SIG_IGN before (exec leaves it so): one that is under way would
 * end the new program. What the kernel refuses for good (threads, memory, futex, epoll) is a fatal error that names the
 * call and the errno. */
int rt_main(const struct rt_config *config, int (*app)(void *arg), void *arg);

/* The number of Ps: how many goroutines may run at once. 0 when the runtime does not run. Any thread. */
int rt_procs(void);

/* From now on n Ps (1 to 1024); returns how many there were. n of 0 or less changes nothing, nor does any n under
 * GODEBUG=seed. Stops the world for a moment (microseconds; the caller may not hold it up, so not between
 * rt_enter_blocking and rt_exit_blocking). When the number falls, a goroutine that computes without a checkpoint keeps
 * its P until its next call into the runtime, beyond n. Without a call of this, and with neither $GOMAXPROCS nor
 * config.procs, the number follows the CPU affinity and the cgroup's limit, looked at once a second
 * (GODEBUG=updatemaxprocs=0: not). Any goroutine, and any thread while rt_main runs; may return on another thread.
 * Errors: -EINVAL above 1024. After Go's runtime.GOMAXPROCS. */
int rt_set_procs(int n);

/* The version of the library, "0.1.0". Static storage. */
const char *rt_version(void);

RT_DECLS_END

#endif
