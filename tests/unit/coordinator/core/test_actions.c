#include "test.h"

#include "common/wire/codec.h"
#include "coordinator/core/actions.h"

Test(actions, bytes_stay_with_their_action_while_the_arena_grows)
{
    struct core_actions a = {0};
    struct core_route route = {.len = 1, .id = {9}};
    for (uint64_t i = 0; i < 500; i++) {
        struct message m = {.type = MESSAGE_TIP_GET, .wid = i, .seq = i + 1};
        actions_send(&a, &route, &m);
    }
    cr_assert_eq(a.count, 500);
    for (uint64_t i = 0; i < 500; i++) {
        struct message m;
        cr_assert_eq(codec_decode(&m, actions_bytes(&a, &a.items[i]), a.items[i].len), 0);
        cr_assert_eq(m.wid, i);
        cr_assert_eq(a.items[i].route.id[0], 9);
    }
    actions_clear(&a);
    cr_assert_eq(a.count, 0);
    actions_free(&a);
}

Test(actions, each_appender_makes_its_kind)
{
    struct core_actions a = {0};
    struct core_route route = {.len = 1, .id = {9}};
    struct message beacon = {.type = MESSAGE_BEACON, .seq = 1};
    struct message rep = {.type = MESSAGE_CTL_REP, .seq = 1};
    struct core_block block = {.height = 4, .body = (const uint8_t *)"body", .body_len = 4};
    struct core_log log = {.level = CORE_WARN, .event = "e"};
    actions_publish(&a, &beacon);
    actions_greeting(&a, &beacon);
    actions_reply(&a, &route, &rep);
    actions_persist(&a, &block);
    actions_reserve(&a, 77);
    actions_keep_job(&a, 5, "job", 3);
    actions_log(&a, &log, "n %d", 5);
    actions_progress(&a, "line");
    actions_exit(&a, 3);
    static const enum core_action_kind kinds[] = {CORE_PUBLISH, CORE_GREETING, CORE_REPLY,
                                                  CORE_PERSIST, CORE_RESERVE,  CORE_KEEP_JOB,
                                                  CORE_LOG,     CORE_PROGRESS, CORE_EXIT};
    cr_assert_eq(a.count, ARRAY_LEN(kinds));
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        cr_assert_eq(a.items[i].kind, kinds[i]);
    cr_assert_eq(actions_bytes(&a, &a.items[0])[0], 'T');
    cr_assert_str_eq((const char *)actions_bytes(&a, &a.items[3]), "body");
    cr_assert_eq(a.items[3].u.block.height, 4);
    cr_assert_eq(a.items[4].u.mark, 77);
    cr_assert_str_eq((const char *)actions_bytes(&a, &a.items[5]), "job");
    cr_assert_eq(a.items[5].u.job, 5);
    cr_assert_str_eq((const char *)actions_bytes(&a, &a.items[6]), "n 5");
    cr_assert_str_eq((const char *)actions_bytes(&a, &a.items[7]), "line");
    cr_assert_eq(a.items[8].u.status, 3);
    actions_free(&a);
}

Test(actions, a_long_text_is_cut)
{
    struct core_actions a = {0};
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    struct core_log log = {.level = CORE_INFO, .event = "e"};
    actions_log(&a, &log, "%s", text);
    cr_assert_lt(a.items[0].len, 2000);
    cr_assert_eq(strlen((const char *)actions_bytes(&a, &a.items[0])), a.items[0].len);
    actions_free(&a);
}
