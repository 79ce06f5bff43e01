#include "test.h"

#include <errno.h>
#include <signal.h>

#include "parts/stackpool.h"

static struct rti_stackpool pool;
static struct rti_stackcache cache;

static void up(void)
{
    signal(SIGSEGV, SIG_DFL); /* not a sanitizer's */
    cr_assert_eq(rti_stackpool_init(&pool, 64 << 20, rti_pages_guard_kind()), 0);
}

static void down(void)
{
    rti_stackpool_destroy(&pool);
}

static struct rti_stack take(enum rt_stack class)
{
    struct rti_stack s = {0};
    cr_assert(rti_stackpool_take(&pool, &cache, class, &s));
    return s;
}

/* Two marks without a take in between: all that is shared and free is surplus. */
static void trim_all(void)
{
    rti_stackpool_mark(&pool);
    rti_stackpool_mark(&pool);
    while (rti_stackpool_trim(&pool, 64))
        ;
}

Test(stackpool, a_stack_of_each_class_is_aligned_zero_and_found_again, .init = up, .fini = down)
{
    for (int class = 0; class < RT_STACK_COUNT; class ++) {
        struct rti_stack s = take((enum rt_stack) class), found;
        size_t guard = rti_stackpool_guard((enum rt_stack) class);
        cr_assert_eq((size_t)(s.hi - s.lo), rti_stackpool_usable((enum rt_stack) class));
        cr_assert_eq((uintptr_t)s.hi % RTI_PAGE, 0);
        s.lo[0] = s.hi[-1] = 1;
        for (char *at = s.lo - guard; at < s.hi; at += RTI_PAGE) {
            cr_assert(rti_stackpool_find(&pool, at, &found));
            cr_assert(found.lo == s.lo && found.hi == s.hi && found.class == class);
        }
        rti_stackpool_give(&pool, &cache, &s);
    }
}

Test(stackpool, nothing_is_found_outside, .init = up, .fini = down)
{
    struct rti_stack s = take(RT_STACK_1M), found;
    int local;
    cr_assert_not(rti_stackpool_find(&pool, &local, &found));
    cr_assert_not(rti_stackpool_find(&pool, s.hi, &found), "what is left of a block");
    cr_assert_not(rti_stackpool_find(&pool, s.hi + (2 << 20), &found), "a block that was not handed out");
    cr_assert_not(rti_stackpool_find(&pool, NULL, &found));
    struct rti_stackpool none = {0};
    cr_assert_not(rti_stackpool_find(&none, s.lo, &found));
}

Test(stackpool, the_byte_below_faults, .init = up, .signal = SIGSEGV)
{
    struct rti_stack s = take(RT_STACK_16K);
    s.lo[0] = 1;
    *(volatile char *)(s.lo - 1) = 1;
}

Test(stackpool, the_far_end_of_the_guard_faults, .init = up, .signal = SIGSEGV)
{
    struct rti_stack first = take(RT_STACK_1M), s = take(RT_STACK_256K);
    first.lo[0] = s.lo[0] = 1;
    *(volatile char *)(s.lo - rti_stackpool_guard(RT_STACK_256K)) = 1;
}

Test(stackpool, the_hottest_stack_comes_first, .init = up, .fini = down)
{
    struct rti_stack a = take(RT_STACK_DEFAULT), b = take(RT_STACK_DEFAULT);
    rti_stackpool_give(&pool, &cache, &a);
    rti_stackpool_give(&pool, &cache, &b);
    cr_assert_eq(take(RT_STACK_DEFAULT).lo, b.lo);
    cr_assert_eq(take(RT_STACK_DEFAULT).lo, a.lo);
}

Test(stackpool, what_a_full_cache_spills_is_used_by_others, .init = up, .fini = down)
{
    static struct rti_stack s[200];
    static struct rti_stackcache other;
    for (int i = 0; i < 200; i++)
        s[i] = take(RT_STACK_16K);
    uint64_t made = load_rlx(&pool.made);
    for (int i = 0; i < 200; i++)
        for (int k = 0; k < i; k++)
            cr_assert(s[i].lo != s[k].lo);
    for (int i = 0; i < 200; i++)
        rti_stackpool_give(&pool, &cache, &s[i]);
    rti_stackpool_flush(&pool, &cache);
    for (int i = 0; i < 200; i++) {
        cr_assert(rti_stackpool_take(&pool, &other, RT_STACK_16K, &s[i]));
        cr_assert(s[i].guarded);
        s[i].lo[0] = 1;
    }
    cr_assert_eq(load_rlx(&pool.made), made, "no new stack while old ones are free");
}

