#include "web.h"

#include "coordinator/http/guard.h"

#define GET_HEAD "GET /stats HTTP/1.1\r\nHost: localhost\r\n"

static const struct {
    const char *what, *text;
    int status;
} refused[] = {
    {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
    {"no host in 1.0", "GET / HTTP/1.0\r\n\r\n", 400},
    {"empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
    {"two hosts", GET_HEAD "Host: localhost\r\n\r\n", 400},
    {"two equal lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400},
    {"two lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", 400},
    {"list of lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\na", 400},
    {"signed length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\na", 400},
    {"negative length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\na", 400},
    {"hex length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x1\r\n\r\na", 400},
    {"empty length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\na", 400},
    {"length and chunks", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"chunks and length", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400},
    {"chunks twice",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"chunks in 1.0", "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"folded length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n 2\r\n\r\na", 400},
    {"gzip", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
    {"other coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
    {"blank before colon", GET_HEAD "Content-Length : 5\r\n\r\n", 400},
    {"tab before colon", GET_HEAD "X\t: 5\r\n\r\n", 400},
    {"no colon", GET_HEAD "nonsense\r\n\r\n", 400},
    {"no name", GET_HEAD ": 1\r\n\r\n", 400},
    {"bad name", GET_HEAD "a(b: 1\r\n\r\n", 400},
    {"bare CR", GET_HEAD "A: b\rC: d\r\n\r\n", 400},
    {"escape", GET_HEAD "A: \033[31m\r\n\r\n", 400},
    {"delete", GET_HEAD "A: \x7f\r\n\r\n", 400},
    {"empty line first", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"no version", "GET /\r\nHost: h\r\n\r\n", 400},
    {"no target", "GET\r\nHost: h\r\n\r\n", 400},
    {"version 9.9", "GET / HTTP/9.9\r\nHost: h\r\n\r\n", 400},
    {"version 0.9", "GET / HTTP/0.9\r\nHost: h\r\n\r\n", 400},
    {"version 2", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 400},
    {"version 1", "GET / HTTP/1\r\nHost: h\r\n\r\n", 400},
    {"version 1.10", "GET / HTTP/1.10\r\nHost: h\r\n\r\n", 400},
    {"small version", "GET / http/1.1\r\nHost: h\r\n\r\n", 400},
    {"two blanks", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"absolute target", "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"star", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"authority", "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"traversal", "GET /../etc/passwd HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"traversal behind", "GET /a/.. HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"dot", "GET /a/./b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"coded traversal", "GET /%2e%2E/x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"coded slash", "GET /a%2fb HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"coded backslash", "GET /a%5cb HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"coded NUL", "GET /a%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"coded LF", "GET /a%0a HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"coded letter", "GET /%62locks HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"code in the last byte", "GET /a% HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"half a code", "GET /a%4 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"no code", "GET /a%zz HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"double slash", "GET //a HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"backslash", "GET /a\\b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"fragment", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"eighth bit", "GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"body on get", GET_HEAD "Content-Length: 1\r\n\r\na", 400},
    {"body on delete", "DELETE / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na", 400},
    {"body on the unknown", "BREW / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na", 400},
    {"chunks on head", "HEAD / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"two origins", GET_HEAD "Origin: a\r\nOrigin: b\r\n\r\n", 400},
    {"large body", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n", 413},
    {"huge body", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413},
    {"expectation", "POST / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n", 417},
};

/* The status of the first answer; the connection must end behind it, whatever follows, if it is a refusal. */
static int status_of(const struct web *w, const char *text, size_t len, bool closes)
{
    static const char behind[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    int fd = web_connect(w);
    web_send(fd, text, len);
    web_send(fd, behind, sizeof behind - 1);
    struct answer a = web_read(fd, strncmp(text, "HEAD", 4) != 0);
    free(a.body);
    if (closes)
        cr_assert(web_ends(fd), "what followed was answered: %s", text);
    close(fd);
    return a.status;
}

Test(guard, what_could_be_read_in_two_ways_is_refused_and_the_connection_closed)
{
    struct web w = web_start(1);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        int status = status_of(&w, refused[i].text, strlen(refused[i].text), true);
        cr_assert_eq(status, refused[i].status, "%s: %d", refused[i].what, status);
    }
    cr_assert_eq(atomic_load(&w.fake->questions), 0);
    web_stop(&w);
}

Test(guard, a_strange_method_is_405_and_the_connection_closed)
{
    static const char *const texts[] = {
        "AAAAAAAAAAAAAAAAA /stats HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "G(T /stats HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "TRACE /stats HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
    };
    struct web w = web_start(1);
    for (size_t i = 0; i < 3; i++) {
        int status = status_of(&w, texts[i], strlen(texts[i]), true);
        cr_assert_eq(status, 405, "case %zu: %d", i, status);
    }
    web_stop(&w);
}

#define CHUNKED "POST /nothing HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"

/* What docs/OPERATIONS.md warns of. Should a libevent refuse one of them, the warning can be shortened. */
Test(guard, what_evhttp_hides_is_exactly_what_is_documented)
{
    static const char *const texts[] = {
        CHUNKED "0x5\r\nhello\r\n0\r\n\r\n",
        CHUNKED "+5\r\nhello\r\n0\r\n\r\n",
        CHUNKED "5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n",
        CHUNKED "5\nhello\n0\n\n",
        "GET /nothing HTTP/1.1\nHost: localhost\n\n",
        "GET /nothing HTTP/1.1\r\nHost: localhost\r\nA: 1\r\n 2\r\n\r\n",
        "GET /nothing HTTP/1.1 \r\nHost: localhost\r\n\r\n",
    };
    static const char nul[] = "GET /nothing HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n";
    struct web w = web_start(1);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int status = status_of(&w, texts[i], strlen(texts[i]), false);
        cr_assert_eq(status, 404, "case %zu: %d", i, status);
    }
    cr_assert_eq(status_of(&w, nul, sizeof nul - 1, false), 404);
    static const char connect[] = "CONNECT h:80 HTTP/1.1\r\nbad\r\n";
    cr_assert_eq(status_of(&w, connect, sizeof connect - 1, false), 400);
    web_stop(&w);
}

Test(guard, a_nul_in_the_request_line_or_a_name_is_refused)
{
    static const char good[] = "GET /stats HTTP/1.1\r\nHost: localhost\r\n";
    struct web w = web_start(1);
    for (size_t i = 0; i < sizeof "GET /stats HTTP/1.1\r\nHost:" - 1; i++) {
        char text[sizeof good + 2];
        memcpy(text, good, sizeof good - 1);
        memcpy(text + sizeof good - 1, "\r\n", 3);
        if (text[i] == '\r')
            continue; /* a NUL before LF is a NUL before a bare LF, see above */
        text[i] = '\0';
        int status = status_of(&w, text, sizeof good + 1, false);
        cr_assert(status >= 400 && status < 500, "at %zu: %d", i, status);
    }
    cr_assert_eq(atomic_load(&w.fake->questions), 0);
    web_stop(&w);
}

Test(guard, a_chunk_that_does_not_end_where_it_said_is_refused)
{
    static const char *const bad[] = {"5;a=b\r\nhello\r\n", "g\r\n", "-1\r\n", "\r\nhello", "FFFFFFFFFFFFFFFFF\r\n"};
    struct web w = web_start(1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, CHUNKED "%s", bad[i]);
        int status = status_of(&w, text, strlen(text), true);
        cr_assert(status == 400 || status == 413, "case %zu: %d", i, status);
    }
    web_stop(&w);
}

Test(guard, the_head_and_the_body_fit_their_limits_exactly)
{
    static char text[GUARD_BODY_MAX + 1024];
    struct web w = web_start(1);
    for (int over = 0; over < 2; over++) {
        size_t n = (size_t)snprintf(text, sizeof text, "GET /nothing HTTP/1.1\r\nHost: localhost\r\nX: ");
        size_t fill = GUARD_HEAD_MAX - (n - 4) + (size_t)over; /* line ends are not counted */
        memset(text + n, 'a', fill);
        memcpy(text + n + fill, "\r\n\r\n", 4);
        cr_assert_eq(status_of(&w, text, n + fill + 4, over), over ? 400 : 404);
    }
    for (int over = 0; over < 2; over++) {
        size_t n = (size_t)snprintf(text, sizeof text, CHUNKED "%x\r\n", GUARD_BODY_MAX + over);
        memset(text + n, 'x', (size_t)(GUARD_BODY_MAX + over));
        n += (size_t)(GUARD_BODY_MAX + over);
        n += (size_t)snprintf(text + n, sizeof text - n, "\r\n0\r\n\r\n");
        cr_assert_eq(status_of(&w, text, n, over), over ? 413 : 404);
    }
    web_stop(&w);
}
