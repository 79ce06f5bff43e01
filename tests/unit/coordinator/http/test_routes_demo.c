#include "web.h"

Test(routes_demo, health_is_200_or_503)
{
    struct web w = web_start(1);
    struct answer a = web_get(&w, "/healthz");
    cr_assert_eq(a.status, 200);
    json_t *tree = web_json(&a);
    cr_assert(json_is_true(json_object_get(tree, "ok")));
    json_decref(tree);
    atomic_store(&w.fake->mode, FAKE_UNWELL);
    a = web_get(&w, "/healthz");
    cr_assert_eq(a.status, 503);
    free(a.body);
    web_stop(&w);
}

Test(routes_demo, stats_join_both_verbs)
{
    struct web w = web_start(5);
    struct answer a = web_get(&w, "/stats");
    cr_assert_eq(a.status, 200);
    json_t *tree = web_json(&a);
    cr_assert_eq(web_number(tree, "num_goroutine"), 12);
    cr_assert_eq(web_number(json_object_get(tree, "cluster"), "height"), 4);
    cr_assert_str_eq(web_text(json_object_get(tree, "cluster"), "network"), "lode-regtest");
    cr_assert_eq(web_text(tree, "timestamp")[4], '-');
    json_decref(tree);
    web_stop(&w);
}

Test(routes_demo, the_whole_chain_is_streamed_page_by_page)
{
    struct web w = web_start(1700);
    struct answer a = web_get(&w, "/blocks");
    cr_assert_eq(a.status, 200);
    cr_assert_not_null(strstr(a.head, "Transfer-Encoding: chunked"));
    cr_assert_eq(a.body[a.len - 1], '\n');
    json_t *tree = web_json(&a);
    cr_assert_eq(json_array_size(tree), 1700);
    for (size_t i = 0; i < 1700; i++)
        cr_assert_eq(web_number(json_array_get(tree, i), "index"), (json_int_t)i);
    cr_assert_str_eq(web_text(json_array_get(tree, 5), "previous_hash"), web_text(json_array_get(tree, 4), "hash"));
    cr_assert_str_eq(web_text(json_array_get(tree, 0), "data"), "genesis");
    json_decref(tree);
    web_stop(&w);
}

Test(routes_demo, a_page_of_the_chain_is_what_was_asked_for)
{
    static const struct {
        const char *target;
        size_t count;
        json_int_t first;
    } cases[] = {{"/blocks?from=3&limit=2", 2, 3}, {"/blocks?limit=700", 700, 0},
                 {"/blocks?from=1195", 5, 1195},   {"/blocks?limit=9999&from=1199", 1, 1199},
                 {"/blocks?from=5000", 0, 0},      {"/blocks?", 1200, 0}};
    struct web w = web_start(1200);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct answer a = web_get(&w, cases[i].target);
        cr_assert_eq(a.status, 200);
        json_t *tree = web_json(&a);
        cr_assert_eq(json_array_size(tree), cases[i].count, "%s: %zu", cases[i].target, json_array_size(tree));
        if (cases[i].count > 0)
            cr_assert_eq(web_number(json_array_get(tree, 0), "index"), cases[i].first);
        json_decref(tree);
    }
    web_stop(&w);
}

Test(routes_demo, a_bad_query_is_named)
{
    static const struct {
        const char *target, *names;
    } cases[] = {{"/blocks?limit=0", "limit"}, {"/blocks?limit=x", "limit"},      {"/blocks?from=-1", "from"},
                 {"/blocks?page=2", "page"},   {"/blocks?from=1&from=2", "from"}, {"/blocks?limit=", "limit"}};
    struct web w = web_start(3);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct answer a = web_get(&w, cases[i].target);
        cr_assert_eq(a.status, 400, "%s", cases[i].target);
        json_t *tree = web_json(&a);
        cr_assert_not_null(strstr(web_text(tree, "error"), cases[i].names));
        json_decref(tree);
    }
    cr_assert_eq(atomic_load(&w.fake->questions), 0);
    web_stop(&w);
}

