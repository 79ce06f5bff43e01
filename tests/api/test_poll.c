#include "goroutines.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include <rt/chan.h>
#include <rt/poll.h>
#include <rt/sync.h>
#include <rt/time.h>

enum { MS = 1000000 };

struct duct {
    int fd[2];
    struct rt_pd *in, *out;
    struct rt_pd *reader; /* in, for a goroutine that may still read it when in is closed */
    struct rt_waitgroup left;
    size_t bytes;
};

static void duct_open(struct duct *d)
{
    *d = (struct duct){0};
    EXPECT(pipe(d->fd) == 0);
    EXPECT(rt_poll_open(&d->in, d->fd[0]) == 0);
    EXPECT(rt_poll_open(&d->out, d->fd[1]) == 0);
    d->reader = d->in;
}

static void duct_close(struct duct *d)
{
    rt_poll_close_fd(&d->in);
    rt_poll_close_fd(&d->out);
    EXPECT(d->in == NULL && d->out == NULL);
}

/* --- reading and writing --- */

static void write_pattern(void *arg)
{
    struct duct *d = arg;
    char *data = malloc(d->bytes);
    size_t done = 0;
    for (size_t i = 0; i < d->bytes; i++)
        data[i] = (char)(i % 251);
    EXPECT(rt_write(d->out, data, d->bytes, RT_NO_DEADLINE, &done) == (ssize_t)d->bytes);
    EXPECT(done == d->bytes);
    free(data);
    rt_poll_close_fd(&d->out);
    rt_waitgroup_done(&d->left);
}

static void through_a_pipe(void)
{
    struct duct d;
    char piece[3001];
    size_t at = 0;
    duct_open(&d);
    EXPECT(fcntl(d.fd[0], F_GETFL) & O_NONBLOCK);
    EXPECT(rt_poll_fd(d.in) == d.fd[0]);
    d.bytes = 1000000; /* many times what a pipe holds: both sides wait */
    rt_waitgroup_add(&d.left, 1);
    rt_go(write_pattern, &d);
    for (ssize_t n; (n = rt_read(d.in, piece, sizeof(piece), RT_NO_DEADLINE)) != 0;) {
        EXPECT(n > 0);
        if (n < 0)
            break;
        for (ssize_t i = 0; i < n; i++, at++)
            EXPECT(piece[i] == (char)(at % 251));
    }
    EXPECT(at == d.bytes);
    rt_waitgroup_wait(&d.left);
    duct_close(&d);
}

Test(poll, a_megabyte_goes_through_a_pipe)
{
    run_everywhere(through_a_pipe);
}

static void broken_pipe(void)
{
    struct duct d;
    size_t done = 7;
    duct_open(&d);
    rt_poll_close_fd(&d.in);
    EXPECT(rt_write(d.out, "x", 1, RT_NO_DEADLINE, &done) == -EPIPE);
    EXPECT(done == 0);
    EXPECT(rt_write(d.out, "", 0, RT_NO_DEADLINE, NULL) == 0);
    duct_close(&d);
}

Test(poll, writing_into_a_pipe_without_a_reader_is_an_error_and_no_signal)
{
    run_everywhere(broken_pipe);
}

/* --- deadlines --- */

static void times_out(void)
{
    struct duct d;
    char c;
    duct_open(&d);
    for (int i = 0; i < 5; i++) {
        int64_t before = rt_now();
        EXPECT(rt_read(d.in, &c, 1, rt_deadline(2 * MS)) == -ETIMEDOUT);
        EXPECT(rt_now() - before >= 2 * MS);
    }
    EXPECT(rt_poll_wait(d.in, RT_POLL_IN, 0) == -ETIMEDOUT);
    EXPECT(rt_poll_wait(d.in, RT_POLL_IN | RT_POLL_OUT, 0) == -EINVAL);
    EXPECT(rt_write(d.out, "abc", 3, 0, NULL) == 3);
    EXPECT(rt_read(d.in, &c, 1, 0) == 1); /* what is there needs no time */
    EXPECT(c == 'a');
    duct_close(&d);
}

