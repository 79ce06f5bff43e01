#include <test.h>

#include <rt/go.h>
#include <rt/rt.h>
#include <rt/time.h>

#include "common/base/err.h"
#include "worker/crew.h"
#include "worker/link/mailbox.h"

#define NEED(x)                                                                                                        \
    do {                                                                                                               \
        if (!(x))                                                                                                      \
            return __LINE__;                                                                                           \
    } while (0)

static int job(struct crew *c, uint64_t id, uint32_t ntime)
{
    struct message_job m = {.job = id, .bits = 0x207fffff, .ntime = ntime};
    return crew_job(c, &m);
}

static int lease(struct crew *c, uint64_t id, uint64_t start, uint64_t end)
{
    struct message_lease m = {.lease = id, .start = start, .end = end};
    return crew_lease(c, &m);
}

/* Every test runs as the main goroutine, on a crew of two with its mailbox; it returns 0 or the line that failed. */
static int with_crew(void *arg)
{
    int (*test)(struct crew * c, struct mailbox * box) = *(int (**)(struct crew *, struct mailbox *))arg;
    AUTO(mailbox_free) struct mailbox *box = mailbox_new();
    AUTO(crew_free) struct crew *c = crew_new(NULL, box, 2);
    return test(c, box);
}

static int run(int (*test)(struct crew *c, struct mailbox *box))
{
    return rt_main(&(struct rt_config){.procs = 2}, with_crew, &test);
}

static int jobs_change_under_a_lease(struct crew *c, struct mailbox *box)
{
    struct slice s;
    struct job j = {0};
    struct report r;
    NEED(job(c, 1, 100) == 0 && crew_work_on(c, 1) == 0);
    NEED(lease(c, 7, 0, 30) == 0);
    NEED(crew_take(c, 0, 10, &s, &j) && s.start == 0 && j.id == 1);
    crew_put(c, 0, &s, 10, 5);
    NEED(job(c, 2, 200) == 0 && crew_work_on(c, 2) == 0);
    NEED(crew_take(c, 0, 10, &s, &j) && s.start == 10 && j.id == 2 && j.ntime == 200);
    crew_put(c, 0, &s, 10, 5);
    NEED(crew_take(c, 0, 10, &s, &j) && s.start == 20);
    NEED(!mailbox_take(box, &r));
    crew_put(c, 0, &s, 10, 5);
    NEED(mailbox_take(box, &r) && r.kind == REPORT_DONE);
    NEED(r.u.done.lease == 7 && r.u.done.hashes == 30 && r.u.done.busy_ns == 15);
    return 0;
}

Test(crew, a_new_tip_changes_the_job_under_the_same_lease, .timeout = 30)
{
    cr_assert_eq(run(jobs_change_under_a_lease), 0);
}

static int rest_under_new_job(struct crew *c, struct mailbox *box)
{
    struct slice s;
    struct job j = {0};
    struct report r;
    NEED(job(c, 1, 0) == 0 && crew_work_on(c, 1) == 0 && lease(c, 7, 0, 10) == 0);
    NEED(crew_take(c, 0, 10, &s, &j));
    crew_put(c, 0, &s, 4, 1); /* stopped early */
    NEED(job(c, 2, 0) == 0 && crew_work_on(c, 2) == 0);
    NEED(crew_take(c, 0, 10, &s, &j) && s.start == 4 && s.end == 10 && j.id == 2);
    crew_put(c, 0, &s, 6, 1);
    NEED(mailbox_take(box, &r) && r.u.done.hashes == 10);
    return 0;
}

Test(crew, the_rest_of_a_slice_goes_on_under_the_new_job, .timeout = 30)
{
    cr_assert_eq(run(rest_under_new_job), 0);
}

static int same_id_other_job(struct crew *c, struct mailbox *box)
{
    struct slice s;
    struct job j = {0};
    (void)box;
    NEED(job(c, 1, 100) == 0 && crew_work_on(c, 1) == 0 && lease(c, 7, 0, 100) == 0);
    NEED(crew_take(c, 0, 10, &s, &j) && j.ntime == 100);
    uint64_t serial = j.serial;
    crew_put(c, 0, &s, 10, 1);
    NEED(job(c, 1, 100) == 0);
    NEED(crew_take(c, 0, 10, &s, &j) && j.serial == serial);
    crew_put(c, 0, &s, 10, 1);
    NEED(job(c, 1, 300) == 0);
    NEED(crew_take(c, 0, 10, &s, &j) && j.serial != serial && j.ntime == 300);
    crew_put(c, 0, &s, 10, 1);
    return 0;
}

Test(crew, a_job_of_a_restarted_coordinator_may_have_an_old_id, .timeout = 30)
{
    cr_assert_eq(run(same_id_other_job), 0);
}