Test(routes_demo, an_old_client_gets_the_chain_without_chunks)
{
    static const char text[] = "GET /blocks HTTP/1.0\r\nHost: localhost\r\n\r\n";
    struct web w = web_start(600);
    int fd = web_connect(&w);
    web_send(fd, text, sizeof text - 1);
    size_t len = 0;
    char *all = malloc(1 << 20);
    for (ssize_t n; (n = recv(fd, all + len, (1 << 20) - 1 - len, 0)) > 0; len += (size_t)n)
        ;
    all[len] = '\0';
    json_t *tree = json_loads(strstr(all, "\r\n\r\n") + 4, 0, NULL);
    cr_assert_eq(json_array_size(tree), 600);
    json_decref(tree);
    free(all);
    close(fd);
    web_stop(&w);
}

Test(routes_demo, a_posted_block_is_created)
{
    struct web w = web_start(1);
    struct answer a = web_post(&w, "/blocks", "{\"data\": \"a <b> & \\u00e4\"}", 26);
    cr_assert_eq(a.status, 201, "%s", a.body);
    cr_assert_not_null(strstr(a.body, "a \\u003cb\\u003e \\u0026"));
    json_t *tree = web_json(&a), *block = json_object_get(tree, "block");
    cr_assert_str_eq(web_text(block, "data"), "a <b> & ä");
    cr_assert_eq(web_number(block, "index"), 1);
    cr_assert_eq(web_number(tree, "gc_runs"), 2, "the fake's counter rises by one per question: mine, stats");
    web_text(tree, "duration");
    static const char *const numbers[] = {"gc_pause_ms", "heap_delta_mb", "heap_objects", "gc_cpu_fraction"};
    for (size_t i = 0; i < 4; i++)
        web_number(tree, numbers[i]);
    json_decref(tree);
    web_stop(&w);
}

Test(routes_demo, mine_makes_one_labelled_block_for_each_goroutine)
{
    struct web w = web_start(4);
    struct answer a = web_post(&w, "/mine", "{\"data\":\"x\",\"goroutines\":3}", 27);
    cr_assert_eq(a.status, 200, "%s", a.body);
    json_t *tree = web_json(&a), *blocks = json_object_get(tree, "blocks");
    cr_assert_eq(json_array_size(blocks), 3);
    cr_assert_str_eq(web_text(json_array_get(blocks, 0), "data"), "x-worker-0");
    cr_assert_str_eq(web_text(json_array_get(blocks, 2), "data"), "x-worker-2");
    cr_assert_eq(web_number(tree, "goroutines"), 3);
    cr_assert_eq(web_number(tree, "total_blocks"), 7);
    cr_assert_null(json_object_get(tree, "heap_objects"));
    web_text(tree, "duration");
    json_decref(tree);
    web_stop(&w);
}

Test(routes_demo, a_thousand_long_payloads_are_handed_in_bit_by_bit)
{
    enum { LEN = 5000 };
    static char body[LEN + 64];
    struct web w = web_start(1);
    size_t n = (size_t)snprintf(body, sizeof body, "{\"goroutines\":1000,\"data\":\"");
    memset(body + n, 'x', LEN);
    memcpy(body + n + LEN, "\"}", 2);
    struct answer a = web_post(&w, "/mine", body, n + LEN + 2);
    cr_assert_eq(a.status, 200);
    json_t *tree = web_json(&a);
    cr_assert_eq(json_array_size(json_object_get(tree, "blocks")), 1000);
    json_decref(tree);
    cr_assert_eq(atomic_load(&w.fake->mined), 1000);
    cr_assert_gt(atomic_load(&w.fake->questions), 50);
    web_stop(&w);
}

Test(routes_demo, the_longest_data_is_mined_without_its_label)
{
    static char body[32768 + 64];
    struct web w = web_start(1);
    size_t n = (size_t)snprintf(body, sizeof body, "{\"data\":\"");
    memset(body + n, 'x', 32768);
    memcpy(body + n + 32768, "\"}", 2);
    struct answer a = web_post(&w, "/mine", body, n + 32768 + 2);
    cr_assert_eq(a.status, 200);
    free(a.body);
    cr_assert_eq(atomic_load(&w.fake->payload_bytes), 32768);
    web_stop(&w);
}