Test(poll, a_deadline_ends_a_wait_and_not_before)
{
    run_everywhere(times_out);
}

static void full_pipe(void)
{
    struct duct d;
    size_t done = 0;
    static char much[4 << 20];
    duct_open(&d);
    EXPECT(rt_write(d.out, much, sizeof(much), rt_deadline(3 * MS), &done) == -ETIMEDOUT);
    EXPECT(done > 0 && done < sizeof(much));
    duct_close(&d);
}

Test(poll, a_write_that_times_out_says_how_much_it_wrote)
{
    run_everywhere(full_pipe);
}

struct racer {
    struct duct d;
    int timeouts, reads;
};

static void write_slowly(void *arg)
{
    struct racer *r = arg;
    for (int i = 0; i < 200; i++) {
        rt_sleep(i % 5 * 20000);
        EXPECT(rt_write(r->d.out, "x", 1, RT_NO_DEADLINE, NULL) == 1);
    }
    rt_poll_close_fd(&r->d.out);
    rt_waitgroup_done(&r->d.left);
}

static void data_against_deadline(void)
{
    struct racer r = {0};
    char c;
    duct_open(&r.d);
    rt_waitgroup_add(&r.d.left, 1);
    rt_go(write_slowly, &r);
    for (ssize_t n; (n = rt_read(r.d.in, &c, 1, rt_deadline(40000))) != 0;) {
        EXPECT(n == 1 || n == -ETIMEDOUT);
        r.reads += n == 1;
    }
    EXPECT(r.reads == 200);
    rt_waitgroup_wait(&r.d.left);
    duct_close(&r.d);
}

Test(poll, data_and_deadlines_at_the_same_moment_lose_nothing)
{
    run_everywhere(data_against_deadline);
}

/* --- closing --- */

static void read_until_closed(void *arg)
{
    struct duct *d = arg;
    ssize_t n;
    char c;
    while ((n = rt_read(d->reader, &c, 1, RT_NO_DEADLINE)) == -EBUSY) /* the test looks whether we wait */
        rt_yield();
    EXPECT(n == -ECANCELED);
    rt_waitgroup_done(&d->left);
}

static void close_against_wait(void)
{
    for (int i = 0; i < 300; i++) {
        struct duct d;
        duct_open(&d);
        rt_waitgroup_add(&d.left, 1);
        rt_go(read_until_closed, &d);
        for (int j = 0; j < i % 7; j++) /* before it looks, while it parks, when it waits */
            rt_yield();
        rt_poll_close_fd(&d.in);
        rt_waitgroup_wait(&d.left);
        duct_close(&d);
    }
}

Test(poll, a_close_ends_a_wait_with_canceled)
{
    run_everywhere(close_against_wait);
}

static void two_for_one_direction(void)
{
    struct duct d;
    duct_open(&d);
    rt_waitgroup_add(&d.left, 1);
    rt_go(read_until_closed, &d);
    while (rt_poll_wait(d.in, RT_POLL_IN, 0) != -EBUSY)
        rt_yield();
    char c;
    EXPECT(rt_read(d.in, &c, 1, RT_NO_DEADLINE) == -EBUSY);
    rt_poll_close(&d.in);
    rt_waitgroup_wait(&d.left);
    EXPECT(fcntl(d.fd[0], F_GETFD) >= 0); /* rt_poll_close leaves the descriptor alone */
    close(d.fd[0]);
    duct_close(&d);
}

Test(poll, a_second_waiter_for_a_direction_is_refused)
{
    run_everywhere(two_for_one_direction);
}

/* One number after the other is opened, waited for, closed by another goroutine, and opened again with other data. */
static void read_one(void *arg)
{
    struct duct *d = arg;
    char c = 0;
    ssize_t n = rt_read(d->in, &c, 1, RT_NO_DEADLINE);
    EXPECT(n == 1 && c == (char)d->bytes);
    rt_waitgroup_done(&d->left);
}

