#include "goroutines.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <rt/poll.h>
#include <rt/sync.h>
#include <rt/time.h>

/* Reads and writes of stream sockets, which take shortcuts that other descriptors do not. */

enum { MS = 1000000, WARM = 12, TOTAL = 60000 };

struct line {
    struct rt_pd *near, *far;
    struct rt_waitgroup left;
};

static int connected(struct sockaddr_in *at, int listener, int *accepted)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    EXPECT(connect(fd, (struct sockaddr *)at, sizeof(*at)) == 0); /* by the kernel alone: it need not wait */
    *accepted = accept(listener, NULL, NULL);
    EXPECT(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) == 0);
    EXPECT(setsockopt(*accepted, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) == 0);
    return fd;
}

static void line_open(struct line *l)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), accepted = -1;
    *l = (struct line){0};
    EXPECT(bind(listener, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(listener, 1) == 0);
    EXPECT(getsockname(listener, (struct sockaddr *)&at, &len) == 0);
    EXPECT(rt_poll_open(&l->near, connected(&at, listener, &accepted)) == 0);
    EXPECT(rt_poll_open(&l->far, accepted) == 0);
    close(listener);
}

static void line_close(struct line *l)
{
    rt_poll_close_fd(&l->near);
    rt_poll_close_fd(&l->far);
}

static void answer(void *arg)
{
    struct line *l = arg;
    char data[64];
    for (ssize_t n; (n = rt_read(l->far, data, sizeof(data), RT_NO_DEADLINE)) > 0;)
        EXPECT(rt_write(l->far, data, (size_t)n, RT_NO_DEADLINE, NULL) == n);
    rt_waitgroup_done(&l->left);
}

/* Until both sides are sure that after a short read nothing is there. */
static void warm_up(struct line *l)
{
    char data[64];
    for (int i = 0; i < WARM; i++) {
        EXPECT(rt_write(l->near, "x", 1, RT_NO_DEADLINE, NULL) == 1);
        EXPECT(rt_read(l->near, data, sizeof(data), RT_NO_DEADLINE) == 1);
    }
}

static void start_answers(struct line *l)
{
    line_open(l);
    rt_waitgroup_add(&l->left, 1);
    rt_go(answer, l);
    warm_up(l);
}

static void end_answers(struct line *l)
{
    char data[64];
    EXPECT(shutdown(rt_poll_fd(l->near), SHUT_WR) == 0);
    EXPECT(rt_read(l->near, data, sizeof(data), rt_deadline(100 * MS)) != 1);
    rt_waitgroup_wait(&l->left);
    line_close(l);
}

static void left_over(void)
{
    struct line l;
    char data[8];
    start_answers(&l);
    EXPECT(rt_write(l.near, "abcdefghijk", 11, RT_NO_DEADLINE, NULL) == 11);
    for (size_t got = 0; got < 11;) { /* full reads, then a short one: what is left over makes no edge */
        ssize_t n = rt_read(l.near, data, 2, RT_NO_DEADLINE);
        EXPECT(n > 0 && memcmp(data, &"abcdefghijk"[got], (size_t)n) == 0);
        got += n > 0 ? (size_t)n : 11;
    }
    warm_up(&l);
    end_answers(&l);
}

Test(poll_stream, what_a_full_read_leaves_over_is_read_next)
{
    run_everywhere(left_over);
}

static void needs_no_time(void)
{
    struct line l;
    char data[8];
    line_open(&l);
    for (int i = 0; i < 60; i++) {
        EXPECT(rt_read(l.near, data, sizeof(data), 0) == -ETIMEDOUT);
        EXPECT(rt_read(l.near, data, sizeof(data), rt_deadline(MS / 50)) == -ETIMEDOUT);
        EXPECT(rt_write(l.far, "x", 1, RT_NO_DEADLINE, NULL) == 1);
        EXPECT(rt_read(l.near, data, sizeof(data), 0) == 1);
    }
    EXPECT(rt_read(l.near, data, 0, 0) == 0); /* nor does reading nothing */
    line_close(&l);
}

Test(poll_stream, what_is_there_is_read_though_the_deadline_has_passed)
{
    run_everywhere(needs_no_time);
}

