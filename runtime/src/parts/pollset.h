/* pollset.h - an epoll set: which goroutine waits for which descriptor. Knows Gs only as pointers to hand back.
 * Threads: every function from any thread. Waiting may overlap, but one blocking wait at a time is what is meant: a
 * break ends one of them. Memory: descriptors come from a slab that is never freed, so a late event or a late timer
 * never touches foreign memory; the generation in the event tells a late one from one of the new owner.
 * After Go's netpoll.go and netpoll_epoll.go: edge-triggered, armed once in both directions. */
#ifndef RTI_POLLSET_H
#define RTI_POLLSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

struct g;
struct rti_pollset;

enum { RTI_POLLSET_EVENTS = 128 };                       /* kernel events per wait */
enum { RTI_POLLSET_READY_MAX = 2 * RTI_POLLSET_EVENTS }; /* Gs a wait may hand back: both directions of each */

enum rti_poll_dir { RTI_POLL_READ, RTI_POLL_WRITE, RTI_POLL_DIRS };

/* The word of one direction. Who may leave a value:
 * NIL -> WAIT by the goroutine that wants to wait; NIL -> READY by an event.
 * READY -> NIL by the goroutine that takes the edge.
 * WAIT -> a G by the scheduler, off the G's stack (commit); WAIT -> READY or NIL by an event, a close, a timeout.
 * a G -> READY by an event, -> NIL by a close or a timeout: whoever did it makes the G ready, exactly once. */
enum { RTI_POLL_NIL = 0, RTI_POLL_READY = 1, RTI_POLL_WAIT = 2 };

struct rti_polldesc {
    _Atomic(uintptr_t) word[RTI_POLL_DIRS];
    _Atomic(uint32_t) refs;       /* goroutines inside a call, in units of 2; bit 0: closing */
    _Atomic(uint32_t) generation; /* low 20 bits are in the event; rises with each close */
    int fd;
    uint32_t index; /* its place in the slab */
    bool close_fd;  /* the last one out closes fd; written before bit 0 of refs */
    bool stream;    /* fd is a stream socket; written before d reaches others */
    bool tcp;       /* of these, one of TCP; the same */
    /* What a reader may conclude from a short read; rti_pollset_dry() and rti_pollset_note(). No order but that of
     * word, which an event changes after it has written here. */
    _Atomic(uint32_t) edges;  /* events so far */
    _Atomic(uint32_t) dry_at; /* edges before the last short read, DRY_NEVER after a full one */
    _Atomic(uint8_t) misses;  /* times in a row that a read after a short one found nothing */
    _Atomic(bool) odd;        /* an event told of more than data */
    struct rti_pollset *set;
    struct rti_polldesc *next_free; /* guarded by the set's lock */
} CACHE_ALIGNED;

/* A new set with its break event. 0 | -EMFILE, -ENFILE, -ENOMEM. */
int rti_pollset_new(struct rti_pollset **out) MUST_CHECK;
/* For tests and the end: nobody may be inside. NULL-safe. Open descriptors are forgotten, their fds stay open. */
void rti_pollset_free(struct rti_pollset **self_p);

/* Registers fd. 0 | -errno of epoll_ctl | -ENOSPC: a million descriptors are open. */
int rti_pollset_open(struct rti_pollset *self, int fd, struct rti_polldesc **out) MUST_CHECK;
/* Marks it closed, takes it off epoll. Fills woken[0..1] with the Gs that waited (the caller readies them); returns how
 * many. The descriptor is reused once refs are gone. close_fd: see rt_poll_close_fd(). */
int rti_pollset_close(struct rti_polldesc *d, bool close_fd, struct g *woken[RTI_POLL_DIRS]);
/* Enters a call on d: false if it is closed. Leave exactly once after true. */
bool rti_pollset_enter(struct rti_polldesc *d) MUST_CHECK;
void rti_pollset_leave(struct rti_polldesc *d);

/* Takes the edge of a direction, if there is one. */
bool rti_pollset_take(struct rti_polldesc *d, enum rti_poll_dir dir);
/* NIL -> WAIT: 0 | -EAGAIN an edge or a close came, look again | -EBUSY somebody waits. */
int rti_pollset_prepare(struct rti_polldesc *d, enum rti_poll_dir dir);
/* WAIT -> g, off the stack of g: false if an event came between; then g goes on. */
bool rti_pollset_commit(struct rti_polldesc *d, enum rti_poll_dir dir, struct g *g);
/* Shortcut of a reader of a TCP socket. A read of fewer bytes than asked for has emptied it, so that whatever comes
 * later is an edge, and trying again before there was one is a system call for nothing. rti_pollset_dry: true if the
 * last read was short, no event has come since, and the last few times this was so there was indeed nothing (every 16th
 * time it is put to the test again, so that a socket whose data is faster than the events is read at once). Not after a
 * hang-up, an error or urgent data: there a short read proves nothing. rti_pollset_note: a try at reading returned got
 * (-errno); asked and edges: what was asked for, and rti_pollset_edges() before it. Wrong only if a reader does not
 * note. */
bool rti_pollset_dry(struct rti_polldesc *d);
uint32_t rti_pollset_edges(struct rti_polldesc *d);
void rti_pollset_note(struct rti_polldesc *d, uint32_t edges, int64_t got, size_t asked);
/* Ends a wait without an edge (timeout, close) or with one (ready): the G to make ready, or NULL. */
struct g *rti_pollset_unblock(struct rti_polldesc *d, enum rti_poll_dir dir, bool ready);

/* Waits at most timeout_ns (0: only looks; negative: for ever) for events and fills ready[0..n) with Gs to make ready,
 * in the order of their events; room for RTI_POLLSET_READY_MAX. Returns n, 0 also after a break, a signal (EINTR) or a
 * timeout. A wait with timeout 0 does not use up a break. The n Gs count as waiters until rti_pollset_delivered(). */
int rti_pollset_wait(struct rti_pollset *self, int64_t timeout_ns, struct g *ready[RTI_POLLSET_READY_MAX]);
/* n Gs of a wait are where the scheduler can see them. Until then nobody may take "no waiters" for "all asleep". */
void rti_pollset_delivered(struct rti_pollset *self, int n);
/* Ends the blocking wait, now or the next one. Many breaks before that wait count as one. Async-signal-safe. */
void rti_pollset_break(struct rti_pollset *self);
/* From now on times out in whole milliseconds (epoll_pwait), as on kernels before 5.11, where it happens by itself. */
void rti_pollset_coarse(struct rti_pollset *self);
/* How many Gs wait in it: 0 means that polling cannot find any work (and that it holds off no deadlock report). */
int rti_pollset_waiters(const struct rti_pollset *self);

#endif