static void reuse(void)
{
    for (int i = 0; i < 500; i++) {
        struct duct d;
        duct_open(&d);
        d.bytes = (size_t)(i % 100);
        char c = (char)d.bytes;
        rt_waitgroup_add(&d.left, 1);
        rt_go(read_one, &d);
        if (i % 3 == 0)
            rt_yield();
        EXPECT(rt_write(d.out, &c, 1, RT_NO_DEADLINE, NULL) == 1);
        rt_waitgroup_wait(&d.left);
        duct_close(&d); /* the same two numbers come back at once */
    }
}

Test(poll, reused_descriptor_numbers_do_not_mix_up_events)
{
    run_everywhere(reuse);
}

/* --- kinds of descriptors --- */

static void kinds(void)
{
    struct rt_pd *pd = NULL;
    FILE *file = tmpfile();
    int flags = fcntl(fileno(file), F_GETFL);
    EXPECT(rt_poll_open(&pd, fileno(file)) == -EPERM);
    EXPECT(fcntl(fileno(file), F_GETFL) == flags);
    fclose(file);
    EXPECT(rt_poll_open(&pd, -1) == -EBADF);
    EXPECT(pd == NULL);

    uint64_t count = 3;
    EXPECT(rt_poll_open(&pd, eventfd(0, 0)) == 0);
    EXPECT(rt_write(pd, &count, sizeof(count), RT_NO_DEADLINE, NULL) == sizeof(count));
    count = 0;
    EXPECT(rt_read(pd, &count, sizeof(count), RT_NO_DEADLINE) == sizeof(count) && count == 3);
    struct rt_pd *again = NULL;
    EXPECT(rt_poll_open(&again, rt_poll_fd(pd)) == -EEXIST);
    rt_poll_close_fd(&pd);

    struct itimerspec soon = {.it_value = {.tv_nsec = 1 * MS}};
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    EXPECT(rt_poll_open(&pd, timer) == 0);
    EXPECT(timerfd_settime(timer, 0, &soon, NULL) == 0);
    EXPECT(rt_read(pd, &count, sizeof(count), RT_NO_DEADLINE) == sizeof(count) && count == 1);
    rt_poll_close_fd(&pd);
}

Test(poll, eventfds_and_timerfds_work_and_regular_files_are_refused)
{
    run_everywhere(kinds);
}

/* --- sockets --- */

struct server {
    struct rt_pd *listener;
    struct sockaddr_in at;
    struct rt_waitgroup left, clients;
};
enum { CLIENTS = 20, ECHOES = 50 };

static void echo(void *arg)
{
    struct rt_pd *pd = arg;
    char line[64];
    for (ssize_t n; (n = rt_read(pd, line, sizeof(line), RT_NO_DEADLINE)) > 0;)
        EXPECT(rt_write(pd, line, (size_t)n, RT_NO_DEADLINE, NULL) == n);
    rt_poll_close_fd(&pd);
}

static void serve(void *arg)
{
    struct server *s = arg;
    struct rt_pd *listener = s->listener, *pd;
    struct sockaddr_in from;
    for (;;) {
        socklen_t len = sizeof(from);
        int fd = rt_accept(listener, (struct sockaddr *)&from, &len, RT_NO_DEADLINE);
        if (fd < 0) {
            EXPECT(fd == -ECANCELED);
            break;
        }
        EXPECT(len == sizeof(from) && from.sin_family == AF_INET);
        EXPECT(rt_poll_open(&pd, fd) == 0);
        rt_go(echo, pd);
    }
    rt_waitgroup_done(&s->left);
}

