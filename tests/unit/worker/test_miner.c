#include <test.h>

#include <rt/go.h>
#include <rt/rt.h>

#include "common/chain/header.h"
#include "common/chain/target.h"
#include "worker/crew.h"
#include "worker/kernel/kernel_select.h"
#include "worker/link/mailbox.h"
#include "worker/miner.h"

#define NEED(x)                                                                                                        \
    do {                                                                                                               \
        if (!(x))                                                                                                      \
            return __LINE__;                                                                                           \
    } while (0)
#define SLICE_NS (MINER_SLICE_US * INT64_C(1000))

Test(miner, a_slice_that_fits_keeps_its_size)
{
    cr_assert_eq(miner_next_size(10000, 10000, SLICE_NS), 10000);
}

Test(miner, one_that_took_too_long_shrinks_at_once_to_what_fits)
{
    cr_assert_eq(miner_next_size(10000, 10000, 4 * SLICE_NS), 2500);
}

Test(miner, a_fast_one_grows_half_way_and_at_most_fourfold)
{
    cr_assert_eq(miner_next_size(10000, 10000, SLICE_NS / 2), 15000);
    cr_assert_eq(miner_next_size(10000, 10000, SLICE_NS / 1000), 40000);
    cr_assert_eq(miner_next_size(10000, 10000, 0), 40000, "a clock that did not move");
}

Test(miner, a_slice_cut_short_by_its_lease_tells_the_rate_all_the_same)
{
    cr_assert_eq(miner_next_size(10000, 100, SLICE_NS / 100), 10000);
}

Test(miner, sizes_stay_within_their_bounds)
{
    cr_assert_eq(miner_next_size(1000, 1, SLICE_NS * 1000), 64);
    cr_assert_eq(miner_next_size(UINT64_C(1) << 28, UINT64_C(1) << 28, 1), UINT64_C(1) << 28);
}

static const struct kernel *portable(void)
{
    for (const struct kernel *const *k = kernel_list(); *k; k++)
        if (strcmp((*k)->name, "portable") == 0)
            return *k;
    return NULL;
}

enum { COUNTERS = 60000 };
static const uint64_t base = (UINT64_C(5) << 32) - COUNTERS / 2; /* crosses an extranonce */

/* What the reference finds in the whole lease. */
static uint64_t count_shares(const struct message_job *m)
{
    struct job j;
    uint64_t n = 0;
    if (job_take(&j, m) < 0)
        return 0;
    for (uint64_t c = base; c < base + COUNTERS; c++) {
        static uint8_t header[HEADER_LEN];
        static uint64_t extranonce = UINT64_MAX;
        uint8_t hash[32];
        if (extranonce != c >> 32)
            job_header(&j, (uint32_t)(extranonce = c >> 32), header);
        header_set_nonce(header, (uint32_t)c);
        header_hash_raw(hash, header);
        n += job_grade(&j, hash) == JOB_SHARE;
    }
    return n;
}

static bool holds(const struct report *r)
{
    uint8_t hash[32];
    header_hash_raw(hash, r->u.found.header);
    return memcmp(hash, r->u.found.hash, 32) == 0 && r->u.found.nonce >= base && r->u.found.nonce < base + COUNTERS &&
           r->u.found.lease == 3 && r->u.found.job == 1;
}

/* Two miners, one lease: exactly the shares that the reference finds, then the end of the lease. */
static int mine(void *arg)
{
    (void)arg;
    AUTO(mailbox_free) struct mailbox *box = mailbox_new();
    AUTO(crew_free) struct crew *c = crew_new(portable(), box, 2);
    struct message_job m = {
        .job = 1, .bits = 0x1b00ffff, .coinbase1 = cursor_view_of("a"), .coinbase2 = cursor_view_of("b")};
    struct u256 one = u256_from_u64(1), target = u256_shl(&one, 246);
    u256_to_be(m.share_target, &target);
    NEED(crew_job(c, &m) == 0 && crew_work_on(c, 1) == 0);
    struct message_lease lease = {.lease = 3, .start = base, .end = base + COUNTERS};
    NEED(crew_lease(c, &lease) == 0);
    miner_start_all(c);
    uint64_t shares = 0, hashes = 0;
    for (int exited = 0; exited < 2;) {
        struct report r;
        if (!mailbox_take(box, &r)) {
            rt_yield();
            continue;
        }
        exited += r.kind == REPORT_EXITED;
        if (r.kind == REPORT_SHARE) {
            NEED(holds(&r));
            shares++;
        } else if (r.kind == REPORT_DONE) {
            hashes = r.u.done.hashes;
            crew_stop(c);
        }
    }
    NEED(hashes == COUNTERS);
    NEED(shares > 20 && shares == count_shares(&m));
    return 0;
}

Test(miner, finds_every_share_of_a_lease_and_nothing_else, .timeout = 60)
{
    cr_assert_eq(rt_main(&(struct rt_config){.procs = 2}, mine, NULL), 0);
}
