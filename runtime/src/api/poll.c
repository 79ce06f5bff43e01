#include <rt/poll.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "api/time.h"
#include "api/waiter.h"
#include "base/rawio.h"
#include "parts/pollset.h"
#include "parts/timerheap.h"
#include "sched/netpoll.h"
#include "sched/sched.h"
#include <rt/time.h>

static struct rti_polldesc *desc_of(const struct rt_pd *pd)
{
    return (struct rti_polldesc *)(uintptr_t)pd;
}

/* Sets non-blocking and registers. Not inlined: errno is read on the thread that made the call. */
static NOINLINE int open_fd(struct rti_pollset *set, int fd, struct rti_polldesc **out)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return -errno;
    if (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    int got = rti_pollset_open(set, fd, out);
    if (got < 0 && !(flags & O_NONBLOCK))
        (void)fcntl(fd, F_SETFL, flags); /* as it was: the caller goes on without us */
    return got;
}

int rt_poll_open(struct rt_pd **out, int fd)
{
    struct rti_polldesc *d = NULL;
    int got = open_fd(rti_sched_pollset(), fd, &d);
    if (got < 0)
        return got;
    *out = (struct rt_pd *)d;
    return 0;
}

static void close_desc(struct rt_pd **self_p, bool close_fd)
{
    if (!*self_p)
        return;
    struct g *woken[RTI_POLL_DIRS];
    int n = rti_pollset_close(desc_of(*self_p), close_fd, woken);
    *self_p = NULL;
    for (int i = 0; i < n; i++)
        rti_sched_ready(woken[i]);
}

void rt_poll_close(struct rt_pd **self_p)
{
    close_desc(self_p, false);
}

void rt_poll_close_fd(struct rt_pd **self_p)
{
    close_desc(self_p, true);
}

int rt_poll_fd(const struct rt_pd *self)
{
    return desc_of(self)->fd;
}

/* --- waiting --- */

/* The timer in the wait box is armed never: it says what is waited for. arg is the descriptor, seq the direction. */
static bool commit_after_switch(struct g *g, void *arg)
{
    struct rti_timer *t = arg;
    return rti_pollset_commit(t->arg, (enum rti_poll_dir)t->seq, g);
}

/* On the system stack. It may come late, when another wait is on: that one looks at its own deadline and goes on. So
 * the answer is never in who woke, only in the word, the closing bit and the clock. */
static struct g *deadline_passed(void *arg, uint64_t seq)
{
    return rti_pollset_unblock(arg, (enum rti_poll_dir)seq, false);
}

static void park(struct rti_polldesc *d, enum rti_poll_dir dir, int64_t deadline_ns)
{
    struct rti_timer *what = &rti_waiter_self()->box.timer;
    *what = (struct rti_timer){.arg = d, .seq = (uint64_t)dir};
    rti_sched_point();
    if (deadline_ns == RT_NO_DEADLINE) {
        rti_sched_park(commit_after_switch, what, RTI_WAIT_IO);
        return;
    }
    struct rti_timer *t = rti_time_borrow(); /* mostly stopped, and then it leaves a slot: no place for it in a G */
    t->fn = deadline_passed;
    t->arg = d;
    t->seq = (uint64_t)dir;
    (void)rti_sched_timer_set(t, deadline_ns); /* if it fires before the commit, that fails and the goroutine goes on */
    rti_sched_point();
    rti_sched_park(commit_after_switch, what, RTI_WAIT_IO);
    (void)rti_sched_timer_stop(t);
    rti_time_return(t);
}

static bool is_closed(struct rti_polldesc *d)
{
    if (!rti_pollset_enter(d))
        return true;
    rti_pollset_leave(d);
    return false;
}

/* The caller has entered d. */
static int wait_entered(struct rti_polldesc *d, enum rti_poll_dir dir, int64_t deadline_ns)
{
    for (;;) {
        if (rti_pollset_take(d, dir))
            return 0;
        if (is_closed(d))
            return -ECANCELED;
        int got = rti_pollset_prepare(d, dir);
        if (got == -EBUSY)
            return got;
        if (got == 0 && deadline_ns != RT_NO_DEADLINE && deadline_ns <= rti_sched_now()) {
            rti_pollset_unblock(d, dir, false);
            return rti_pollset_take(d, dir) ? 0 : -ETIMEDOUT;
        }
        if (got == 0)
            park(d, dir, deadline_ns);
    }
}

int rt_poll_wait(struct rt_pd *self, enum rt_poll_dir dir, int64_t deadline_ns)
{
    if (dir != RT_POLL_IN && dir != RT_POLL_OUT)
        return -EINVAL;
    struct rti_polldesc *d = desc_of(self);
    rti_sched_point();
    if (!rti_pollset_enter(d))
        return -ECANCELED;
    int got = wait_entered(d, dir == RT_POLL_IN ? RTI_POLL_READ : RTI_POLL_WRITE, deadline_ns);
    rti_pollset_leave(d);
    return got;
}

/* --- the loops. The system calls stand in functions of their own that do not park: errno is per thread. --- */

/* recv and send do on a stream what read and write do, and pass fewer layers of the kernel: 60 ns each. An empty read
 * is the exception: recv waits. */
