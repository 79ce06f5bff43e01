#include "web.h"

#include <event2/event.h>
#include <poll.h>

#include "coordinator/http/conn.h"

/* One connection over a socket pair, driven by the test's own loop. */
struct rig {
    struct event_base *base;
    struct conn_env env;
    struct conn *conn;
    int client;
    int handled, gone, ended;
};

static struct rig *rig; /* the handler has no argument of its own */

static void handle(struct conn *c)
{
    rig->handled++;
    const char *path = request_path(conn_request(c));
    if (strcmp(path, "/now") == 0)
        conn_reply(c, 200, json_pack("{s:i}", "n", rig->handled), NULL);
    else if (strcmp(path, "/large") == 0) {
        char *text = calloc(1, 300000);
        memset(text, 'x', 299999);
        conn_reply(c, 200, json_string(text), NULL);
        free(text);
    }
    /* any other path: later */
}

static void on_end(void *arg, struct conn *c)
{
    (void)c;
    struct rig *r = arg;
    r->ended++;
    r->conn = NULL;
}

static void on_gone(void *arg)
{
    ((struct rig *)arg)->gone++;
}

static void rig_start(struct rig *r)
{
    int fds[2];
    const struct timeval limit = {20, 0};
    *r = (struct rig){.base = event_base_new()};
    r->env = (struct conn_env){.base = r->base,
                               .handle = handle,
                               .gone = on_end,
                               .gone_arg = r,
                               .idle_ms = 20000,
                               .request_ms = 20000,
                               .write_ms = 20000,
                               .linger_ms = 20000};
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    r->client = fds[0];
    cr_assert_eq(setsockopt(r->client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    rig = r;
    r->conn = conn_new(&r->env, fds[1]);
}

static void rig_stop(struct rig *r)
{
    if (r->conn)
        conn_close(r->conn);
    close(r->client);
    event_base_free(r->base);
    cr_assert_eq(r->ended, 1, "the owner is told once");
}

/* Runs the loop until the client can read n bytes or its end, into buf (NUL-terminated). Returns how many there were.
 */
static size_t read_some(struct rig *r, char *buf, size_t n)
{
    size_t len = 0;
    for (int i = 0; len < n; i++) {
        ssize_t got = recv(r->client, buf + len, n - len, MSG_DONTWAIT);
        if (got == 0)
            break;
        if (got > 0)
            len += (size_t)got;
        else
            event_base_loop(r->base, EVLOOP_ONCE);
        cr_assert_lt(i, 1000000);
    }
    buf[len] = '\0';
    return len;
}

/* Reads until what has come ends with tail. */
static void read_to(struct rig *r, char *buf, size_t cap, const char *tail)
{
    size_t len = 0, want = strlen(tail);
    while (len < want || strcmp(buf + len - want, tail) != 0) {
        cr_assert_lt(len + 1, cap, "'%s' does not come", tail);
        cr_assert_eq(read_some(r, buf + len, 1), 1, "it ended before '%s'", tail);
        len++;
    }
}

static void until(struct rig *r, const int *counter, int n)
{
    for (int i = 0; *counter < n; i++) {
        cr_assert_lt(i, 100000);
        event_base_loop(r->base, EVLOOP_ONCE);
    }
}

static void say(const struct rig *r, const char *text)
{
    web_send(r->client, text, strlen(text));
}

#define ASK(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

Test(conn, pipelined_requests_are_answered_in_order)
{
    struct rig r;
    char buf[8192];
    rig_start(&r);
    say(&r, ASK("/now") ASK("/now") ASK("/later") ASK("/now"));
    until(&r, &r.handled, 3);
    read_to(&r, buf, sizeof buf, "{\"n\":1}\n");
    read_to(&r, buf, sizeof buf, "{\"n\":2}\n");
    cr_assert_eq(r.handled, 3, "the fourth has to wait for the third");
    conn_fail(r.conn, 503, "third");
    cr_assert_eq(r.handled, 4);
    read_to(&r, buf, sizeof buf, "third\"}\n");
    read_to(&r, buf, sizeof buf, "{\"n\":4}\n");
    rig_stop(&r);
}

Test(conn, a_client_that_leaves_is_told_to_the_handler_once)
{
    struct rig r;
    rig_start(&r);
    say(&r, ASK("/later"));
    until(&r, &r.handled, 1);
    conn_on_gone(r.conn, on_gone, &r);
    close(r.client);
    r.client = -1;
    until(&r, &r.ended, 1);
    cr_assert_eq(r.gone, 1);
    rig_stop(&r);
}

Test(conn, an_answered_request_has_nobody_to_tell)
{
    struct rig r;
    rig_start(&r);
    say(&r, ASK("/later"));
    until(&r, &r.handled, 1);
    conn_on_gone(r.conn, on_gone, &r);
    conn_reply(r.conn, 200, json_object(), NULL);
    conn_close(r.conn);
    cr_assert_eq(r.gone, 0);
    rig_stop(&r);
}

Test(conn, a_slow_request_is_408_and_a_silent_connection_just_ends)
{
    struct rig r;
    char buf[2048];
    rig_start(&r);
    r.env.request_ms = 20;
    r.env.linger_ms = 20;
    say(&r, "POST /now HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
    read_some(&r, buf, sizeof buf - 1);
    cr_assert_eq(strncmp(buf, "HTTP/1.1 408 ", 13), 0, "%s", buf);
    cr_assert_not_null(strstr(buf, "Connection: close\r\n"));
    until(&r, &r.ended, 1);
    cr_assert_eq(r.handled, 0);
    rig_stop(&r);
    rig_start(&r);
    conn_close(r.conn);
    r.ended = 0;
    int fds[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    r.env.idle_ms = 20;
    r.conn = conn_new(&r.env, fds[1]);
    until(&r, &r.ended, 1);
    cr_assert_eq(recv(fds[0], buf, 1, 0), 0);
    close(fds[0]);
    rig_stop(&r);
}

Test(conn, a_trickle_does_not_stretch_the_time_for_a_request)
{
    struct rig r;
    char buf[2048];
    rig_start(&r);
    r.env.request_ms = 60;
    for (int i = 0; i < 100000 && recv(r.client, buf, 13, MSG_PEEK | MSG_DONTWAIT) < 13; i++) {
        say(&r, i == 0 ? "GET /" : "a");
        event_base_loop(r.base, EVLOOP_NONBLOCK);
        poll(&(struct pollfd){.fd = r.client, .events = POLLIN}, 1, 1); /* the trickle's pace */
    }
    read_some(&r, buf, 13);
    cr_assert_str_eq(buf, "HTTP/1.1 408 ");
    rig_stop(&r);
}

Test(conn, too_much_behind_a_request_in_flight_ends_the_connection)
{
    static char flood[200000];
    struct rig r;
    rig_start(&r);
    say(&r, ASK("/later"));
    until(&r, &r.handled, 1);
    conn_on_gone(r.conn, on_gone, &r);
    memset(flood, 'a', sizeof flood);
    for (size_t at = 0; at < sizeof flood && !r.ended;) {
        ssize_t n = send(r.client, flood + at, sizeof flood - at, MSG_NOSIGNAL | MSG_DONTWAIT);
        at += n > 0 ? (size_t)n : 0;
        event_base_loop(r.base, EVLOOP_NONBLOCK);
    }
    until(&r, &r.ended, 1);
    cr_assert_eq(r.gone, 1);
    rig_stop(&r);
}

Test(conn, a_client_that_does_not_read_gets_no_further_answers_prepared)
{
    struct rig r;
    static char text[64 * sizeof ASK("/large")];
    rig_start(&r);
    for (int i = 0; i < 64; i++)
        strncat(text, ASK("/large"), sizeof text - strlen(text) - 1);
    say(&r, text);
    for (int i = 0; i < 100; i++)
        event_base_loop(r.base, EVLOOP_NONBLOCK);
    cr_assert_lt(r.handled, 8, "%d answers lie in memory", r.handled);
    int before = r.handled;
    char *buf = malloc(310000 * 4);
    read_some(&r, buf, 310000 * 3);
    cr_assert_gt(r.handled, before, "it does not go on");
    free(buf);
    rig_stop(&r);
}

Test(conn, continue_is_sent_to_who_waits_for_it)
{
    struct rig r;
    char buf[256];
    rig_start(&r);
    say(&r, "POST /now HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    read_some(&r, buf, 25);
    cr_assert_str_eq(buf, "HTTP/1.1 100 Continue\r\n\r\n");
    say(&r, "ab");
    until(&r, &r.handled, 1);
    rig_stop(&r);
}

static void go_on(void *arg)
{
    ((struct rig *)arg)->gone++;
}

Test(conn, a_stream_comes_in_chunks_at_the_clients_pace_and_ends)
{
    struct rig r;
    char buf[1024];
    rig_start(&r);
    say(&r, ASK("/later") ASK("/now"));
    until(&r, &r.handled, 1);
    conn_stream_begin(r.conn, 200);
    conn_stream_write(r.conn, "hello", 5);
    conn_stream_drained(r.conn, go_on, &r);
    until(&r, &r.gone, 1);
    conn_stream_write(r.conn, "", 0);
    conn_stream_write(r.conn, "world", 5);
    conn_stream_end(r.conn);
    cr_assert_eq(r.handled, 2, "the next request was not looked at");
    read_to(&r, buf, sizeof buf, "HTTP/1.1 200");
    read_to(&r, buf, sizeof buf, "HTTP/1.1 200");
    cr_assert_not_null(strstr(buf, "\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\nHTTP/1.1 200"), "%s", buf);
    rig_stop(&r);
}

Test(conn, an_aborted_stream_is_visibly_incomplete)
{
    struct rig r;
    char buf[1024];
    rig_start(&r);
    say(&r, ASK("/later"));
    until(&r, &r.handled, 1);
    conn_on_gone(r.conn, on_gone, &r);
    conn_stream_begin(r.conn, 200);
    conn_stream_write(r.conn, "hello", 5);
    conn_stream_abort(r.conn);
    cr_assert_eq(r.gone, 1);
    read_some(&r, buf, sizeof buf - 1);
    cr_assert_str_eq(strstr(buf, "\r\n\r\n"), "\r\n\r\n5\r\nhello\r\n");
    rig_stop(&r);
}

Test(conn, stopping_answers_what_is_due_and_closes_what_is_not)
{
    struct rig r;
    char buf[1024];
    rig_start(&r);
    say(&r, ASK("/later"));
    until(&r, &r.handled, 1);
    conn_on_gone(r.conn, on_gone, &r);
    conn_stop(r.conn);
    cr_assert_eq(r.gone, 1);
    cr_assert(conn_is_writing(r.conn));
    read_some(&r, buf, sizeof buf - 1);
    cr_assert_eq(strncmp(buf, "HTTP/1.1 503 ", 13), 0);
    cr_assert_not(conn_is_writing(r.conn));
    rig_stop(&r);
    rig_start(&r);
    conn_stop(r.conn);
    cr_assert_eq(read_some(&r, buf, 1), 0);
    rig_stop(&r);
}

Test(conn, markup_never_stands_in_an_answer)
{
    size_t len;
    json_t *value = json_pack("{s:s}", "<k>", "a&b<\"");
    char *text = conn_text(value, &len);
    cr_assert_str_eq(text, "{\"\\u003ck\\u003e\":\"a\\u0026b\\u003c\\\"\"}\n");
    cr_assert_eq(len, strlen(text));
    free(text);
    json_decref(value);
}
