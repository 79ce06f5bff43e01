/* echo.c - a TCP echo server: one goroutine per connection, each written as if it had the machine to itself.
 *
 *     echo PORT     serves on 127.0.0.1:PORT until it is interrupted; try  nc 127.0.0.1 PORT
 *     echo          serves on a free port and talks to itself: 100 clients at once, 10 messages each
 *
 *     cc echo.c -o echo $(pkg-config --cflags --libs lode-rt) */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rt/chan.h>
#include <rt/poll.h>
#include <rt/rt.h>
#include <rt/time.h>

enum { CLIENTS = 100, MESSAGES = 10 };

/* --- the server --- */

/* rt_read() and rt_write() park this goroutine until the socket is ready; its thread meanwhile runs others. */
static void serve_connection(void *arg)
{
    struct rt_pd *conn = arg;
    char buf[4096];
    ssize_t n;
    while ((n = rt_read(conn, buf, sizeof(buf), RT_NO_DEADLINE)) > 0)
        if (rt_write(conn, buf, (size_t)n, RT_NO_DEADLINE, NULL) < 0)
            break;
    rt_poll_close_fd(&conn);
}

static void serve(void *arg)
{
    struct rt_pd *listener = arg, *conn;
    for (int fd; (fd = rt_accept(listener, NULL, NULL, RT_NO_DEADLINE)) >= 0;) {
        if (rt_poll_open(&conn, fd) < 0)
            close(fd);
        else
            rt_go(serve_connection, conn);
    }
    rt_poll_close_fd(&listener);
}

/* Listens on 127.0.0.1; *at says where in the end. 0 | -errno. */
static int listen_on(struct rt_pd **out, struct sockaddr_in *at)
{
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof(*at);
    if (fd < 0)
        return -rt_errno();
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    int err = 0;
    if (bind(fd, (const struct sockaddr *)at, len) < 0 || listen(fd, 128) < 0 ||
        getsockname(fd, (struct sockaddr *)at, &len) < 0)
        err = -rt_errno();
    if (err == 0)
        err = rt_poll_open(out, fd);
    if (err < 0)
        close(fd);
    return err;
}

/* --- the clients of the demonstration --- */

struct demo {
    struct sockaddr_in at;
    struct rt_chan *echoed; /* each client sends how many of its messages came back */
};

/* A connection to the server; NULL if there is none. */
static struct rt_pd *dial(const struct sockaddr_in *at)
{
    struct rt_pd *conn;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return NULL;
    if (rt_poll_open(&conn, fd) < 0) {
        close(fd);
        return NULL;
    }
    if (rt_connect(conn, (const struct sockaddr *)at, sizeof(*at), RT_NO_DEADLINE) < 0)
        rt_poll_close_fd(&conn); /* and conn is NULL now */
    return conn;
}

/* Sends text and reads until as many bytes came back. */
static bool echo_is_right(struct rt_pd *conn, const char *text, size_t len)
{
    char back[64];
    if (rt_write(conn, text, len, RT_NO_DEADLINE, NULL) < 0)
        return false;
    for (size_t have = 0; have < len;) {
        ssize_t n = rt_read(conn, back + have, sizeof(back) - have, RT_NO_DEADLINE);
        if (n <= 0)
            return false;
        have += (size_t)n;
    }
    return memcmp(text, back, len) == 0;
}

static void talk(void *arg)
{
    struct demo *demo = arg;
    struct rt_pd *conn = dial(&demo->at);
    int good = 0;
    for (int i = 0; conn && i < MESSAGES; i++) {
        char text[64];
        int len = snprintf(text, sizeof(text), "message %d of goroutine %llu", i, (unsigned long long)rt_goid());
        good += echo_is_right(conn, text, (size_t)len);
    }
    rt_poll_close_fd(&conn);
    rt_send(demo->echoed, &good);
}

static int demonstrate(struct demo *demo)
{
    int good, total = 0;
    demo->echoed = rt_chan_new(sizeof(good), 0);
    for (int i = 0; i < CLIENTS; i++)
        rt_go(talk, demo);
    for (int i = 0; i < CLIENTS; i++)
        if (rt_recv(demo->echoed, &good))
            total += good;
    rt_chan_free(&demo->echoed);
    printf("%d clients, %d messages echoed\n", CLIENTS, total);
    return total == CLIENTS * MESSAGES ? 0 : 1;
}

static int run(void *arg)
{
    uint16_t port = *(const uint16_t *)arg;
    struct demo demo = {.at = {.sin_family = AF_INET, .sin_port = htons(port)}};
    struct rt_pd *listener = NULL;
    demo.at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int err = listen_on(&listener, &demo.at);
    if (err < 0) {
        fprintf(stderr, "echo: port %d: %s\n", port, strerror(-err));
        return 1;
    }
    if (port == 0) {
        rt_go(serve, listener);
        return demonstrate(&demo);
    }
    serve(listener);
    return 0;
}

int main(int argc, char **argv)
{
    unsigned long port = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    if (argc > 2 || port > 65535 || (argc > 1 && port == 0)) {
        fputs("usage: echo [PORT]\n", stderr);
        return 2;
    }
    uint16_t at = (uint16_t)port;
    int status = rt_main(NULL, run, &at);
    return status < 0 ? 1 : status;
}
