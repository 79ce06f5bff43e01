/* poll.h - wait for file descriptors without holding a thread, and reads and writes that do.
 * Threads: goroutines. Memory: an rt_pd comes from a pool that is never freed; it is valid from rt_poll_open() to
 * rt_poll_close(). The descriptor stays the caller's, except for rt_poll_close_fd().
 *
 * For pipes, sockets, eventfds, timerfds, other epoll sets: whatever epoll takes. Registration is edge-triggered, once,
 * in both directions (after Go's netpoll_epoll.go). An edge that nobody waits for is remembered, one per direction. So
 * the rule is: *try first, wait after EAGAIN, then try again*. A wait may return 0 though nothing is ready (an old
 * edge): the try after it decides. rt_read() and the others are this loop, written once.
 *
 * ZeroMQ: its ZMQ_FD is a signal, "look at ZMQ_EVENTS", edge-triggered by its own meaning and always waited for with
 * RT_POLL_IN, whichever direction the socket wants. Any zmq call on the socket may swallow the edge. The loop is
 *
 *     for (;;) {
 *         if (zmq_msg_recv(&msg, socket, ZMQ_DONTWAIT) >= 0)  break;
 *         if (zmq_errno() != EAGAIN)                          return -zmq_errno();
 *         zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size);
 *         if (events & ZMQ_POLLIN)                            continue;     (the edge was here already)
 *         TRY(rt_poll_wait(pd, RT_POLL_IN, deadline_ns));
 *     }
 *
 * and after *every* successful send or receive whoever else waits for the same socket is served by the same goroutine
 * (one goroutine owns a socket), which reads ZMQ_EVENTS again before it parks. */
#ifndef RT_POLL_H
#define RT_POLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <rt/attr.h>

RT_DECLS_BEGIN

struct rt_pd;

enum rt_poll_dir {
    RT_POLL_IN = 1,  /* readable, or the peer has closed, or an error waits */
    RT_POLL_OUT = 2, /* writable, or connected, or an error waits */
};

/* Registers fd and sets it to non-blocking. 0, *out is the new descriptor | -EPERM: a kind of file that is always ready
 * (a regular file), read and write it under rt/blocking.h | -EEXIST: registered already | -EMFILE, -ENOMEM, -EBADF ...
 * of epoll_ctl(2). *out is untouched on error. */
int rt_poll_open(struct rt_pd **out, int fd) MUST_CHECK;
/* Takes fd off the set and ends the waits on it: they return -ECANCELED, as does every call that comes while somebody
 * is still inside. *self_p becomes NULL; NULL-safe. fd stays open. Close fd only after this: closed before, its number
 * may be another descriptor's by now, which is then the one that is taken off the set, and waits on it never end. */
void rt_poll_close(struct rt_pd **self_p);
/* The same, and closes fd as soon as the last goroutine inside a call on it has left: nobody ever reads a number that
 * was reused. */
void rt_poll_close_fd(struct rt_pd **self_p);
/* The file descriptor. */
int rt_poll_fd(const struct rt_pd *self);

/* Parks until fd is ready in the direction dir (one of them), at most until deadline_ns (absolute, rt_now() scale;
 * RT_NO_DEADLINE: for ever; one of the past only looks). 0 ready, try again | -ETIMEDOUT | -ECANCELED closed meanwhile
 * | -EBUSY another goroutine waits for this direction | -EINVAL dir. One goroutine per direction at a time. */
int rt_poll_wait(struct rt_pd *self, enum rt_poll_dir dir, int64_t deadline_ns) MUST_CHECK;

/* read(2) of up to len bytes: waits until there are some. Bytes read, 0 at end of file | -ETIMEDOUT, -ECANCELED,
 * -EBUSY as above | -errno of read(2). */
ssize_t rt_read(struct rt_pd *self, void *buf, size_t len, int64_t deadline_ns) MUST_CHECK;
/* write(2) of all len bytes, in as many pieces as it takes; no SIGPIPE on sockets. len | the same errors: then some
 * bytes may have been written; *done (NULL: not wanted) says how many, in every case. */
ssize_t rt_write(struct rt_pd *self, const void *buf, size_t len, int64_t deadline_ns, size_t *done) MUST_CHECK;
/* accept4(2) with close-on-exec and non-blocking: the new descriptor, which the caller owns (not registered yet) | the
 * same errors. addr and addrlen as of accept(2), may be NULL. Connections that died in the queue are skipped. */
int rt_accept(struct rt_pd *self, struct sockaddr *addr, socklen_t *addrlen, int64_t deadline_ns) MUST_CHECK;
/* connect(2): waits until the connection stands. 0 | the same errors, -ECONNREFUSED and so on. After an error the
 * socket is only good for closing. */
int rt_connect(struct rt_pd *self, const struct sockaddr *addr, socklen_t addrlen, int64_t deadline_ns) MUST_CHECK;

RT_DECLS_END

#endif