static NOINLINE ssize_t try_read(const struct rti_polldesc *d, void *buf, size_t len)
{
    ssize_t n;
    do
        n = d->stream && len > 0 ? rti_rawio_recv(d->fd, buf, len) : read(d->fd, buf, len);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static NOINLINE ssize_t try_write(const struct rti_polldesc *d, const void *buf, size_t len)
{
    ssize_t n;
    do
        n = d->stream ? rti_rawio_send(d->fd, buf, len) : write(d->fd, buf, len);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static NOINLINE int try_accept(int fd, struct sockaddr *addr, socklen_t *addrlen)
{
    int got;
    do
        got = accept4(fd, addr, addrlen, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (got < 0 && (errno == EINTR || errno == ECONNABORTED));
    return got < 0 ? -errno : got;
}

static NOINLINE int try_connect(int fd, const struct sockaddr *addr, socklen_t addrlen)
{
    if (connect(fd, addr, addrlen) == 0)
        return 0;
    return errno == EINTR ? -EINPROGRESS : -errno; /* interrupted, it goes on by itself */
}

/* 0 it stands | -EAGAIN not yet | -errno it failed. An unconnected socket reports an edge at once, so an edge alone
 * proves nothing. */
static NOINLINE int connect_state(int fd)
{
    int error = 0;
    socklen_t len = sizeof(error);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        return -errno;
    if (error != 0)
        return -error;
    struct sockaddr_storage peer;
    len = sizeof(peer);
    if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0)
        return 0;
    return errno == ENOTCONN ? -EAGAIN : -errno;
}

static ssize_t read_noted(struct rti_polldesc *d, void *buf, size_t len)
{
    uint32_t edges = rti_pollset_edges(d);
    ssize_t n = try_read(d, buf, len);
    rti_pollset_note(d, edges, n, len);
    return n;
}

/* A socket that is known to be empty is waited for without another try, if events are looked for at once: else what has
 * come meanwhile would lie there until they are. A wait that fails is no answer then: what is there needs no time. */
static ssize_t read_entered(struct rti_polldesc *d, void *buf, size_t len, int64_t deadline_ns)
{
    bool dry = rti_pollset_dry(d) && rti_netpoll_is_next();
    for (;;) {
        ssize_t n = dry ? -EAGAIN : read_noted(d, buf, len);
        if (n != -EAGAIN)
            return n;
        int got = wait_entered(d, RTI_POLL_READ, deadline_ns);
        if (got < 0)
            return dry && got != -ECANCELED && (n = read_noted(d, buf, len)) != -EAGAIN ? n : got;
        dry = false;
    }
}

ssize_t rt_read(struct rt_pd *self, void *buf, size_t len, int64_t deadline_ns)
{
    struct rti_polldesc *d = desc_of(self);
    if (!rti_pollset_enter(d))
        return -ECANCELED;
    ssize_t got = read_entered(d, buf, len, deadline_ns);
    rti_pollset_leave(d);
    return got;
}

static int write_entered(struct rti_polldesc *d, const char *buf, size_t len, int64_t deadline_ns, size_t *done)
{
    while (*done < len) {
        ssize_t n = try_write(d, buf + *done, len - *done);
        if (n >= 0)
            *done += (size_t)n;
        else if (n == -EAGAIN)
            TRY(wait_entered(d, RTI_POLL_WRITE, deadline_ns));
        else
            return (int)n;
    }
    return 0;
}

ssize_t rt_write(struct rt_pd *self, const void *buf, size_t len, int64_t deadline_ns, size_t *done)
{
    struct rti_polldesc *d = desc_of(self);
    size_t written = 0;
    int got = -ECANCELED;
    if (rti_pollset_enter(d)) {
        got = write_entered(d, buf, len, deadline_ns, &written);
        rti_pollset_leave(d);
    }
    if (done)
        *done = written;
    return got < 0 ? got : (ssize_t)written;
}

static int accept_entered(struct rti_polldesc *d, struct sockaddr *addr, socklen_t *addrlen, int64_t deadline_ns)
{
    socklen_t room = addrlen ? *addrlen : 0;
    for (;;) {
        int got = try_accept(d->fd, addr, addrlen);
        if (got != -EAGAIN)
            return got;
        if (addrlen)
            *addrlen = room;
        TRY(wait_entered(d, RTI_POLL_READ, deadline_ns));
    }
}

int rt_accept(struct rt_pd *self, struct sockaddr *addr, socklen_t *addrlen, int64_t deadline_ns)
{
    struct rti_polldesc *d = desc_of(self);
    if (!rti_pollset_enter(d))
        return -ECANCELED;
    int got = accept_entered(d, addr, addrlen, deadline_ns);
    rti_pollset_leave(d);
    return got;
}

static int connect_entered(struct rti_polldesc *d, const struct sockaddr *addr, socklen_t addrlen, int64_t deadline_ns)
{
    int got = try_connect(d->fd, addr, addrlen);
    if (got != -EINPROGRESS)
        return got;
    do
        TRY(wait_entered(d, RTI_POLL_WRITE, deadline_ns));
    while ((got = connect_state(d->fd)) == -EAGAIN);
    return got;
}

int rt_connect(struct rt_pd *self, const struct sockaddr *addr, socklen_t addrlen, int64_t deadline_ns)
{
    struct rti_polldesc *d = desc_of(self);
    if (!rti_pollset_enter(d))
        return -ECANCELED;
    int got = connect_entered(d, addr, addrlen, deadline_ns);
    rti_pollset_leave(d);
    return got;
}
