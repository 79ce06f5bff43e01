#include "web.h"

#include <event2/event.h>
#include <event2/http.h>
#include <poll.h>

#include "coordinator/http/conn.h"

enum { LARGE = 8 << 20 }; /* more than the sockets buffer */

/* evhttp on a port of its own with one client, driven by the test's own loop. */
struct rig {
    struct event_base *base;
    struct evhttp *http;
    struct conn_env env;
    struct conn *conn; /* of the last request that is to be answered later */
    int port, client;
    int handled, gone, drained;
};

static struct rig *rig; /* the handler has no argument of its own */

static void handle(struct conn *c)
{
    rig->handled++;
    const char *path = conn_path(c);
    if (strcmp(path, "/now") == 0)
        conn_reply(c, 200, json_pack("{s:i}", "n", rig->handled), NULL);
    else if (strcmp(path, "/large") == 0) {
        char *text = calloc(1, LARGE + 1);
        memset(text, 'x', LARGE);
        conn_reply(c, 200, json_string(text), NULL);
        free(text);
    } else
        rig->conn = c;
}

static void on_gone(void *arg)
{
    ((struct rig *)arg)->gone++;
}

static int rig_connect(const struct rig *r)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    at.sin_port = htons((uint16_t)r->port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static void rig_start(struct rig *r)
{
    struct sockaddr_in at;
    socklen_t len = sizeof at;
    *r = (struct rig){.base = event_base_new()};
    r->env = (struct conn_env){
        .base = r->base, .handle = handle, .max = 2, .idle_ms = 20000, .request_ms = 20000, .write_ms = 20000};
    rig = r;
    r->http = evhttp_new(r->base);
    conn_serve(r->http, &r->env);
    struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(r->http, "127.0.0.1", 0);
    cr_assert_not_null(bound);
    cr_assert_eq(getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&at, &len), 0);
    r->port = ntohs(at.sin_port);
    r->client = rig_connect(r);
}

static void rig_stop(struct rig *r)
{
    evhttp_free(r->http);
    conn_free_all(&r->env);
    cr_assert_eq(r->env.count, 0, "%u connections were not told", r->env.count);
    close(r->client);
    event_base_free(r->base);
}

/* The loop, until no connection is left. */
static void until_closed(struct rig *r)
{
    for (int i = 0; r->env.count > 0; i++) {
        cr_assert_lt(i, 100000);
        event_base_loop(r->base, EVLOOP_ONCE);
    }
}

/* Runs the loop until the client can read n bytes or its end, into buf (NUL-terminated). Returns how many there were.
 */
static size_t read_some(struct rig *r, char *buf, size_t n)
{
    size_t len = 0;
    for (int i = 0; len < n; i++) {
        ssize_t got = recv(r->client, buf + len, n - len, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno == ECONNRESET))
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
    until(&r, &r.handled, 4);
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
    until_closed(&r);
    cr_assert_eq(r.gone, 1);
    rig_stop(&r);
    cr_assert_eq(r.gone, 1);
}

Test(conn, a_client_that_leaves_in_mid_stream_is_told_to_the_handler_once)
{
    struct rig r;
    rig_start(&r);
    say(&r, ASK("/later"));
    until(&r, &r.handled, 1);
    conn_on_gone(r.conn, on_gone, &r);
    conn_stream_begin(r.conn, 200);
    close(r.client);
    r.client = -1;
    until_closed(&r);
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
    rig_stop(&r);
    cr_assert_eq(r.gone, 0);
}

Test(conn, a_request_in_flight_is_told_when_evhttp_is_freed)
{
    struct rig r;
    rig_start(&r);
    say(&r, ASK("/later"));
    until(&r, &r.handled, 1);
    conn_on_gone(r.conn, on_gone, &r);
    rig_stop(&r);
    cr_assert_eq(r.gone, 1);
}

Test(conn, one_connection_too_many_is_answered_503_until_another_ends)
{
    struct rig r;
    char buf[2048];
    rig_start(&r);
    int first = r.client, second = rig_connect(&r);
    r.client = rig_connect(&r);
    read_to(&r, buf, sizeof buf, "{\"error\":\"too many connections\"}");
    cr_assert_eq(strncmp(buf, "HTTP/1.1 503 ", 13), 0);
    cr_assert_eq(read_some(&r, buf, 1), 0);
    close(r.client);
    close(first);
    for (int i = 0; r.env.count > 1; i++) {
        cr_assert_lt(i, 100000);
        event_base_loop(r.base, EVLOOP_ONCE);
    }
    r.client = rig_connect(&r);
    say(&r, ASK("/now"));
    read_to(&r, buf, sizeof buf, "{\"n\":1}\n");
    close(second);
    rig_stop(&r);
}