Test(routes_demo, a_wrong_body_is_400_and_asks_nobody)
{
    static const struct {
        const char *target, *body, *names;
    } cases[] = {
        {"/mine", "", "empty"},
        {"/mine", "{\"data\":\"x\",\"goroutines\":0}", "goroutines"},
        {"/mine", "{\"data\":\"x\",\"goroutines\":1001}", "goroutines"},
        {"/mine", "{\"data\":\"x\",\"workers\":1}", "workers"},
        {"/blocks", "{\"data\":\"x\",\"goroutines\":1}", "goroutines"},
        {"/blocks", "{\"data\":7}", "data"},
        {"/blocks", "{}", "data"},
        {"/blocks", "{\"\xc3\xa4\xc3\xa4\":1}", "unknown"},
    };
    struct web w = web_start(1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct answer a = web_post(&w, cases[i].target, cases[i].body, strlen(cases[i].body));
        cr_assert_eq(a.status, 400, "case %zu", i);
        json_t *tree = web_json(&a);
        cr_assert_not_null(strstr(web_text(tree, "error"), cases[i].names));
        json_decref(tree);
    }
    cr_assert_eq(atomic_load(&w.fake->questions), 0);
    web_stop(&w);
}

Test(routes_demo, what_the_coordinator_refuses_is_handed_on)
{
    static const char *const targets[] = {"/stats", "/blocks", "/healthz"};
    struct web w = web_start(1);
    atomic_store(&w.fake->mode, FAKE_REFUSE);
    for (size_t i = 0; i < 3; i++) {
        struct answer a = web_get(&w, targets[i]);
        cr_assert_eq(a.status, 503);
        json_t *tree = web_json(&a);
        cr_assert_str_eq(web_text(tree, "error"), "not now");
        cr_assert_str_eq(web_text(tree, "code"), "state");
        json_decref(tree);
    }
    struct answer a = web_post(&w, "/blocks", "{\"data\":\"x\"}", 12);
    cr_assert_eq(a.status, 503);
    free(a.body);
    atomic_store(&w.fake->mode, FAKE_BAD_MAP);
    a = web_get(&w, "/stats");
    cr_assert_eq(a.status, 500);
    free(a.body);
    atomic_store(&w.fake->mode, FAKE_CUT_MINE);
    a = web_post(&w, "/mine", "{\"data\":\"x\",\"goroutines\":2}", 27);
    cr_assert_eq(a.status, 503);
    free(a.body);
    web_stop(&w);
}

Test(routes_demo, a_slow_mine_does_not_hold_up_stats)
{
    static const char slow[] = "POST /blocks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12\r\n\r\n{\"data\":\"x\"}";
    struct web w = web_start(1);
    atomic_store(&w.fake->mode, FAKE_HOLD_MINE);
    int fd = web_connect(&w);
    web_send(fd, slow, sizeof slow - 1);
    web_wait_mined(&w, 1);
    struct answer a = web_get(&w, "/stats");
    cr_assert_eq(a.status, 200);
    free(a.body);
    atomic_store(&w.fake->mode, FAKE_ANSWER);
    a = web_read(fd, true);
    cr_assert_eq(a.status, 201);
    free(a.body);
    close(fd);
    web_stop(&w);
}

Test(routes_demo, a_client_that_leaves_ends_the_waiting_but_not_the_mining)
{
    enum { LEN = 30000 };
    static char text[LEN + 256];
    struct web w = web_start(1);
    atomic_store(&w.fake->mode, FAKE_HOLD_MINE);
    size_t n = (size_t)snprintf(text, sizeof text,
                                "POST /mine HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
                                "{\"goroutines\":9,\"data\":\"",
                                LEN + 26);
    memset(text + n, 'x', LEN);
    memcpy(text + n + LEN, "\"}", 2);
    int fd = web_connect(&w);
    web_send(fd, text, n + LEN + 2);
    web_wait_mined(&w, 1);
    int first = atomic_load(&w.fake->mined);
    cr_assert_lt(first, 9);
    close(fd);
    /* The close and this question travel to the same thread, the close first. */
    struct answer a = web_get(&w, "/healthz");
    cr_assert_eq(a.status, 200);
    free(a.body);
    atomic_store(&w.fake->mode, FAKE_ANSWER);
    a = web_post(&w, "/blocks", "{\"data\":\"y\"}", 12);
    cr_assert_eq(a.status, 201);
    free(a.body);
    cr_assert_eq(atomic_load(&w.fake->mined), first + 1, "more was handed in for a client that is gone");
    web_stop(&w);
}