Test(stackpool, free_stacks_that_nobody_wants_lose_their_pages_and_are_used_again, .init = up, .fini = down)
{
    static struct rti_stack s[150];
    for (int i = 0; i < 150; i++) {
        s[i] = take(RT_STACK_16K);
        s[i].lo[0] = s[i].hi[-1] = s[i].hi[-5000] = 1;
    }
    uint64_t made = load_rlx(&pool.made);
    for (int i = 0; i < 150; i++)
        rti_stackpool_give(&pool, &cache, &s[i]);
    rti_stackpool_flush(&pool, &cache);
    trim_all();
    cr_assert(load_rlx(&pool.trimmed) >= 150);
    for (int i = 0; i < 150; i++)
        cr_assert(s[i].lo[0] == 0 && s[i].hi[-1] == 0 && s[i].hi[-5000] == 0, "stack %d", i);
    for (int i = 0; i < 150; i++) {
        s[i] = take(RT_STACK_16K);
        s[i].hi[-1] = s[i].lo[0] = 7;
        for (int k = 0; k < i; k++)
            cr_assert(s[k].lo != s[i].lo);
    }
    cr_assert_eq(load_rlx(&pool.made), made, "no new stack while old ones are free");
}

Test(stackpool, only_stacks_that_stayed_free_from_mark_to_mark_are_surplus, .init = up, .fini = down)
{
    static struct rti_stack s[96];
    for (int i = 0; i < 96; i++) {
        s[i] = take(RT_STACK_DEFAULT);
        s[i].lo[0] = 1;
    }
    for (int i = 0; i < 96; i++)
        rti_stackpool_give(&pool, &cache, &s[i]);
    rti_stackpool_flush(&pool, &cache);
    rti_stackpool_mark(&pool);
    cr_assert_not(rti_stackpool_trim(&pool, 1000));
    cr_assert_eq(load_rlx(&pool.trimmed), 0, "they came only now");
    for (int i = 0; i < 40; i++) /* by half caches: 48 leave the list */
        s[i] = take(RT_STACK_DEFAULT);
    for (int i = 0; i < 40; i++)
        rti_stackpool_give(&pool, &cache, &s[i]);
    rti_stackpool_flush(&pool, &cache);
    size_t all = pool.of[RT_STACK_DEFAULT].free_count;
    rti_stackpool_mark(&pool);
    cr_assert_not(rti_stackpool_trim(&pool, 1000));
    cr_assert_eq(load_rlx(&pool.trimmed), all - 48, "of %zu", all);
}

Test(stackpool, a_region_that_is_used_up_says_so, .init = up, .fini = down)
{
    struct rti_stack s;
    for (int i = 0; i < 32; i++)
        take(RT_STACK_1M);
    cr_assert_not(rti_stackpool_take(&pool, &cache, RT_STACK_1M, &s));
    cr_assert_not(rti_stackpool_take(&pool, &cache, RT_STACK_16K, &s));
}

Test(stackpool, a_region_smaller_than_sense_is_refused)
{
    cr_assert_eq(rti_stackpool_init(&pool, 1 << 20, RTI_GUARD_NONE), -ENOMEM);
}

Test(stackpool, without_guard_pages_the_canary_tells)
{
    cr_assert_eq(rti_stackpool_init(&pool, 64 << 20, RTI_GUARD_NONE), 0);
    struct rti_stack s = take(RT_STACK_16K);
    cr_assert_not(s.guarded);
    cr_assert_eq(load_rlx(&pool.unguarded), 1);
    cr_assert(rti_stackpool_intact(&s));
    rti_stackpool_give(&pool, &cache, &s);
    rti_stackpool_flush(&pool, &cache);
    trim_all();
    s = take(RT_STACK_16K);
    cr_assert(!s.guarded && rti_stackpool_intact(&s), "the canary is there again after a trim");
    s.lo[0] ^= 1;
    cr_assert_not(rti_stackpool_intact(&s));
    rti_stackpool_destroy(&pool);
}

Test(stackpool, guards_by_mprotect_stop_before_the_map_limit)
{
    cr_assert_eq(rti_stackpool_init(&pool, 64 << 20, RTI_GUARD_MPROTECT), 0);
    pool.guard_limit = 3;
    for (int i = 0; i < 5; i++)
        cr_assert_eq(take(RT_STACK_16K).guarded, i < 3);
    cr_assert_eq(load_rlx(&pool.unguarded), 2);
    rti_stackpool_destroy(&pool);
}
