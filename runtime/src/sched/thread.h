/* thread.h - the life of an M's thread. Threads: said at each. Memory: the signal stack, unmapped when it ends. */
#ifndef RTI_THREAD_H
#define RTI_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "proc/world.h"
#include <rt/attr.h>

struct m;

/* A new M, counted, without a thread yet. Dies when there are RTI_MAX_MS. */
struct m *rti_thread_new_locked(void) REQUIRES(rti_world.lock);
/* Gives m its thread, which at once runs m's P. False when the kernel refuses: then rti_thread_refused_locked. */
bool rti_thread_start(struct m *m) MUST_CHECK;
/* m, without a P and never seen by anybody, got no thread: as if it had not been made. The work waits for those who
 * run, and sysmon tries again; if for ten seconds all Ps idle and nobody ran between the tries, this dies. */
void rti_thread_refused_locked(struct m *m, int64_t now) REQUIRES(rti_world.lock);
/* False for a millisecond after a refusal: trying is slow. */
bool rti_thread_may_start_locked(void) REQUIRES(rti_world.lock);
/* The kernel refused the last thread: somebody must try again. */
bool rti_thread_is_short(void);
/* The same, 0 | -errno for boot, which can still report it. */
int rti_thread_try_start(struct m *m) MUST_CHECK;
/* m's thread is about to end: it is no longer counted nor listed, but waits to be joined. */
void rti_thread_leave_locked(struct m *m) REQUIRES(rti_world.lock);
/* Joins the threads that ended since: those that are done, or (wait) all of them. sysmon; the end of the world. */
void rti_thread_reap(bool wait);
/* sysmon, at every round: ends one of the Ms that were idle for five to ten seconds, as many as there were at any time
 * in these above GOMAXPROCS + 8. When to be called again, INT64_MAX if few idle. */
int64_t rti_thread_trim(int64_t now);
/* For tests: another time than five seconds. Any thread. */
void rti_thread_set_patience(int64_t ns);

#endif
