#include "pollset.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/lock.h"
#include "base/rawio.h"
#include <rt/check.h>

enum { CHUNK = 256, CHUNKS = 4096, GENERATION_BITS = 20, CLOSING = 1, ONE_REF = 2 };
enum { SURE = 4, TEST_EVERY = 16 };
#define DRY_NEVER       UINT32_MAX /* edges is kept below */
#define GENERATION_MASK ((1u << GENERATION_BITS) - 1)
#define BREAK_TAG       UINT64_MAX

struct rti_pollset {
    int epoll_fd, break_fd;
    _Atomic(uint32_t) break_pending; /* set by break (the setter writes break_fd), cleared by the wait that saw it */
    _Atomic(int) waiters;
    _Atomic(bool) coarse;
    struct rti_lock lock; /* rank POLLSET; guards free_list and used */
    struct rti_polldesc *free_list;
    uint32_t used; /* slots ever handed out */
    /* written under lock (rel) before the first index of the chunk is in an event, read by wait (acq) */
    _Atomic(struct rti_polldesc *) chunks[CHUNKS];
};

/* --- the slab --- */

/* The slot of an index that was handed out. */
static struct rti_polldesc *at(struct rti_pollset *self, uint32_t index)
{
    return load_acq(&self->chunks[index / CHUNK]) + index % CHUNK; /* pairs with store_rel in take_slot_locked */
}

static struct rti_polldesc *take_slot_locked(struct rti_pollset *self)
{
    struct rti_polldesc *d = self->free_list;
    if (d) {
        self->free_list = d->next_free;
        return d;
    }
    if (self->used == (uint32_t)CHUNK * CHUNKS)
        return NULL;
    if (self->used % CHUNK == 0) {
        struct rti_polldesc *chunk = aligned_alloc(CACHE_LINE, sizeof(*chunk) * CHUNK);
        if (!chunk)
            return NULL;
        for (uint32_t i = 0; i < CHUNK; i++)
            chunk[i] = (struct rti_polldesc){.index = self->used + i, .set = self, .refs = CLOSING, .fd = -1};
        store_rel(&self->chunks[self->used / CHUNK], chunk); /* pairs with load_acq in at */
    }
    return at(self, self->used++);
}

static void give_slot(struct rti_polldesc *d)
{
    struct rti_pollset *self = d->set;
    rti_lock_acquire(&self->lock);
    d->next_free = self->free_list;
    self->free_list = d;
    rti_lock_release(&self->lock);
}

/* --- a set --- */

int rti_pollset_new(struct rti_pollset **out)
{
    struct rti_pollset *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    rti_lock_init(&self->lock, RTI_RANK_POLLSET);
    self->break_fd = -1;
    self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (self->epoll_fd < 0)
        goto failed;
    self->break_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->break_fd < 0)
        goto failed;
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = BREAK_TAG};
    if (epoll_ctl(self->epoll_fd, EPOLL_CTL_ADD, self->break_fd, &ev) < 0)
        goto failed;
    *out = self;
    return 0;
failed:;
    int error = -errno;
    rti_pollset_free(&self);
    return error;
}

void rti_pollset_free(struct rti_pollset **self_p)
{
    struct rti_pollset *self = *self_p;
    if (!self)
        return;
    if (self->epoll_fd >= 0)
        close(self->epoll_fd);
    if (self->break_fd >= 0)
        close(self->break_fd);
    for (uint32_t i = 0; i * CHUNK < self->used; i++)
        free(load_rlx(&self->chunks[i]));
    free(self);
    *self_p = NULL;
}

void rti_pollset_coarse(struct rti_pollset *self)
{
    store_rlx(&self->coarse, true);
}

int rti_pollset_waiters(const struct rti_pollset *self)
{
    int n = load_rlx(&((struct rti_pollset *)(uintptr_t)self)->waiters);
    return n > 0 ? n : 0;
}

/* --- descriptors --- */

static int socket_option(int fd, int option)
{
    int value = -1;
    socklen_t len = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, option, &value, &len) < 0 ? -1 : value;
}

