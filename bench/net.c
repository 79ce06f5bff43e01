/* net.c - what does a message over a socket cost? Row echo. Peers: the same program in Go (bench/go/net.go). */
#include "bench/inside.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rt/check.h>
#include <rt/poll.h>
#include <rt/rt.h>
#include <rt/time.h>

enum { ROOM = 512 }; /* who reads from a socket has room for more than comes */

static void serve(void *arg)
{
    struct rt_pd *conn = arg;
    char data[ROOM];
    while (rt_read(conn, data, sizeof(data), RT_NO_DEADLINE) == 1)
        if (rt_write(conn, data, 1, RT_NO_DEADLINE, NULL) != 1)
            break;
    rt_poll_close_fd(&conn);
}

static void round_trips(void *arg, int64_t n)
{
    struct rt_pd *conn = arg;
    char data[ROOM] = "x";
    for (int64_t i = 0; i < n; i++) {
        CHECK(rt_write(conn, data, 1, RT_NO_DEADLINE, NULL) == 1);
        CHECK(rt_read(conn, data, sizeof(data), RT_NO_DEADLINE) == 1);
    }
}

static int adopt(struct rt_pd **out, int fd)
{
    int yes = 1;
    if (fd < 0)
        return fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    return rt_poll_open(out, fd);
}

/* Both ends of a connection over loopback. 0 | negative. */
static int connect_both(struct rt_pd **client, struct rt_pd **server)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    struct rt_pd *listener;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, len) < 0 || listen(fd, 1) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) < 0)
        return -rt_errno();
    TRY(rt_poll_open(&listener, fd));
    TRY(adopt(client, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
    TRY(rt_connect(*client, (const struct sockaddr *)&at, len, RT_NO_DEADLINE));
    TRY(adopt(server, rt_accept(listener, NULL, NULL, RT_NO_DEADLINE)));
    rt_poll_close_fd(&listener);
    return 0;
}

static int measure(void *arg)
{
    const struct bench_options *o = arg;
    struct rt_pd *client = NULL, *server = NULL;
    static struct bench_run run;
    struct bench_line line;
    int err = connect_both(&client, &server);
    if (err < 0) {
        fprintf(stderr, "lode-bench: echo: no connection over loopback: %s\n", strerror(-err));
        return 1;
    }
    rt_go(serve, server);
    bench_repeat(&run, o, round_trips, client);
    rt_poll_close_fd(&client);
    bench_line_open(&line, "echo", &run);
    return bench_line_close(&line);
}

static int run_echo(const struct bench_options *o)
{
    struct bench_options mine = *o;
    return bench_inside(o, "echo", measure, &mine);
}
BENCH_ROW(echo, "one byte over TCP on loopback, there and back, between two goroutines", BENCH_N | BENCH_SECONDS,
          run_echo);
