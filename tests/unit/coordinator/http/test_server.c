#include "web.h"

#include <ctype.h>

#include "common/base/err.h"

static int start(const char *bind_to, bool insecure, struct frame_context *ctx, struct server **out)
{
    const struct server_config config = {
        .bind = bind_to, .insecure = insecure, .zmq = ctx, .control = "inproc://nobody"};
    return server_start(out, &config);
}

Test(server, an_address_off_loopback_needs_insecure)
{
    struct frame_context *ctx = frame_context_new(1, 0);
    struct server *s = NULL;
    cr_assert_eq(start("0.0.0.0:0", false, ctx, &s), ERR_INSECURE);
    cr_assert_null(s);
    cr_assert_eq(start("[::]:0", false, ctx, &s), ERR_INSECURE);
    cr_assert_eq(start("0.0.0.0:0", true, ctx, &s), 0);
    server_free(&s);
    cr_assert_null(s);
    server_free(&s);
    cr_assert_eq(start("localhost:0", false, ctx, &s), 0);
    cr_assert_eq(strncmp(server_address(s), "127.0.0.1:", 10), 0);
    server_free(&s);
    frame_context_free(&ctx);
}

Test(server, a_bad_or_taken_address_is_an_error)
{
    struct frame_context *ctx = frame_context_new(1, 0);
    struct server *s = NULL, *other = NULL;
    cr_assert_eq(start("127.0.0.1", false, ctx, &s), ERR_FORMAT);
    cr_assert_eq(start("example.com:80", true, ctx, &s), ERR_FORMAT);
    cr_assert_eq(start("127.0.0.1:0", false, ctx, &s), 0);
    cr_assert_eq(start(server_address(s), false, ctx, &other), -EADDRINUSE);
    cr_assert_null(other);
    server_free(&s);
    frame_context_free(&ctx);
}

Test(server, it_stops_without_a_coordinator_behind_it)
{
    static const char text[] = "GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct web w = {.ctx = frame_context_new(1, 0)};
    cr_assert_eq(start("127.0.0.1:0", false, w.ctx, &w.server), 0);
    int fd = web_connect(&w);
    web_send(fd, text, sizeof text - 1);
    struct answer a;
    int other = web_connect(&w);
    web_send(other, "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", 42);
    a = web_read(other, true); /* by now the first request was read, too */
    cr_assert_eq(a.status, 404);
    free(a.body);
    server_free(&w.server);
    a = web_read(fd, true);
    cr_assert_eq(a.status, 503);
    free(a.body);
    close(fd);
    close(other);
    frame_context_free(&w.ctx);
}

Test(server, a_request_in_flight_is_answered_503_at_the_end)
{
    static const char slow[] = "POST /blocks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12\r\n\r\n{\"data\":\"x\"}";
    struct web w = web_start(1);
    atomic_store(&w.fake->mode, FAKE_HOLD_MINE);
    int fd = web_connect(&w), idle = web_connect(&w);
    web_send(fd, slow, sizeof slow - 1);
    web_wait_mined(&w, 1);
    server_free(&w.server);
    struct answer a = web_read(fd, true);
    cr_assert_eq(a.status, 503);
    cr_assert_not_null(strstr(a.body, "stays queued"));
    cr_assert(a.closed);
    free(a.body);
    a = web_read(idle, true);
    cr_assert_eq(a.status, 0);
    free(a.body);
    close(fd);
    close(idle);
    web_stop(&w);
}

Test(server, connections_are_kept_and_requests_may_be_pipelined)
{
    static const char two[] =
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct web w = web_start(1);
    int fd = web_connect(&w);
    for (int i = 0; i < 3; i++) {
        web_send(fd, two, sizeof two - 1);
        struct answer a = web_read(fd, true);
        json_t *tree = web_json(&a);
        cr_assert_not_null(json_object_get(tree, "ok"));
        json_decref(tree);
        a = web_read(fd, true);
        tree = web_json(&a);
        cr_assert_not_null(json_object_get(tree, "cluster"));
        json_decref(tree);
    }
    close(fd);
    web_stop(&w);
}

Test(server, the_sixty_fifth_connection_is_turned_away)
{
    struct web w = web_start(1);
    int fds[64];
    for (int i = 0; i < 64; i++)
        fds[i] = web_connect(&w);
    int extra = web_connect(&w);
    struct answer a = web_read(extra, true);
    cr_assert_eq(a.status, 503);
    json_t *tree = web_json(&a);
    web_text(tree, "error");
    json_decref(tree);
    close(extra);
    close(fds[0]);
    for (int tries = 0, status = 503; status == 503; tries++) { /* until the close has been seen */
        a = web_get(&w, "/healthz");
        status = a.status;
        free(a.body);
        cr_assert_lt(tries, 10000);
    }
    for (int i = 1; i < 64; i++)
        close(fds[i]);
    web_stop(&w);
}

