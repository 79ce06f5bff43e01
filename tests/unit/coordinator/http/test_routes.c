#include "web.h"

Test(routes, an_unknown_path_is_404_in_json)
{
    static const char *const targets[] = {"/", "/stats/", "/Stats", "/favicon.ico", "/blocks/1", "/.hidden"};
    struct web w = web_start(1);
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct answer a = web_get(&w, targets[i]);
        cr_assert_eq(a.status, 404, "%s", targets[i]);
        json_t *tree = web_json(&a);
        web_text(tree, "error");
        json_decref(tree);
    }
    web_stop(&w);
}

Test(routes, a_wrong_method_is_405_and_names_the_right_ones)
{
    static const struct {
        const char *request, *allow;
    } cases[] = {
        {"POST /stats HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", "Allow: GET, HEAD\n"},
        {"DELETE /blocks HTTP/1.1\r\nHost: localhost\r\n\r\n", "Allow: GET, HEAD, POST\n"},
        {"GET /mine HTTP/1.1\r\nHost: localhost\r\n\r\n", "Allow: POST\n"},
        {"BREW /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "Allow: GET, HEAD\n"},
        {"get /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "Allow: GET, HEAD\n"},
    };
    struct web w = web_start(1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct answer a = web_ask_bytes(&w, cases[i].request, strlen(cases[i].request));
        cr_assert_eq(a.status, 405, "case %zu", i);
        cr_assert_not_null(strstr(a.head, cases[i].allow), "%s", a.head);
        json_decref(web_json(&a));
    }
    web_stop(&w);
}

Test(routes, head_is_get_without_the_body)
{
    static const char *const targets[] = {"/stats", "/healthz", "/blocks"};
    struct web w = web_start(1200);
    for (size_t i = 0; i < 3; i++) {
        char text[256];
        int n = snprintf(text, sizeof text,
                         "HEAD %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
                         "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
                         targets[i]);
        int fd = web_connect(&w);
        web_send(fd, text, (size_t)n);
        struct answer head = web_read(fd, false), next = web_read(fd, true);
        cr_assert_eq(head.status, 200);
        cr_assert_eq(next.status, 200, "the answer behind %s is not found", targets[i]);
        free(head.body);
        free(next.body);
        close(fd);
    }
    web_stop(&w);
}
