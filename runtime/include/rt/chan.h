/* chan.h - channels and select, with the semantics of Go's.
 * Threads: every function here is called from a goroutine, unless it says otherwise.
 * Memory: a channel is malloc'd by rt_chan_new() and freed by rt_chan_free(), until the collector owns them. Values are
 * copied byte by byte, elem_bytes each: in from the sender's variable, out to the receiver's; no pointer to either is
 * kept after the call returned.
 *
 * A NULL channel is Go's nil channel: sending and receiving block for ever, in a select its case is never chosen,
 * closing it is fatal. Order is first in, first out: values of a channel, and the goroutines that wait on it.
 * Happens-before is Go's: a send before the completion of its receive; the k-th receive of a channel of capacity C
 * before the completion of the (k+C)-th send; a close before a receive that reports it.
 *
 * While a goroutine waits in here, whoever pairs with it copies straight from or to the variable it passed, on its
 * stack if that is where it stands; through a slot elsewhere if the stack may be copied out (rt_go_attr.hibernate). */
#ifndef RT_CHAN_H
#define RT_CHAN_H

#include <stdbool.h>
#include <stddef.h>

#include <rt/attr.h>

RT_DECLS_BEGIN

struct rt_chan;

/* A new open channel for values of elem_bytes (0 to 65535; 0 carries only the event) with room for cap values (0:
 * unbuffered, each send meets a receive). Never NULL: sizes beyond the limit, or which no memory is left for, are fatal
 * ("makechan: size out of range"), as in Go. The caller owns it. Any thread. */
struct rt_chan *rt_chan_new(size_t elem_bytes, size_t cap);
/* Frees it with the values still inside and leaves *self_p NULL. NULL-safe. Nobody may wait on it (fatal) or use it
 * again. A channel of rt_after() is freed here as well, fired or not, and its timer with it; the channel that
 * rt_timer_chan() shows belongs to its timer and is freed by rt_timer_free() only. Any thread. */
void rt_chan_free(struct rt_chan **self_p);

/* Copies elem_bytes from value into the channel; waits while it is full (unbuffered: until a receiver takes it).
 * value may be NULL if elem_bytes is 0. On a closed channel, also when it is closed during the wait: fatal, "send on
 * closed channel". */
void rt_send(struct rt_chan *self, const void *value);
/* Waits for a value and copies it to value (NULL: dropped). True: a value that was sent. False: the channel is closed
 * and drained; *value is zeroed then. */
bool rt_recv(struct rt_chan *self, void *value) MUST_CHECK;

/* The same without waiting. Send: 0 sent | -EAGAIN it would wait. Recv: 1 got a value | 0 closed and drained, *value is
 * zeroed | -EAGAIN it would wait. Also allowed on the system stack (timers); sending on a closed channel is fatal. */
int rt_try_send(struct rt_chan *self, const void *value) MUST_CHECK;
int rt_try_recv(struct rt_chan *self, void *value) MUST_CHECK;

/* No more sends. Waiting receivers get false, waiting senders are fatal errors. Closing NULL ("close of nil channel")
 * or twice ("close of closed channel") is fatal. */
void rt_close(struct rt_chan *self);

/* How many values wait inside, and how many fit; 0 for NULL, for unbuffered ones and for those of timers (Go 1.23). A
 * snapshot: true when read, maybe not after. Any thread. */
size_t rt_chan_len(const struct rt_chan *self);
size_t rt_chan_cap(const struct rt_chan *self);

enum rt_case_dir {
    RT_CASE_RECV,
    RT_CASE_SEND,
};
/* One case of a select. Made by rt_case_send() and rt_case_recv(). */
struct rt_case {
    struct rt_chan *chan; /* borrowed for the call; NULL: never ready */
    enum rt_case_dir dir;
    bool ok; /* answer to the chosen RT_CASE_RECV: as of rt_recv() */
    union {
        const void *send; /* elem_bytes are read from here; NULL only if elem_bytes is 0 */
        void *recv;       /* elem_bytes are written here; NULL drops the value */
    } value;
};
static inline struct rt_case rt_case_send(struct rt_chan *chan, const void *value)
{
    struct rt_case c = {chan, RT_CASE_SEND, false, {value}};
    return c;
}
static inline struct rt_case rt_case_recv(struct rt_chan *chan, void *value)
{
    struct rt_case c = {chan, RT_CASE_RECV, false, {NULL}};
    c.value.recv = value;
    return c;
}

/* Does exactly one of n cases (0 to 65535) and returns its index; among several ready ones each is equally likely. If
 * none is ready: waits until one is (block), or returns -EAGAIN (!block: the select has a default). No case at all, or
 * only NULL channels, with block: waits for ever. A channel may occur several times and in both directions; a goroutine
 * never pairs with itself. Choosing a send on a closed channel is fatal. cases[i].ok is set for a chosen receive. */
int rt_select(struct rt_case *cases, int n, bool block);

RT_DECLS_END

#endif
