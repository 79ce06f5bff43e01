#include "test.h"

#include "common/base/err.h"
#include "coordinator/http/request.h"

/* Feeds text at once; the result of the last feed. */
static int feed(struct request *r, const char *text, size_t len, size_t *used)
{
    return request_feed(r, text, len, used);
}

/* The result for a whole text, fed in pieces of `step` bytes; what is left behind a whole request is ignored. */
static int result_in_steps(const char *text, size_t len, size_t step)
{
    struct request *r = request_new();
    int result = 0;
    for (size_t at = 0, used; at < len && result == 0; at += used) {
        size_t n = len - at < step ? len - at : step;
        result = request_feed(r, text + at, n, &used);
        cr_assert(used <= n, "more was used than given");
        if (result == 0)
            cr_assert_eq(used, n);
    }
    request_free(&r);
    return result;
}

#define GET_HEAD "GET /stats HTTP/1.1\r\nHost: localhost\r\n"

Test(request, a_plain_get_is_read)
{
    static const char text[] = "GET /blocks?from=3&limit=10 HTTP/1.1\r\nHost: localhost:8080\r\nAccept: */*\r\n\r\nGET";
    struct request *r = request_new();
    size_t used, len;
    cr_assert_eq(feed(r, text, sizeof text - 1, &used), 1);
    cr_assert_eq(used, sizeof text - 4);
    cr_assert_str_eq(request_method(r), "GET");
    cr_assert_str_eq(request_path(r), "/blocks");
    cr_assert_str_eq(request_query(r), "from=3&limit=10");
    cr_assert_str_eq(request_host(r), "localhost:8080");
    cr_assert_null(request_origin(r));
    cr_assert(request_keep_alive(r));
    cr_assert_str_eq(request_body(r, &len), "");
    cr_assert_eq(len, 0);
    request_free(&r);
    cr_assert_null(r);
}

Test(request, a_body_by_length_and_one_by_chunks_are_the_same)
{
    static const char *const texts[] = {
        "POST /mine HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nhello world",
        "POST /mine HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n05\r\nworld\r\n0\r\n\r\n",
    };
    for (size_t i = 0; i < 2; i++)
        for (size_t step = 1; step < 90; step += 11) {
            struct request *r = request_new();
            size_t used, len, at = 0;
            int result = 0;
            while (result == 0) {
                size_t n = strlen(texts[i]) - at < step ? strlen(texts[i]) - at : step;
                result = request_feed(r, texts[i] + at, n, &used);
                at += used;
            }
            cr_assert_eq(result, 1);
            const char *body = request_body(r, &len);
            cr_assert_eq(len, 11);
            cr_assert_arr_eq(body, "hello world", 11);
            request_free(&r);
        }
}