int rti_pollset_open(struct rti_pollset *self, int fd, struct rti_polldesc **out)
{
    rti_lock_acquire(&self->lock);
    struct rti_polldesc *d = take_slot_locked(self);
    rti_lock_release(&self->lock);
    if (!d)
        return -ENOSPC;
    d->fd = fd;
    d->close_fd = false;
    d->stream = socket_option(fd, SO_TYPE) == SOCK_STREAM;
    d->tcp = d->stream && socket_option(fd, SO_PROTOCOL) == IPPROTO_TCP;
    store_rlx(&d->edges, 0);
    store_rlx(&d->dry_at, DRY_NEVER);
    store_rlx(&d->misses, 0);
    store_rlx(&d->odd, false);
    store_rlx(&d->word[RTI_POLL_READ], RTI_POLL_NIL);
    store_rlx(&d->word[RTI_POLL_WRITE], RTI_POLL_NIL);
    uint64_t tag = (uint64_t)d->index << GENERATION_BITS | (load_rlx(&d->generation) & GENERATION_MASK);
    struct epoll_event ev = {.events = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.u64 = tag};
    if (epoll_ctl(self->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0) {
        int error = -errno;
        give_slot(d);
        return error;
    }
    store_rel(&d->refs, 0); /* open; pairs with the cas in enter, though d reaches others only through out */
    *out = d;
    return 0;
}

bool rti_pollset_enter(struct rti_polldesc *d)
{
    uint32_t refs = load_rlx(&d->refs);
    do {
        if (refs & CLOSING)
            return false;
    } while (!cas_acq_rel(&d->refs, &refs, refs + ONE_REF));
    return true;
}

void rti_pollset_leave(struct rti_polldesc *d)
{
    if (sub_acq_rel(&d->refs, ONE_REF) != (ONE_REF | CLOSING))
        return;
    /* the last one out of a closed descriptor: nobody can enter, so this happens once */
    if (d->close_fd)
        close(d->fd);
    give_slot(d);
}

int rti_pollset_close(struct rti_polldesc *d, bool close_fd, struct g *woken[RTI_POLL_DIRS])
{
    if (!rti_pollset_enter(d)) /* keeps d from being reused under our hands */
        return 0;
    d->close_fd = close_fd;
    if (or_acq_rel(&d->refs, CLOSING) & CLOSING)
        rt_throw("poll descriptor closed twice at the same time");
    add_rlx(&d->generation, 1); /* events of before are stale from here */
    /* fails only if the caller closed fd before us, which took it off the set */
    (void)epoll_ctl(d->set->epoll_fd, EPOLL_CTL_DEL, d->fd, NULL);
    int n = 0;
    for (enum rti_poll_dir dir = RTI_POLL_READ; dir < RTI_POLL_DIRS; dir++) {
        struct g *g = rti_pollset_unblock(d, dir, false);
        if (g)
            woken[n++] = g;
    }
    rti_pollset_leave(d);
    return n;
}

/* --- the word of a direction --- */

bool rti_pollset_take(struct rti_polldesc *d, enum rti_poll_dir dir)
{
    uintptr_t word = RTI_POLL_READY;
    return load_acq(&d->word[dir]) == RTI_POLL_READY && cas_acq_rel(&d->word[dir], &word, RTI_POLL_NIL);
}

int rti_pollset_prepare(struct rti_polldesc *d, enum rti_poll_dir dir)
{
    uintptr_t word = RTI_POLL_NIL;
    if (!cas_seq(&d->word[dir], &word, RTI_POLL_WAIT))
        return word == RTI_POLL_READY ? -EAGAIN : -EBUSY;
    /* The two-sided check with close: it sets CLOSING, then looks at the word; we set the word, then look at it. */
    fence_full_after_rmw();
    if (!(load_seq(&d->refs) & CLOSING))
        return 0;
    rti_pollset_unblock(d, dir, false);
    return -EAGAIN;
}

bool rti_pollset_commit(struct rti_polldesc *d, enum rti_poll_dir dir, struct g *g)
{
    uintptr_t word = RTI_POLL_WAIT;
    add_rlx(&d->set->waiters, 1); /* before: whoever takes g out again subtracts */
    if (cas_acq_rel(&d->word[dir], &word, (uintptr_t)g))
        return true;
    add_rlx(&d->set->waiters, -1);
    return false;
}

/* --- what a short read proves --- */

bool rti_pollset_dry(struct rti_polldesc *d)
{
    if (!d->tcp || load_rlx(&d->dry_at) != load_rlx(&d->edges) || load_rlx(&d->odd))
        return false;
    uint8_t misses = load_rlx(&d->misses);
    if (misses < SURE)
        return false;
    if (misses == SURE + TEST_EVERY) {
        store_rlx(&d->misses, SURE - 1); /* if there is nothing this time, we are sure again */
        return false;
    }
    store_rlx(&d->misses, misses + 1);
    store_rlx(&d->dry_at, DRY_NEVER); /* the read after the wait says nothing about this one */
    return true;
}

uint32_t rti_pollset_edges(struct rti_polldesc *d)
{
    return load_acq(&d->edges); /* before the read: what an event after this brings is an edge after dry_at */
}

void rti_pollset_note(struct rti_polldesc *d, uint32_t edges, int64_t got, size_t asked)
{
    if (!d->tcp)
        return;
    if (load_rlx(&d->dry_at) != DRY_NEVER) { /* the read before was short: did this one find something? */
        if (got != -EAGAIN)
            store_rlx(&d->misses, 0);
        else if (load_rlx(&d->misses) < SURE)
            store_rlx(&d->misses, load_rlx(&d->misses) + 1);
    }
    store_rlx(&d->dry_at, got > 0 && (size_t)got < asked ? edges : DRY_NEVER);
}

/* Before the word: who takes the edge sees it (pairs with the acquire of take, and of the switch to a woken G). */
static void count_edge(struct rti_polldesc *d, uint32_t events)
{
    if (UNLIKELY(events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
        store_rlx(&d->odd, true);
    uint32_t edges = load_rlx(&d->edges); /* two that count at once may come to the same: it is another number */
    store_rel(&d->edges, edges + 1 == DRY_NEVER ? 0 : edges + 1);
}

/* Takes the G out of the word; it still counts as a waiter. */
static struct g *take_waiter(struct rti_polldesc *d, enum rti_poll_dir dir, bool ready)
{
    uintptr_t word = load_acq(&d->word[dir]);
    do {
        if (word == RTI_POLL_READY || (word == RTI_POLL_NIL && !ready))
            return NULL;
    } while (!cas_seq(&d->word[dir], &word, ready ? RTI_POLL_READY : RTI_POLL_NIL));
    return word <= RTI_POLL_WAIT ? NULL : (struct g *)word;
}

struct g *rti_pollset_unblock(struct rti_polldesc *d, enum rti_poll_dir dir, bool ready)
{
    struct g *g = take_waiter(d, dir, ready);
    if (g)
        add_rlx(&d->set->waiters, -1);
    return g;
}

void rti_pollset_delivered(struct rti_pollset *self, int n)
{
    add_rlx(&self->waiters, -n);
}

/* --- waiting --- */

static int wait_kernel(struct rti_pollset *self, struct epoll_event *events, int64_t timeout_ns)
{
    enum { NS_PER_S = 1000000000, NS_PER_MS = 1000000 };
    if (timeout_ns == 0) /* the look between two goroutines: no time to copy in, 120 ns less */
        return rti_rawio_look(self->epoll_fd, events, RTI_POLLSET_EVENTS);
    if (!load_rlx(&self->coarse)) {
        struct timespec t = {.tv_sec = timeout_ns / NS_PER_S, .tv_nsec = timeout_ns % NS_PER_S};
        int n = epoll_pwait2(self->epoll_fd, events, RTI_POLLSET_EVENTS, timeout_ns < 0 ? NULL : &t, NULL);
        if (n >= 0 || (errno != ENOSYS && errno != EPERM)) /* EPERM: an old seccomp profile */
            return n;
        rti_pollset_coarse(self);
    }
    int ms = -1;
    if (timeout_ns >= 0)
        ms = timeout_ns > (int64_t)NS_PER_S * 100000 ? 100000000 : (int)((timeout_ns + NS_PER_MS - 1) / NS_PER_MS);
    return epoll_pwait(self->epoll_fd, events, RTI_POLLSET_EVENTS, ms, NULL);
}

static void use_up_break(struct rti_pollset *self)
{
    uint64_t count;
    (void)!read(self->break_fd, &count, sizeof(count));
    /* A break between the two lines is lost for the next wait, but it has ended this one. */
    store_rel(&self->break_pending, 0); /* pairs with xchg in break */
}

static int hand_out(struct rti_pollset *self, const struct epoll_event *ev, struct g **ready)
{
    struct rti_polldesc *d = at(self, (uint32_t)(ev->data.u64 >> GENERATION_BITS));
    if ((load_rlx(&d->generation) & GENERATION_MASK) != (ev->data.u64 & GENERATION_MASK))
        return 0; /* closed since; its number may be somebody else's */
    int n = 0;
    struct g *g;
    count_edge(d, ev->events);
    if (ev->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR) && (g = take_waiter(d, RTI_POLL_READ, true)) != NULL)
        ready[n++] = g;
    if (ev->events & (EPOLLOUT | EPOLLHUP | EPOLLERR) && (g = take_waiter(d, RTI_POLL_WRITE, true)) != NULL)
        ready[n++] = g;
    return n;
}

int rti_pollset_wait(struct rti_pollset *self, int64_t timeout_ns, struct g *ready[RTI_POLLSET_READY_MAX])
{
    struct epoll_event events[RTI_POLLSET_EVENTS];
    int n = wait_kernel(self, events, timeout_ns), found = 0;
    if (n < 0 && errno != EINTR)
        rt_throw("epoll_wait failed with errno %d", errno);
    for (int i = 0; i < n; i++) {
        if (events[i].data.u64 != BREAK_TAG)
            found += hand_out(self, &events[i], ready + found);
        else if (timeout_ns != 0)
            use_up_break(self);
    }
    return found;
}

void rti_pollset_break(struct rti_pollset *self)
{
    if (xchg_acq_rel(&self->break_pending, 1) != 0)
        return;
    int saved = errno;
    uint64_t one = 1;
    if (write(self->break_fd, &one, sizeof(one)) < 0)
        rt_throw("write to the eventfd of the netpoller failed (errno %d)", errno); /* who polls might never wake */
    errno = saved;
}
