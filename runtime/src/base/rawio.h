/* rawio.h - system calls that never block, without what the C library wraps around them: a program of several threads
 * pays two read-modify-writes per call there, for the case that the thread is cancelled inside, which nobody does to
 * ours. Threads: any. Memory: none. Under sanitizers they are the C library's, which the sanitizer watches: that bytes
 * passed through a descriptor is what orders memory for TSan. */
#ifndef RTI_RAWIO_H
#define RTI_RAWIO_H

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As recv(2), send(2) and epoll_wait(2) with timeout 0, errno included; for descriptors that are non-blocking. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static inline ssize_t rti_rawio_recv(int fd, void *buf, size_t len)
{
    return recv(fd, buf, len, 0);
}

static inline ssize_t rti_rawio_send(int fd, const void *buf, size_t len)
{
    return send(fd, buf, len, MSG_NOSIGNAL);
}

static inline int rti_rawio_look(int epoll_fd, struct epoll_event *events, int max)
{
    return epoll_wait(epoll_fd, events, max, 0);
}
#else
static inline ssize_t rti_rawio_recv(int fd, void *buf, size_t len)
{
    return syscall(SYS_recvfrom, fd, buf, len, 0, NULL, NULL);
}

static inline ssize_t rti_rawio_send(int fd, const void *buf, size_t len)
{
    return syscall(SYS_sendto, fd, buf, len, MSG_NOSIGNAL, NULL, 0);
}

/* epoll_pwait: there is no epoll_wait on aarch64, and no mask costs nothing. */
static inline int rti_rawio_look(int epoll_fd, struct epoll_event *events, int max)
{
    return (int)syscall(SYS_epoll_pwait, epoll_fd, events, max, 0, NULL, (size_t)0);
}
#endif

#endif