static int bound_lease(struct crew *c, struct mailbox *box)
{
    struct slice s;
    struct job j = {0};
    struct message_lease bound = {.lease = 8, .job = 1, .start = 0, .end = 10};
    (void)box;
    NEED(crew_lease(c, &bound) == ERR_UNKNOWN_JOB);
    NEED(job(c, 1, 0) == 0 && crew_lease(c, &bound) == 0);
    for (uint64_t id = 2; id < 40; id++)
        NEED(job(c, id, 0) == 0 && crew_work_on(c, id) == 0);
    NEED(crew_work_on(c, 2) == ERR_UNKNOWN_JOB);
    NEED(crew_take(c, 0, 10, &s, &j) && s.job == 1 && j.id == 1);
    crew_put(c, 0, &s, 10, 1);
    for (uint64_t id = 40; id < 60; id++)
        NEED(job(c, id, 0) == 0);
    NEED(crew_work_on(c, 1) == ERR_UNKNOWN_JOB);
    NEED(crew_work_on(c, 39) == 0);
    return 0;
}

Test(crew, a_bound_lease_keeps_its_job_in_the_table_and_under_its_slices, .timeout = 30)
{
    cr_assert_eq(run(bound_lease), 0);
}

static int blocks_and_siblings(struct crew *c, struct mailbox *box)
{
    struct slice s;
    struct job j = {0};
    struct crew_totals t;
    (void)box;
    NEED(job(c, 1, 0) == 0 && crew_work_on(c, 1) == 0 && lease(c, 7, 0, 100) == 0);
    NEED(crew_take(c, 0, 10, &s, &j));
    NEED(!crew_found(c, &j, JOB_NOTHING));
    NEED(crew_found(c, &j, JOB_SHARE));
    NEED(crew_found(c, &j, JOB_BLOCK));
    NEED(!crew_found(c, &j, JOB_BLOCK));
    NEED(crew_found(c, &j, JOB_SHARE));
    crew_unsolve(c, 1);
    NEED(crew_found(c, &j, JOB_BLOCK));
    crew_totals(c, &t);
    NEED(t.blocks == 2 && t.siblings == 1 && t.shares == 2);
    crew_put(c, 0, &s, 10, 1);
    return 0;
}

Test(crew, one_block_is_reported_per_job_unless_it_is_refused, .timeout = 30)
{
    cr_assert_eq(run(blocks_and_siblings), 0);
}

static int quiet(struct crew *c, struct mailbox *box)
{
    struct slice s;
    struct job j = {0};
    struct message_job m = {.job = 1, .bits = 0x1b00ffff};
    (void)box;
    memset(m.share_target, 0x7f, sizeof m.share_target);
    NEED(crew_job(c, &m) == 0 && crew_work_on(c, 1) == 0 && lease(c, 7, 0, 100) == 0);
    NEED(crew_take(c, 0, 10, &s, &j) && u256_compare(&j.share_target, &j.block_target) > 0);
    crew_put(c, 0, &s, 10, 1);
    crew_quiet(c, true);
    NEED(crew_take(c, 0, 10, &s, &j) && u256_compare(&j.share_target, &j.block_target) == 0);
    NEED(crew_found(c, &j, JOB_BLOCK));
    crew_put(c, 0, &s, 10, 1);
    crew_quiet(c, false);
    NEED(!crew_found(c, &j, JOB_BLOCK)); /* the same job, solved */
    crew_tick(c, rt_now() + (CREW_HOLD_MS + 1) * INT64_C(1000000));
    NEED(crew_take(c, 0, 10, &s, &j) && u256_compare(&j.share_target, &j.block_target) > 0);
    crew_put(c, 0, &s, 10, 1);
    return 0;
}

Test(crew, while_quiet_only_blocks_are_looked_for, .timeout = 30)
{
    cr_assert_eq(run(quiet), 0);
}

/* A miner that waits; what it got is said through the mailbox. */
static void wait_for_slice(void *arg)
{
    struct crew *c = arg;
    struct slice s;
    struct job j = {0};
    bool got = crew_take(c, 1, 10, &s, &j);
    struct report r = {.kind = got ? REPORT_SHARE : REPORT_EXITED, .u.found.job = j.id};
    if (got)
        crew_put(c, 1, &s, s.end - s.start, 1);
    mailbox_post(crew_mailbox(c), &r);
}

static struct report next_report(struct mailbox *box)
{
    struct report r;
    while (!mailbox_take(box, &r))
        rt_yield();
    return r;
}

