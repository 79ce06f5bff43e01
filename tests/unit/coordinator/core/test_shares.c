#include "rig.h"

#include "coordinator/core/shares.h"

Test(shares, every_error_has_its_code_on_the_wire)
{
    cr_assert_eq(shares_wire_code(0), MESSAGE_CODE_OK);
    cr_assert_eq(shares_wire_code(ERR_STALE), MESSAGE_CODE_STALE);
    cr_assert_eq(shares_wire_code(ERR_DUPLICATE), MESSAGE_CODE_DUPLICATE);
    cr_assert_eq(shares_wire_code(ERR_LOW_DIFF), MESSAGE_CODE_LOW_DIFF);
    cr_assert_eq(shares_wire_code(ERR_BAD_RANGE), MESSAGE_CODE_BAD_RANGE);
    cr_assert_eq(shares_wire_code(ERR_UNKNOWN_JOB), MESSAGE_CODE_UNKNOWN_JOB);
    cr_assert_eq(shares_wire_code(ERR_UNKNOWN_LEASE), MESSAGE_CODE_UNKNOWN_LEASE);
    cr_assert_eq(shares_wire_code(ERR_POW), MESSAGE_CODE_BAD_POW);
    cr_assert_eq(shares_wire_code(ERR_TIME_NEW), MESSAGE_CODE_REFUSED);
}

Test(shares, a_target_for_a_rate_gives_that_many_shares)
{
    struct u256 t = shares_target(1e9, 10);
    double weight = shares_weight(&t);
    cr_assert_gt(weight, 0.999e8);
    cr_assert_lt(weight, 1.001e8);
    t = shares_target(1, 100000); /* easier than there is: all 256 bits */
    cr_assert_eq(u256_bits(&t), 256);
}

Test(shares, boundaries_of_a_lease_are_its_own)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    struct job *job = jobs_current(&r->core->jobs);
    memset(&job->share_target, 0xff, sizeof job->share_target);
    const struct lease *l = &w->leases.slots[0];
    struct {
        uint64_t counter;
        int code;
    } cases[] = {{l->start, 0}, {l->end - 1, 0}, {l->end, ERR_BAD_RANGE}, {UINT64_MAX, ERR_BAD_RANGE}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct header header;
        uint8_t hash[32];
        jobs_header(job, cases[i].counter, &header);
        header_hash(hash, &header);
        struct share_claim claim = {.lease = l->id, .counter = cases[i].counter, .hash = hash};
        struct share_verdict v;
        shares_judge(job, &w->leases, tree_tip(r->core->tree)->hash, &claim, &v);
        cr_assert_eq(v.code, cases[i].code, "case %zu", i);
        cr_assert_arr_eq(v.hash, hash, 32);
    }
    rig_free(r);
}

Test(shares, random_claims_are_never_believed)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    struct job *job = jobs_current(&r->core->jobs);
    uint64_t seed = 5;
    for (int i = 0; i < 2000; i++) {
        uint8_t hash[32] = {0};
        seed = seed * UINT64_C(6364136223846793005) + 1;
        memcpy(hash, &seed, 8);
        struct share_claim claim = {.counter = seed >> 40, .hash = hash};
        struct share_verdict v;
        shares_judge(job, &w->leases, tree_tip(r->core->tree)->hash, &claim, &v);
        cr_assert_eq(v.code, ERR_POW);
    }
    rig_free(r);
}
