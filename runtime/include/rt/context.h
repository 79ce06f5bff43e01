/* context.h - tell goroutines to stop: cancellation and deadlines that pass from a context to those made from it.
 * Threads: every function is called from a goroutine; a context may be shared by any number of them.
 * Memory: counted. rt_context_ref() for every holder that rt_context_free()s it; a context keeps its parent alive.
 * Semantics of Go's package context, without values: what C passes along is an argument. */
#ifndef RT_CONTEXT_H
#define RT_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include <rt/attr.h>

RT_DECLS_BEGIN

struct rt_chan;
struct rt_context;

/* The root: never cancelled, no deadline. Static: ref and free do nothing to it. Any thread. */
struct rt_context *rt_context_background(void);
/* A context that is cancelled by rt_context_cancel(), or when parent is: at once if it was already. Never NULL: out of
 * memory is fatal. The caller frees it; parent stays the caller's. */
struct rt_context *rt_context_with_cancel(struct rt_context *parent) MUST_CHECK;
/* The same, and it is cancelled with -ETIMEDOUT when deadline_ns comes (absolute, rt_now() scale; at once if it has
 * passed). A sooner one of the parent counts instead. */
struct rt_context *rt_context_with_deadline(struct rt_context *parent, int64_t deadline_ns) MUST_CHECK;
/* The same, ns from now. */
struct rt_context *rt_context_with_timeout(struct rt_context *parent, int64_t ns) MUST_CHECK;

/* One more holder. Returns self. */
struct rt_context *rt_context_ref(struct rt_context *self);
/* One holder less; *self_p becomes NULL. NULL-safe. The last one, children count as holders, cancels it (for the
 * goroutines that still wait on its channel: they must be gone from it, or have a reference of their own) and gives the
 * memory back. */
void rt_context_free(struct rt_context **self_p);

/* Cancels it and all made from it with -ECANCELED; only the first call on a context counts. When it returns, the
 * channels are closed. */
void rt_context_cancel(struct rt_context *self);
/* The same, and rt_context_cause() tells why: a negative errno of the caller's choice (0: -ECANCELED). */
void rt_context_cancel_cause(struct rt_context *self, int cause);

/* Closed when the context is cancelled: for a case of a select, or rt_recv(). Borrowed while the context is held.
 * NULL for the background: a nil channel, never ready. */
struct rt_chan *rt_context_done(struct rt_context *self);
/* 0 not cancelled | -ECANCELED | -ETIMEDOUT its deadline, or a parent's, has come. Any thread. */
int rt_context_err(const struct rt_context *self);
/* 0 not cancelled, else why: what rt_context_cancel_cause() said, on it or on the parent it was cancelled by; without,
 * rt_context_err(). Any thread. */
int rt_context_cause(const struct rt_context *self);
/* When it will be cancelled at the latest, for every deadline_ns of the runtime; RT_NO_DEADLINE: none. Any thread. */
int64_t rt_context_deadline(const struct rt_context *self);

RT_DECLS_END

#endif