static int waits(struct crew *c, struct mailbox *box)
{
    struct report r;
    rt_go(wait_for_slice, c); /* for a job and a lease */
    for (int i = 0; i < 100; i++)
        rt_yield();
    NEED(!mailbox_take(box, &r));
    NEED(job(c, 1, 0) == 0 && crew_work_on(c, 1) == 0);
    NEED(lease(c, 7, 0, 100) == 0);
    NEED(next_report(box).kind == REPORT_SHARE);
    crew_pause(c, CREW_PAUSE_OPERATOR, true);
    rt_go(wait_for_slice, c);
    for (int i = 0; i < 100; i++)
        rt_yield();
    NEED(!mailbox_take(box, &r));
    crew_pause(c, CREW_PAUSE_OPERATOR, false);
    NEED(next_report(box).kind == REPORT_SHARE);
    NEED(crew_work_on(c, 0) == 0);
    rt_go(wait_for_slice, c);
    for (int i = 0; i < 100; i++)
        rt_yield();
    NEED(!mailbox_take(box, &r));
    NEED(crew_work_on(c, 1) == 0);
    NEED(next_report(box).kind == REPORT_SHARE);
    struct crew_totals t;
    crew_totals(c, &t);
    NEED(t.wait_ns > 0);
    return 0;
}

Test(crew, a_miner_waits_for_a_job_a_lease_and_the_end_of_a_pause, .timeout = 30)
{
    cr_assert_eq(run(waits), 0);
}

static int rests(struct crew *c, struct mailbox *box)
{
    struct slice s;
    struct job j = {0};
    struct report r;
    NEED(job(c, 1, 0) == 0 && crew_work_on(c, 1) == 0 && lease(c, 7, 0, 100) == 0);
    NEED(crew_take(c, 0, 10, &s, &j));
    NEED(crew_found(c, &j, JOB_BLOCK));
    crew_put(c, 0, &s, 10, 1);
    rt_go(wait_for_slice, c);
    for (int i = 0; i < 100; i++)
        rt_yield();
    crew_tick(c, rt_now());
    NEED(!mailbox_take(box, &r)); /* its successor is awaited */
    NEED(job(c, 2, 0) == 0 && crew_work_on(c, 2) == 0);
    NEED(next_report(box).u.found.job == 2);
    NEED(crew_take(c, 0, 10, &s, &j) && crew_found(c, &j, JOB_BLOCK));
    crew_put(c, 0, &s, 10, 1);
    rt_go(wait_for_slice, c);
    crew_tick(c, rt_now() + (CREW_HOLD_MS + 1) * INT64_C(1000000));
    NEED(next_report(box).u.found.job == 2); /* none came: better this than nothing */
    return 0;
}

Test(crew, a_solved_job_rests_until_its_successor_comes_or_the_time_is_over, .timeout = 30)
{
    cr_assert_eq(run(rests), 0);
}

static int stops(struct crew *c, struct mailbox *box)
{
    struct slice s;
    struct job j = {0};
    rt_go(wait_for_slice, c);
    rt_yield();
    crew_stop(c);
    NEED(next_report(box).kind == REPORT_EXITED);
    NEED(job(c, 1, 0) == 0 && crew_work_on(c, 1) == 0 && lease(c, 7, 0, 100) == 0);
    NEED(!crew_take(c, 0, 10, &s, &j));
    return 0;
}

Test(crew, stop_ends_waiting_and_later_takes, .timeout = 30)
{
    cr_assert_eq(run(stops), 0);
}

static int cuts(struct crew *c, struct mailbox *box)
{
    struct slice s;
    struct job j = {0};
    struct report r;
    uint64_t end;
    (void)box;
    NEED(job(c, 1, 0) == 0 && crew_work_on(c, 1) == 0 && lease(c, 7, 0, 100) == 0);
    NEED(crew_cut(c, &(struct message_lease_cut){.lease = 9, .at = 5}, &end, &r) == ERR_UNKNOWN_LEASE);
    NEED(crew_take(c, 0, 40, &s, &j));
    NEED(crew_cut(c, &(struct message_lease_cut){.lease = 7, .at = 60}, &end, &r) == 0 && end == 60);
    crew_put(c, 0, &s, 40, 1);
    NEED(crew_cut(c, &(struct message_lease_cut){.lease = 7, .at = 0}, &end, &r) == 1 && end == 40);
    NEED(r.kind == REPORT_DONE && r.u.done.end == 40 && r.u.done.hashes == 40);
    NEED(crew_drop(c, 7) == ERR_UNKNOWN_LEASE);
    return 0;
}

Test(crew, a_cut_answers_where_the_lease_ends_and_reports_it_when_that_completes_it, .timeout = 30)
{
    cr_assert_eq(run(cuts), 0);
}
