#include "run.h"

#include "ctl/mine.h"

Test(mine, each_data_becomes_a_block_and_a_line)
{
    struct fake_control *fake = run_fake(1);
    struct run r = run_line(fake->endpoint, "mine --count 2 a b");
    cr_assert_eq(r.status, 0);
    cr_assert_not_null(strstr(r.err, "block 1  "));
    cr_assert_not_null(strstr(r.err, "[4/4]"));
    cr_assert_not_null(strstr(r.err, "4 blocks in 1.5 s, 2.00 MH/s"));
    cr_assert_not_null(strstr(r.out, "HEIGHT"));
    cr_assert_null(strstr(r.out, "[1/4]"), "progress is on standard output");
    cr_assert_str_eq(fake->data[1], "a");
    cr_assert_str_eq(fake->data[2], "b");
    cr_assert_str_eq(fake->data[3], "a");
    run_free(&r);
    fake_control_stop(fake);
}

Test(mine, json_has_the_blocks_and_no_progress)
{
    struct fake_control *fake = run_fake(1);
    struct run r = run_line(fake->endpoint, "-o json mine --count 3 x");
    cr_assert_eq(r.status, 0);
    cr_assert_eq(r.err_len, 0);
    json_t *tree = run_json(r.out);
    cr_assert_eq(json_array_size(json_object_get(tree, "blocks")), 3);
    cr_assert_eq(json_integer_value(json_object_get(tree, "done")), 3);
    cr_assert_eq(json_integer_value(json_object_get(tree, "duration_ms")), 1500);
    json_decref(tree);
    run_free(&r);
    fake_control_stop(fake);
}

Test(mine, more_than_one_question_holds_is_asked_in_several)
{
    struct fake_control *fake = run_fake(1);
    struct run r = run_line(fake->endpoint, "-o json mine --count 2500 payload");
    cr_assert_eq(r.status, 0, "%s", r.err);
    cr_assert_eq(atomic_load(&fake->mined), 2500);
    cr_assert_eq(atomic_load(&fake->questions), 3);
    run_free(&r);
    fake_control_stop(fake);
}

Test(mine, what_was_mined_before_a_failure_is_shown)
{
    struct fake_control *fake = run_fake(1);
    atomic_store(&fake->mode, FAKE_CUT_MINE);
    struct run r = run_line(fake->endpoint, "-o json mine a b c");
    cr_assert_eq(r.status, ARGS_PARTIAL);
    json_t *tree = run_json(r.out);
    cr_assert_eq(json_integer_value(json_object_get(tree, "done")), 1);
    cr_assert_eq(json_integer_value(json_object_get(tree, "of")), 3);
    json_decref(tree);
    json_decref(run_json(r.err));
    run_free(&r);
    fake_control_stop(fake);
}

Test(mine, more_blocks_than_were_asked_for_are_a_failure)
{
    struct fake_control *fake = run_fake(2);
    atomic_store(&fake->mode, FAKE_MORE_MINE);
    struct run r = run_line(fake->endpoint, "-o json mine a b c");
    cr_assert_eq(r.status, ARGS_PARTIAL);
    json_t *tree = run_json(r.out);
    cr_assert_eq(json_array_size(json_object_get(tree, "blocks")), 3);
    json_decref(tree);
    cr_assert_not_null(strstr(r.err, "more than 3 blocks"), "%s", r.err);
    run_free(&r);
    fake_control_stop(fake);
}

/* Runs mine on one payload of len bytes. */
static int status_of(struct fake_control *fake, size_t len)
{
    static char data[MINE_PAYLOAD_MAX + 2];
    char *rest[] = {data};
    char *out, *err;
    size_t out_len, err_len;
    memset(data, 'x', len);
    data[len] = '\0';
    struct args args = {.rest_count = 1, .rest = rest, .count = 3};
    struct session s = {.out = open_memstream(&out, &out_len),
                        .err = open_memstream(&err, &err_len),
                        .endpoint = fake->endpoint,
                        .timeout_ms = 5000};
    int status = mine_run(&s, &args);
    client_free(&s.client);
    fclose(s.out);
    fclose(s.err);
    free(out);
    free(err);
    return status;
}

Test(mine, a_payload_has_limits)
{
    struct fake_control *fake = run_fake(1);
    cr_assert_eq(status_of(fake, 0), ARGS_USAGE);
    cr_assert_eq(status_of(fake, MINE_PAYLOAD_MAX + 1), ARGS_USAGE);
    cr_assert_eq(atomic_load(&fake->questions), 0);
    cr_assert_eq(status_of(fake, MINE_PAYLOAD_MAX), 0);
    cr_assert_eq(atomic_load(&fake->payload_bytes), 3 * MINE_PAYLOAD_MAX);
    fake_control_stop(fake);
}