Test(request, reset_makes_it_ready_for_the_next)
{
    static const char one[] = "POST /a HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nContent-Length: 2\r\n\r\nab";
    static const char two[] = "GET /b HTTP/1.1\r\nHost: y\r\n\r\n";
    struct request *r = request_new();
    size_t used, len;
    cr_assert_eq(feed(r, one, sizeof one - 1, &used), 1);
    cr_assert_str_eq(request_origin(r), "http://x");
    request_reset(r);
    cr_assert_not(request_begun(r));
    cr_assert_eq(feed(r, two, sizeof two - 1, &used), 1);
    cr_assert_str_eq(request_path(r), "/b");
    cr_assert_null(request_origin(r));
    request_body(r, &len);
    cr_assert_eq(len, 0);
    request_free(&r);
}

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
    {"chunks twice", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
     400},
    {"chunks in 1.0", "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"other coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
    {"blank before colon", GET_HEAD "Content-Length : 5\r\n\r\n", 400},
    {"tab before colon", GET_HEAD "X\t: 5\r\n\r\n", 400},
    {"no colon", GET_HEAD "nonsense\r\n\r\n", 400},
    {"no name", GET_HEAD ": 1\r\n\r\n", 400},
    {"bad name", GET_HEAD "a(b: 1\r\n\r\n", 400},
    {"folded", GET_HEAD "A: 1\r\n 2\r\n\r\n", 400},
    {"folded first", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400},
    {"bare LF", "GET / HTTP/1.1\nHost: h\n\n", 400},
    {"bare LF in field", GET_HEAD "A: b\nC: d\r\n\r\n", 400},
    {"bare CR", GET_HEAD "A: b\rC: d\r\n\r\n", 400},
    {"escape", GET_HEAD "A: \033[31m\r\n\r\n", 400},
    {"delete", GET_HEAD "A: \x7f\r\n\r\n", 400},
    {"empty line first", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"no version", "GET /\r\nHost: h\r\n\r\n", 400},
    {"no target", "GET\r\nHost: h\r\n\r\n", 400},
    {"version 9.9", "GET / HTTP/9.9\r\nHost: h\r\n\r\n", 400},
    {"version 2", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 400},
    {"version 1", "GET / HTTP/1\r\nHost: h\r\n\r\n", 400},
    {"version 1.10", "GET / HTTP/1.10\r\nHost: h\r\n\r\n", 400},
    {"small version", "GET / http/1.1\r\nHost: h\r\n\r\n", 400},
    {"two blanks", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"blank behind", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", 400},
    {"method of 17", "AAAAAAAAAAAAAAAAA / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"bad method", "G(T / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
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
    {"half a code", "GET /a%4 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"no code", "GET /a%zz HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"double slash", "GET //a HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"backslash", "GET /a\\b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"fragment", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"eighth bit", "GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"body on get", GET_HEAD "Content-Length: 1\r\n\r\na", 400},
    {"chunks on head", "HEAD / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"two origins", GET_HEAD "Origin: a\r\nOrigin: b\r\n\r\n", 400},
    {"large body", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n", 413},
    {"huge body", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413},
    {"expectation", "POST / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n", 417},
};

Test(request, what_could_be_read_in_two_ways_is_refused)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        size_t len = strlen(refused[i].text);
        int whole = result_in_steps(refused[i].text, len, len), bytewise = result_in_steps(refused[i].text, len, 1);
        cr_assert_eq(whole, refused[i].status, "%s: %d", refused[i].what, whole);
        cr_assert_eq(bytewise, whole, "%s: the pieces matter", refused[i].what);
    }
}

Test(request, a_nul_anywhere_in_the_head_is_refused)
{
    static const char good[] = "GET /stats HTTP/1.1\r\nHost: localhost\r\nA: b\r\n\r\n";
    for (size_t i = 0; i < sizeof good - 1; i++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        text[i] = '\0';
        cr_assert_eq(result_in_steps(text, sizeof good - 1, sizeof good), 400, "at %zu", i);
    }
}

#define CHUNKED "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"

Test(request, a_chunk_is_framed_exactly_or_refused)
{
    static const char *const bad[] = {
        "0x5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        "5;a=b\r\nhello\r\n",
        "5\nhello\n0\n\n",
        "\r\n",
        "\n",
        "000000005\r\nhello\r\n",
        "5\r\nhelloo\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "0\r\nTrailer: x\r\n\r\n",
        "0\r\n\n",
        "g\r\n",
        "-1\r\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, CHUNKED "%s", bad[i]);
        cr_assert_eq(result_in_steps(text, strlen(text), strlen(text)), 400, "case %zu", i);
        cr_assert_eq(result_in_steps(text, strlen(text), 1), 400, "case %zu bytewise", i);
    }
    static const char large[] = CHUNKED "10001\r\n";
    cr_assert_eq(result_in_steps(large, sizeof large - 1, 100), 413);
    static const char wide[] = CHUNKED "FFFFFFFF\r\n";
    cr_assert_eq(result_in_steps(wide, sizeof wide - 1, 100), 413);
}

Test(request, chunks_may_not_add_up_beyond_the_limit)
{
    struct request *r = request_new();
    size_t used;
    static char data[REQUEST_BODY_MAX];
    cr_assert_eq(feed(r, CHUNKED "10000\r\n", sizeof CHUNKED "10000\r\n" - 1, &used), 0);
    cr_assert_eq(feed(r, data, sizeof data, &used), 0);
    cr_assert_eq(feed(r, "\r\n1\r\n", 5, &used), 413);
    request_free(&r);
}

Test(request, the_head_has_a_limit_and_exactly_fits_it)
{
    char text[REQUEST_HEAD_MAX + 64];
    for (int over = 0; over < 2; over++) {
        size_t n = (size_t)snprintf(text, sizeof text, GET_HEAD "X: ");
        size_t fill = REQUEST_HEAD_MAX - n - 4 + (size_t)over;
        memset(text + n, 'a', fill);
        memcpy(text + n + fill, "\r\n\r\n", 4);
        cr_assert_eq(result_in_steps(text, n + fill + 4, 1000), over ? 431 : 1);
    }
    memset(text, 'A', sizeof text);
    cr_assert_eq(result_in_steps(text, sizeof text, 100), 431);
}

Test(request, the_largest_body_is_taken)
{
    struct request *r = request_new();
    static char data[REQUEST_BODY_MAX];
    static const char head[] = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65536\r\n\r\n";
    size_t used, len;
    memset(data, 'x', sizeof data);
    cr_assert_eq(feed(r, head, sizeof head - 1, &used), 0);
    cr_assert(request_begun(r));
    cr_assert_eq(feed(r, data, sizeof data - 1, &used), 0);
    cr_assert_eq(feed(r, data, 2, &used), 1);
    cr_assert_eq(used, 1);
    cr_assert_eq(request_body(r, &len)[65535], 'x');
    cr_assert_eq(len, 65536);
    cr_assert_not(request_begun(r));
    request_free(&r);
}

Test(request, continue_is_asked_for_once_and_only_before_the_body)
{
    static const char head[] = "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n";
    struct request *r = request_new();
    size_t used;
    cr_assert_not(request_wants_continue(r));
    cr_assert_eq(feed(r, head, sizeof head - 1, &used), 0);
    cr_assert(request_wants_continue(r));
    cr_assert_not(request_wants_continue(r));
    request_reset(r);
    cr_assert_eq(feed(r, head, sizeof head - 1, &used), 0);
    cr_assert_eq(feed(r, "a", 1, &used), 0);
    cr_assert_not(request_wants_continue(r));
    request_free(&r);
}

Test(request, the_connection_is_kept_unless_it_is_old_or_says_close)
{
    static const struct {
        const char *text;
        bool keep, chunks;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", true, true},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Close\r\n\r\n", false, true},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: closed\r\n\r\n", true, true},
        {"GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct request *r = request_new();
        size_t used;
        cr_assert_eq(feed(r, cases[i].text, strlen(cases[i].text), &used), 1);
        cr_assert_eq(request_keep_alive(r), cases[i].keep, "case %zu", i);
        cr_assert_eq(request_is_http11(r), cases[i].chunks, "case %zu", i);
        request_free(&r);
    }
}

Test(request, a_path_is_decoded)
{
    static const char text[] = "GET /%62locks/%41?%62=1 HTTP/1.1\r\nHost: h\r\n\r\n";
    struct request *r = request_new();
    size_t used;
    cr_assert_eq(feed(r, text, sizeof text - 1, &used), 1);
    cr_assert_str_eq(request_path(r), "/blocks/A");
    cr_assert_str_eq(request_query(r), "%62=1");
    request_free(&r);
}

static struct request *with_query(const char *query)
{
    char text[512];
    struct request *r = request_new();
    size_t used;
    snprintf(text, sizeof text, "GET /b?%s HTTP/1.1\r\nHost: h\r\n\r\n", query);
    cr_assert_eq(feed(r, text, strlen(text), &used), 1);
    return r;
}

Test(request, numbers_of_the_query_are_found_and_judged)
{
    static const struct {
        const char *query;
        int result;
        long long value;
    } cases[] = {
        {"from=7", 1, 7},
        {"limit=3&from=0", 1, 0},
        {"limit=3", 0, -1},
        {"", 0, -1},
        {"from=", ERR_FORMAT, 0},
        {"from", ERR_FORMAT, 0},
        {"from=1&from=2", ERR_FORMAT, 0},
        {"from=-1", ERR_FORMAT, 0},
        {"from=1x", ERR_FORMAT, 0},
        {"from=1234567890123456789", ERR_FORMAT, 0},
        {"&&from=123456789012345678&", 1, 123456789012345678},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct request *r = with_query(cases[i].query);
        long long value = -1;
        int result = request_query_number(r, "from", &value);
        cr_assert_eq(result, cases[i].result, "case %zu", i);
        if (result >= 0)
            cr_assert_eq(value, cases[i].value, "case %zu", i);
        request_free(&r);
    }
}

Test(request, an_unknown_key_of_the_query_is_named)
{
    static const char *const keys[] = {"from", "limit", NULL};
    char name[8];
    struct request *r = with_query("limit=1&froms=2");
    cr_assert_eq(request_query_known(r, keys, name, sizeof name), ERR_UNKNOWN_KEY);
    cr_assert_str_eq(name, "froms");
    request_free(&r);
    r = with_query("limit=1&from=2");
    cr_assert_eq(request_query_known(r, keys, name, sizeof name), 0);
    request_free(&r);
    r = with_query("averylongname=1");
    cr_assert_eq(request_query_known(r, keys, name, sizeof name), ERR_UNKNOWN_KEY);
    cr_assert_str_eq(name, "averylo");
    request_free(&r);
}