static void call_echo(void *arg)
{
    struct server *s = arg;
    struct rt_pd *pd;
    EXPECT(rt_poll_open(&pd, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == 0);
    EXPECT(rt_connect(pd, (struct sockaddr *)&s->at, sizeof(s->at), rt_deadline(10000LL * MS)) == 0);
    for (int i = 0; i < ECHOES; i++) {
        int back = -1;
        EXPECT(rt_write(pd, &i, sizeof(i), RT_NO_DEADLINE, NULL) == sizeof(i));
        EXPECT(rt_read(pd, &back, sizeof(back), rt_deadline(10000LL * MS)) == sizeof(back));
        EXPECT(back == i);
    }
    rt_poll_close_fd(&pd);
    rt_waitgroup_done(&s->clients);
}

static void server_open(struct server *s)
{
    socklen_t len = sizeof(s->at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *s = (struct server){.at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
    EXPECT(bind(fd, (struct sockaddr *)&s->at, sizeof(s->at)) == 0);
    EXPECT(listen(fd, CLIENTS) == 0);
    EXPECT(getsockname(fd, (struct sockaddr *)&s->at, &len) == 0);
    EXPECT(rt_poll_open(&s->listener, fd) == 0);
}

static void echo_server(void)
{
    struct server s;
    server_open(&s);
    rt_waitgroup_add(&s.left, 1);
    rt_go(serve, &s);
    rt_waitgroup_add(&s.clients, CLIENTS);
    for (int i = 0; i < CLIENTS; i++)
        rt_go(call_echo, &s);
    rt_waitgroup_wait(&s.clients);
    rt_poll_close_fd(&s.listener);
    rt_waitgroup_wait(&s.left);
}

Test(poll, an_echo_server_serves_many_clients)
{
    run_everywhere(echo_server);
}

static void refused(void)
{
    struct server s;
    struct rt_pd *pd;
    server_open(&s);
    rt_poll_close_fd(&s.listener); /* nobody listens at that port now */
    EXPECT(rt_poll_open(&pd, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == 0);
    EXPECT(rt_connect(pd, (struct sockaddr *)&s.at, sizeof(s.at), RT_NO_DEADLINE) == -ECONNREFUSED);
    rt_poll_close_fd(&pd);

    struct sockaddr_un nowhere = {.sun_family = AF_UNIX, .sun_path = "/nonexistent/socket"};
    EXPECT(rt_poll_open(&pd, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == 0);
    EXPECT(rt_connect(pd, (struct sockaddr *)&nowhere, sizeof(nowhere), RT_NO_DEADLINE) == -ENOENT);
    rt_poll_close_fd(&pd);
}

Test(poll, a_refused_connection_is_an_error)
{
    run_everywhere(refused);
}

static void accept_times_out(void)
{
    struct server s;
    server_open(&s);
    EXPECT(rt_accept(s.listener, NULL, NULL, rt_deadline(MS)) == -ETIMEDOUT);
    rt_poll_close_fd(&s.listener);
}

Test(poll, an_accept_without_a_client_times_out)
{
    run_everywhere(accept_times_out);
}

/* --- the only thing that can bring work is a descriptor --- */

static void *answer(void *arg)
{
    int fd = *(int *)arg;
    for (char byte; read(fd, &byte, 1) == 1;)
        EXPECT(write(fd, &byte, 1) == 1);
    return NULL;
}

static void ask_an_outside_thread(void)
{
    int fd[2];
    pthread_t outside;
    struct rt_pd *pd;
    EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0);
    EXPECT(rt_poll_open(&pd, fd[0]) == 0);
    EXPECT(pthread_create(&outside, NULL, answer, &fd[1]) == 0);
    for (int i = 0; i < 20000; i++) {
        char byte = 'x';
        EXPECT(rt_write(pd, &byte, 1, RT_NO_DEADLINE, NULL) == 1);
        EXPECT(rt_read(pd, &byte, 1, RT_NO_DEADLINE) == 1);
    }
    rt_poll_close_fd(&pd);
    pthread_join(outside, NULL);
    close(fd[1]);
}

Test(poll, an_answer_that_comes_as_the_last_thread_falls_asleep_is_no_deadlock)
{
    for (int procs = 2; procs <= 4; procs++)
        run_on(procs, ask_an_outside_thread);
}