static const char *const hostile[] = {
    "GET /stats HTTP/1.1\r\n\r\n",
    "GET /stats HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
    "GET /stats HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "GET /stats HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n",
    "POST /mine HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "POST /mine HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /mine HTTP/1.1\r\nHost: localhost\r\nContent-Length : 5\r\n\r\nabcde",
    "POST /mine HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65537\r\n\r\n",
    "GET /stats HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /%2e%2e/etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET http://localhost/stats HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /stats\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "\r\n\r\n",
};

Test(server, a_hostile_request_is_refused_and_the_connection_closed)
{
    struct web w = web_start(1);
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        char text[1024];
        /* What stands behind must not be taken for a request. */
        int n = snprintf(text, sizeof text, "%sGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", hostile[i]);
        int fd = web_connect(&w);
        web_send(fd, text, (size_t)n);
        struct answer a = web_read(fd, true);
        cr_assert(a.status >= 400 && a.status < 500, "case %zu: %d", i, a.status);
        free(a.body);
        cr_assert(web_ends(fd), "case %zu: what followed was answered", i);
        close(fd);
    }
    cr_assert_eq(atomic_load(&w.fake->questions), 0);
    web_stop(&w);
}

Test(server, a_listed_name_and_loopback_names_are_served)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1:8080", "[::1]", "lode.example"};
    struct web w = web_start(1);
    for (size_t i = 0; i < 4; i++) {
        char text[128];
        int n = snprintf(text, sizeof text, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", hosts[i]);
        struct answer a = web_ask_bytes(&w, text, (size_t)n);
        cr_assert_eq(a.status, 200, "%s", hosts[i]);
        free(a.body);
    }
    web_stop(&w);
}

Test(server, a_head_or_body_above_its_limit_is_refused)
{
    static char text[70000];
    struct web w = web_start(1);
    memset(text, 'a', sizeof text);
    memcpy(text, "GET /", 5);
    struct answer a = web_ask_bytes(&w, text, sizeof text);
    cr_assert_eq(a.status, 400);
    free(a.body);
    size_t n = (size_t)snprintf(
        text, sizeof text, "POST /mine HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n", 66000);
    a = web_ask_bytes(&w, text, n);
    cr_assert_eq(a.status, 413);
    free(a.body);
    web_stop(&w);
}

/* --- every text of JSONTestSuite on both POST routes --- */

static int base64_value(char c)
{
    if (isupper((unsigned char)c))
        return c - 'A';
    if (islower((unsigned char)c))
        return c - 'a' + 26;
    if (isdigit((unsigned char)c))
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static size_t base64_decode(char *out, const char *in)
{
    size_t n = 0;
    unsigned bits = 0, have = 0;
    for (; *in && *in != '='; in++) {
        bits = bits << 6 | (unsigned)base64_value(*in);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (char)(bits >> have);
        }
    }
    return n;
}

/* Whether the error speaks of the syntax, not of the shape. */
static bool is_syntax(const char *error)
{
    return strstr(error, "not valid JSON") || strstr(error, "body is empty");
}

static void try_case(const struct web *w, const char *target, const json_t *row, const char *bytes, size_t len)
{
    const char *name = web_text(row, "name"), *expect = web_text(row, "expect");
    struct answer a = web_post(w, target, bytes, len);
    if (len > 65536) {
        cr_assert_eq(a.status, 413, "%s: %d", name, a.status);
        free(a.body);
        return;
    }
    cr_assert_eq(a.status, 400, "%s: %d", name, a.status); /* none of them has our shape */
    json_t *tree = web_json(&a);
    const char *error = web_text(tree, "error");
    if (strcmp(expect, "accept") == 0)
        cr_assert(!is_syntax(error), "%s: %s", name, error);
    else if (strcmp(expect, "reject") == 0)
        cr_assert(is_syntax(error), "%s: %s", name, error);
    json_decref(tree);
}

Test(server, every_json_text_of_the_suite_is_judged_right, .timeout = 120)
{
    size_t size;
    char *text = test_slurp(test_data("json/jsontestsuite.jsonl"), &size);
    char *bytes = malloc(size);
    struct web w = web_start(1);
    int cases = 0;
    for (char *line = text; *line;) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        json_t *row = json_loads(line, 0, NULL);
        cr_assert_not_null(row);
        size_t len = base64_decode(bytes, web_text(row, "b64"));
        try_case(&w, "/mine", row, bytes, len);
        try_case(&w, "/blocks", row, bytes, len);
        json_decref(row);
        cases++;
        line = end ? end + 1 : line + strlen(line);
    }
    cr_assert_eq(cases, 318);
    cr_assert_eq(atomic_load(&w.fake->questions), 0);
    free(text);
    free(bytes);
    web_stop(&w);
}

Test(server, judges_an_address_before_it_opens_anything)
{
    cr_assert_eq(server_check("127.0.0.1:0", false), 0);
    cr_assert_eq(server_check("nowhere", true), ERR_FORMAT);
    cr_assert_eq(server_check("0.0.0.0:80", false), ERR_INSECURE);
    cr_assert_eq(server_check("0.0.0.0:80", true), 0);
}
