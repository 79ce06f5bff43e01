#include "e2e.h"

#include <signal.h>

E2E(restart, the_cluster_mines_on_when_a_worker_is_killed, 150)
{
    static const char *const quick[] = {"--network", "lode-regtest", "--dead", "2s", "--beat", "200ms", NULL};
    struct e2e_coordinator c = e2e_coordinator("coordinator", quick);
    struct e2e_proc w1 = e2e_worker("w1", &c), w2 = e2e_worker("w2", &c);
    e2e_until(&c, "workers", 2);
    e2e_until(&c, "height", 3);
    e2e_signal(&w1, SIGKILL);
    cr_assert_eq(e2e_wait(&w1), 128 + SIGKILL);
    e2e_until(&c, "height", e2e_status(&c, "height") + 20);
    for (long long until = e2e_now_ms() + E2E_WAIT_MS; e2e_status(&c, "workers") != 1;)
        cr_assert_lt(e2e_now_ms(), until, "the dead worker is still counted");
    e2e_signal(&w2, SIGTERM);
    cr_assert_eq(e2e_wait(&w2), 0);
}

/* The hashes of the active chain, oldest first. */
static json_t *hashes(const struct e2e_coordinator *c)
{
    json_t *all = json_array();
    for (long long from = 0; from >= 0;) {
        char line[64];
        json_t *tree = NULL, *block;
        size_t index;
        snprintf(line, sizeof line, "blocks --limit 500 --from %lld", from);
        cr_assert_eq(e2e_ctl(c, line, &tree), 0);
        json_array_foreach(json_object_get(tree, "blocks"), index, block)
            json_array_append(all, json_object_get(block, "hash"));
        const json_t *next = json_object_get(tree, "next");
        from = json_is_integer(next) ? json_integer_value(next) : -1;
        json_decref(tree);
    }
    return all;
}

/* kill -9 at any moment: what was acknowledged is still there, and no counter value is handed out again (J1, J3, J4).
 */
E2E(restart, a_killed_coordinator_loses_nothing_and_its_workers_come_back, 200)
{
    static const char *const quick[] = {"--network", "lode-regtest", "--dead", "2s", "--beat", "200ms", NULL};
    json_t *mined = NULL;
    struct e2e_coordinator c = e2e_coordinator_fixed("first", quick);
    struct e2e_proc w1 = e2e_worker("w1", &c), w2 = e2e_worker("w2", &c);
    e2e_until(&c, "workers", 2);
    cr_assert_eq(e2e_ctl(&c, "mine --count 5 precious", &mined), 0);
    json_t *before = hashes(&c);
    long long epoch = e2e_status(&c, "epoch"), reserved = e2e_status(&c, "counter_reserved");
    e2e_signal(&c.proc, SIGKILL);
    cr_assert_eq(e2e_wait(&c.proc), 128 + SIGKILL);

    struct e2e_coordinator again = e2e_coordinator_again("second", &c, quick);
    cr_assert_str_eq(again.work, c.work);
    json_t *after = hashes(&again);
    cr_assert_geq(json_array_size(after), json_array_size(before));
    for (size_t i = 0; i < json_array_size(before); i++)
        cr_assert(json_equal(json_array_get(before, i), json_array_get(after, i)), "block %zu is another one", i);
    cr_assert_gt(e2e_status(&again, "epoch"), epoch);
    cr_assert_geq(e2e_status(&again, "counter_next"), reserved);
    e2e_until(&again, "workers", 2);
    e2e_until(&again, "height", (long long)json_array_size(after) + 10);
    e2e_signal(&w1, SIGTERM);
    e2e_signal(&w2, SIGTERM);
    cr_assert_eq(e2e_wait(&w1), 0);
    cr_assert_eq(e2e_wait(&w2), 0);
    e2e_signal(&again.proc, SIGTERM);
    cr_assert_eq(e2e_wait(&again.proc), 0);
    json_decref(mined);
    json_decref(before);
    json_decref(after);
}

E2E(restart, a_stopped_coordinator_goes_on_where_it_was, 150)
{
    static const char *const five[] = {"--network", "lode-regtest", "--blocks", "5", NULL};
    struct e2e_coordinator c = e2e_coordinator_fixed("first", five);
    struct e2e_proc w = e2e_worker("w1", &c);
    cr_assert_eq(e2e_wait(&c.proc), 0);
    struct e2e_coordinator again = e2e_coordinator_again("second", &c, NULL);
    cr_assert_geq(e2e_status(&again, "height"), 5);
    cr_assert_gt(w.pid, 0);
}