/* The end comes together with the last byte: one edge for both. */
static void data_and_end(void)
{
    for (int i = 0; i < 20; i++) {
        struct line l;
        char data[8];
        start_answers(&l);
        EXPECT(rt_write(l.near, "z", 1, RT_NO_DEADLINE, NULL) == 1);
        EXPECT(shutdown(rt_poll_fd(l.near), SHUT_WR) == 0);
        rt_waitgroup_wait(&l.left); /* the other side has seen both */
        EXPECT(shutdown(rt_poll_fd(l.far), SHUT_WR) == 0);
        EXPECT(rt_read(l.near, data, sizeof(data), RT_NO_DEADLINE) == 1 && data[0] == 'z');
        EXPECT(rt_read(l.near, data, sizeof(data), RT_NO_DEADLINE) == 0);
        EXPECT(rt_read(l.near, data, sizeof(data), RT_NO_DEADLINE) == 0);
        line_close(&l);
    }
}

Test(poll_stream, an_end_that_comes_with_the_last_byte_is_seen)
{
    run_everywhere(data_and_end);
}

/* A read stops at the mark, so it is short though more is there. */
static void urgent(void)
{
    struct line l;
    char data[16];
    line_open(&l);
    for (int i = 0; i < WARM; i++) {
        EXPECT(rt_write(l.far, "x", 1, RT_NO_DEADLINE, NULL) == 1);
        EXPECT(rt_read(l.near, data, sizeof(data), RT_NO_DEADLINE) == 1);
        EXPECT(rt_read(l.near, data, sizeof(data), rt_deadline(MS / 50)) == -ETIMEDOUT);
    }
    for (int i = 0; i < 20; i++) {
        EXPECT(send(rt_poll_fd(l.far), "ab!", 3, MSG_OOB) == 3);
        EXPECT(rt_write(l.far, "cd", 2, RT_NO_DEADLINE, NULL) == 2);
        for (size_t got = 0; got < 4;) {
            ssize_t n = rt_read(l.near, data, sizeof(data), RT_NO_DEADLINE);
            EXPECT(n > 0 && got + (size_t)n <= 4 && memcmp(data, &"abcd"[got], (size_t)n) == 0);
            got += n > 0 ? (size_t)n : 4;
        }
    }
    line_close(&l);
}

Test(poll_stream, what_lies_behind_urgent_data_is_read)
{
    run_everywhere(urgent);
}

static void write_all_sizes(void *arg)
{
    struct line *l = arg;
    static char data[1024];
    uint32_t dice = 1;
    for (int at = 0; at < TOTAL;) {
        dice = dice * 1664525 + 1013904223;
        int n = 1 + (int)(dice >> 16) % (dice & 1 ? 1000 : 3);
        n = n < TOTAL - at ? n : TOTAL - at;
        for (int i = 0; i < n; i++)
            data[i] = (char)((at + i) % 251);
        EXPECT(rt_write(l->far, data, (size_t)n, RT_NO_DEADLINE, NULL) == n);
        at += n;
        if (dice & 0x30)
            rt_yield();
    }
    EXPECT(shutdown(rt_poll_fd(l->far), SHUT_WR) == 0);
    rt_waitgroup_done(&l->left);
}

static void all_sizes(void)
{
    struct line l;
    char data[512];
    uint32_t dice = 7;
    int at = 0;
    line_open(&l);
    rt_waitgroup_add(&l.left, 1);
    rt_go(write_all_sizes, &l);
    for (ssize_t n; (dice = dice * 1664525 + 1013904223),
                    (n = rt_read(l.near, data, 1 + (dice >> 16) % sizeof(data), RT_NO_DEADLINE)) > 0;)
        for (ssize_t i = 0; i < n; i++, at++)
            EXPECT(data[i] == (char)(at % 251));
    EXPECT(at == TOTAL);
    rt_waitgroup_wait(&l.left);
    line_close(&l);
}

Test(poll_stream, reads_and_writes_of_all_sizes_lose_nothing)
{
    run_everywhere(all_sizes);
}

/* SIGPIPE would end the test. */
static void no_signal(void)
{
    struct line l;
    int got = 1;
    signal(SIGPIPE, SIG_DFL);
    line_open(&l);
    rt_poll_close_fd(&l.far);
    for (int i = 0; i < 1000 && got > 0; i++) /* until the reset has come */
        got = (int)rt_write(l.near, "x", 1, RT_NO_DEADLINE, NULL);
    EXPECT(got == -EPIPE || got == -ECONNRESET);
    EXPECT(rt_write(l.near, "x", 1, RT_NO_DEADLINE, NULL) == -EPIPE);
    line_close(&l);
}

Test(poll_stream, writing_to_a_socket_without_a_reader_is_an_error_and_no_signal)
{
    run_everywhere(no_signal);
}