Test(conn, a_slow_request_is_408_and_a_silent_connection_just_ends)
{
    struct rig r;
    char buf[2048];
    rig_start(&r);
    r.env.request_ms = 20;
    say(&r, "POST /now HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
    read_some(&r, buf, sizeof buf - 1);
    cr_assert_eq(strncmp(buf, "HTTP/1.1 408 ", 13), 0, "%s", buf);
    cr_assert_not_null(strstr(buf, "Connection: close\r\n"));
    until_closed(&r);
    cr_assert_eq(r.handled, 0);
    rig_stop(&r);
    rig_start(&r);
    r.env.idle_ms = 20;
    cr_assert_eq(read_some(&r, buf, 1), 0);
    rig_stop(&r);
}

Test(conn, the_clocks_run_again_behind_an_answer_and_not_before_it)
{
    struct rig r;
    char buf[2048];
    rig_start(&r);
    say(&r, ASK("/later"));
    until(&r, &r.handled, 1);
    r.env.idle_ms = r.env.request_ms = 20;
    poll(NULL, 0, 60); /* longer than the clocks, which must not run */
    event_base_loop(r.base, EVLOOP_NONBLOCK);
    conn_reply(r.conn, 200, json_object(), NULL);
    read_to(&r, buf, sizeof buf, "{}\n");
    cr_assert_eq(read_some(&r, buf, 1), 0, "the idle connection does not end");
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

Test(conn, what_floods_in_behind_a_request_in_flight_is_not_kept)
{
    static char flood[1 << 20];
    struct rig r;
    rig_start(&r);
    say(&r, ASK("/later"));
    until(&r, &r.handled, 1);
    conn_on_gone(r.conn, on_gone, &r);
    conn_stream_begin(r.conn, 200); /* evhttp reads while it writes */
    memset(flood, 'a', sizeof flood);
    size_t sent = 0;
    for (int stuck = 0; stuck < 1000 && sent < ((size_t)256 << 20);) {
        ssize_t n = send(r.client, flood, sizeof flood, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += n > 0 ? (size_t)n : 0;
        stuck = n > 0 ? 0 : stuck + 1;
        event_base_loop(r.base, EVLOOP_NONBLOCK);
    }
    cr_assert_lt(sent, (size_t)64 << 20, "%zu bytes were taken", sent);
    rig_stop(&r);
    cr_assert_eq(r.gone, 1);
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
    cr_assert_eq(r.handled, 1, "%d answers lie in memory", r.handled);
    int before = r.handled;
    char *buf = malloc(2 * LARGE + 1);
    read_some(&r, buf, 2 * LARGE);
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
    ((struct rig *)arg)->drained++;
}

Test(conn, a_stream_comes_in_chunks_at_the_clients_pace_and_ends)
{
    struct rig r;
    char buf[1024];
    rig_start(&r);
    say(&r, ASK("/later") ASK("/now"));
    until(&r, &r.handled, 1);
    conn_stream_begin(r.conn, 200);
    conn_stream_write(r.conn, "hel", 3);
    conn_stream_write(r.conn, "lo", 2);
    conn_stream_drained(r.conn, go_on, &r);
    until(&r, &r.drained, 1);
    conn_stream_write(r.conn, "", 0);
    conn_stream_write(r.conn, "world", 5);
    conn_stream_end(r.conn);
    until(&r, &r.handled, 2);
    read_to(&r, buf, sizeof buf, "HTTP/1.1 200");
    read_to(&r, buf, sizeof buf, "HTTP/1.1 200");
    cr_assert_not_null(strstr(buf, "\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\nHTTP/1.1 200"), "%s", buf);
    cr_assert_eq(r.drained, 1);
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
    conn_stream_drained(r.conn, go_on, &r);
    until(&r, &r.drained, 1);
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
    int idle = rig_connect(&r);
    say(&r, ASK("/later"));
    until(&r, &r.handled, 1);
    conn_on_gone(r.conn, on_gone, &r);
    conn_stop_all(&r.env);
    cr_assert_eq(r.gone, 1);
    cr_assert_eq(conn_close_idle(&r.env), 1, "the one that is being answered has to stay");
    read_some(&r, buf, sizeof buf - 1);
    cr_assert_eq(strncmp(buf, "HTTP/1.1 503 ", 13), 0);
    cr_assert_not_null(strstr(buf, "Connection: close\r\n"));
    until_closed(&r);
    cr_assert_eq(recv(idle, buf, 1, 0), 0);
    close(idle);
    rig_stop(&r);
}

Test(conn, stopping_cuts_a_stream)
{
    struct rig r;
    rig_start(&r);
    say(&r, ASK("/later"));
    until(&r, &r.handled, 1);
    conn_on_gone(r.conn, on_gone, &r);
    conn_stream_begin(r.conn, 200);
    conn_stop_all(&r.env);
    cr_assert_eq(r.gone, 1);
    cr_assert_eq(r.env.count, 0);
    rig_stop(&r);
}

Test(conn, a_connection_nobody_has_looked_at_yet_is_freed_at_the_end)
{
    struct rig r;
    rig_start(&r);
    for (int i = 0; r.env.count == 0; i++) { /* accepted, and not one event further */
        cr_assert_lt(i, 100000);
        event_base_loopcontinue(r.base);
        event_base_loop(r.base, EVLOOP_ONCE);
    }
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
