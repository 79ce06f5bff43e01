#include "test.h"

#include "common/net/heartbeat.h"

enum { MS = 1000000 };

static struct heartbeat fresh(int64_t beat, int64_t dead)
{
    struct heartbeat h;
    heartbeat_init(&h, beat, dead, 1000);
    return h;
}

Test(heartbeat, three_missed_beats_make_suspect_and_the_limit_dead)
{
    const struct heartbeat h = fresh(100, 0);
    cr_assert_eq(heartbeat_state(&h, 1000), HEARTBEAT_LIVE);
    cr_assert_eq(heartbeat_state(&h, 1299), HEARTBEAT_LIVE);
    cr_assert_eq(heartbeat_state(&h, 1300), HEARTBEAT_SUSPECT);
    cr_assert_eq(heartbeat_state(&h, 1499), HEARTBEAT_SUSPECT);
    cr_assert_eq(heartbeat_state(&h, 1500), HEARTBEAT_DEAD);
}

Test(heartbeat, hearing_anything_starts_anew_and_old_news_does_not_count)
{
    struct heartbeat h = fresh(100, 250);
    heartbeat_heard(&h, 1200);
    heartbeat_heard(&h, 1100);
    cr_assert_eq(heartbeat_state(&h, 1449), HEARTBEAT_LIVE);
    cr_assert_eq(heartbeat_state(&h, 1450), HEARTBEAT_DEAD);
    heartbeat_heard(&h, 1500);
    cr_assert_eq(heartbeat_state(&h, 1500), HEARTBEAT_LIVE);
}

Test(heartbeat, a_beat_is_due_one_interval_after_the_last_thing_sent)
{
    struct heartbeat h = fresh(2000 * (int64_t)MS, 0);
    cr_assert_eq(heartbeat_due_ns(&h), 1000 + 2000 * (int64_t)MS);
    heartbeat_sent(&h, 5000 * (int64_t)MS);
    heartbeat_sent(&h, 4000 * (int64_t)MS);
    cr_assert_eq(heartbeat_due_ns(&h), 7000 * (int64_t)MS);
    heartbeat_set(&h, 500 * (int64_t)MS, 0);
    cr_assert_eq(heartbeat_due_ns(&h), 5500 * (int64_t)MS);
    cr_assert_eq(h.dead_ns, 2500 * (int64_t)MS);
}

Test(heartbeat, the_next_change_is_where_the_state_changes)
{
    const struct heartbeat h = fresh(100, 0);
    cr_assert_eq(heartbeat_next_ns(&h, 1000), 1300);
    cr_assert_eq(heartbeat_next_ns(&h, 1300), 1500);
    cr_assert_eq(heartbeat_next_ns(&h, 1500), INT64_MAX);
    const struct heartbeat quick = fresh(100, 200); /* dead before it is suspect */
    cr_assert_eq(heartbeat_next_ns(&quick, 1000), 1200);
    cr_assert_eq(heartbeat_state(&quick, 1200), HEARTBEAT_DEAD);
}

Test(heartbeat, absurd_intervals_do_not_overflow)
{
    struct heartbeat h;
    heartbeat_init(&h, INT64_MAX, INT64_MAX, INT64_MAX - 1);
    cr_assert_eq(heartbeat_due_ns(&h), INT64_MAX);
    cr_assert_eq(heartbeat_state(&h, INT64_MAX - 1), HEARTBEAT_LIVE);
    heartbeat_init(&h, 0, -5, 10);
    cr_assert_eq(h.beat_ns, 1);
    cr_assert_eq(h.dead_ns, HEARTBEAT_DEAD_BEATS);
    heartbeat_init(&h, 100, 5, 10);
    cr_assert_eq(h.dead_ns, 100);
}
