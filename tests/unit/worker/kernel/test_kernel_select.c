#include "battery.h"

#include <errno.h>

#include "common/base/err.h"

static bool always(void)
{
    return true;
}

static bool never(void)
{
    return false;
}

static const struct kernel *portable(void)
{
    return battery_kernel("portable");
}

/* Doubles: portable, but wrong in one way each. */
static uint64_t sound(const struct kernel_prepared *job, uint32_t nonce, uint64_t groups, uint16_t *mask)
{
    return portable()->sweep(job, nonce, groups, mask);
}

static uint64_t blind(const struct kernel_prepared *job, uint32_t nonce, uint64_t groups, uint16_t *mask)
{
    (void)nonce;
    for (int v = 0; v < job->versions; v++)
        mask[v] = 0;
    return groups;
}

static uint64_t blind_in_the_last_version(const struct kernel_prepared *job, uint32_t nonce, uint64_t groups,
                                          uint16_t *mask)
{
    uint64_t done = sound(job, nonce, groups, mask);
    if (job->versions > 1)
        mask[job->versions - 1] = 0;
    return done;
}

static uint64_t deaf_to_equal_words(const struct kernel_prepared *job, uint32_t nonce, uint64_t groups, uint16_t *mask)
{
    struct kernel_prepared less = *job; /* as with < in place of <= */
    less.filter -= less.filter != 0;
    return sound(&less, nonce, groups, mask);
}

static uint64_t skips_a_nonce(const struct kernel_prepared *job, uint32_t nonce, uint64_t groups, uint16_t *mask)
{
    uint64_t done = sound(job, nonce, groups, mask);
    return done < groups ? done + 1 : done;
}

static const struct kernel broken[] = {
    {.name = "blind", .lanes = 1, .usable = always, .sweep = blind},
    {.name = "last-version", .lanes = 1, .usable = always, .sweep = blind_in_the_last_version},
    {.name = "equal-words", .lanes = 1, .usable = always, .sweep = deaf_to_equal_words},
    {.name = "skips", .lanes = 1, .usable = always, .sweep = skips_a_nonce},
};
static const struct kernel absent = {.name = "absent", .lanes = 1, .usable = never, .sweep = blind};
static const struct kernel good = {.name = "good", .lanes = 1, .usable = always, .sweep = sound};

Test(kernel_select, every_broken_kernel_is_refused_with_its_name)
{
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        char why[KERNEL_WHY_BYTES];
        cr_assert_eq(kernel_select_test(&broken[i], why), ERR_KERNEL, "one of the broken kernels passed");
        cr_assert_eq(strncmp(why, broken[i].name, strlen(broken[i].name)), 0, "the message starts with its name");
    }
    char why[KERNEL_WHY_BYTES];
    cr_assert_eq(kernel_select_test(&good, why), 0);
}

Test(kernel_select, the_menu_tells_ready_from_refused_and_unusable)
{
    const struct kernel *const list[] = {&absent, &broken[0], &good, NULL};
    struct kernel_menu menu;
    kernel_select_probe_list(&menu, list);
    cr_assert_eq(menu.count, 3);
    cr_assert_eq(menu.entry[0].state, KERNEL_UNUSABLE);
    cr_assert_eq(menu.entry[1].state, KERNEL_REFUSED);
    cr_assert_eq(menu.entry[2].state, KERNEL_READY);
    cr_assert_str_neq(menu.entry[0].why, "");
    cr_assert_str_neq(menu.entry[1].why, "");
    cr_assert_str_eq(menu.entry[2].why, "");
}

Test(kernel_select, a_name_forces_its_kernel_or_says_why_not)
{
    const struct kernel *const list[] = {&absent, &broken[0], &good, NULL};
    const struct kernel *k = NULL;
    struct kernel_menu menu;
    kernel_select_probe_list(&menu, list);
    cr_assert_eq(kernel_select_pick(&menu, "good", &k), 0);
    cr_assert_eq(k, &good);
    cr_assert_eq(kernel_select_pick(&menu, "blind", &k), ERR_KERNEL);
    cr_assert_eq(kernel_select_pick(&menu, "absent", &k), -ENOTSUP);
    cr_assert_eq(kernel_select_pick(&menu, "Good", &k), ERR_NOT_FOUND);
    cr_assert_eq(k, &good, "untouched by a failure");
}

Test(kernel_select, without_a_name_only_a_ready_kernel_is_taken)
{
    const struct kernel *const list[] = {&absent, &broken[0], &good, NULL};
    const struct kernel *const hopeless[] = {&absent, &broken[0], NULL};
    static const char *const names[] = {NULL, "", "auto"};
    struct kernel_menu menu;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct kernel *k = NULL;
        kernel_select_probe_list(&menu, list);
        cr_assert_eq(kernel_select_pick(&menu, names[i], &k), 0);
        cr_assert_eq(k, &good);
        kernel_select_probe_list(&menu, hopeless);
        cr_assert_eq(kernel_select_pick(&menu, names[i], &k), ERR_KERNEL);
    }
}

/* A clock that only the doubles below move, so that "fast" is a matter of arithmetic. */
static int64_t fake_ns;

static int64_t fake_now(void)
{
    return fake_ns;
}

static uint64_t slow_sweep(const struct kernel_prepared *job, uint32_t nonce, uint64_t groups, uint16_t *mask)
{
    fake_ns += (int64_t)groups * job->versions * 500;
    return blind(job, nonce, groups, mask);
}

static uint64_t fast_sweep(const struct kernel_prepared *job, uint32_t nonce, uint64_t groups, uint16_t *mask)
{
    fake_ns += (int64_t)groups * job->versions * 100;
    return blind(job, nonce, groups, mask);
}

static const struct kernel slow = {.name = "slow", .lanes = 1, .usable = always, .sweep = slow_sweep};
static const struct kernel fast = {.name = "fast", .lanes = 1, .usable = always, .sweep = fast_sweep};

Test(kernel_select, the_fastest_measured_kernel_wins)
{
    const struct kernel *k = NULL;
    struct kernel_menu menu = {.count = 3,
                               .entry = {{.kernel = &slow, .state = KERNEL_READY},
                                         {.kernel = &broken[0], .state = KERNEL_REFUSED},
                                         {.kernel = &fast, .state = KERNEL_READY}}};
    cr_assert_eq(kernel_select_measure(&menu, 4, fake_now), 0);
    cr_assert_eq(kernel_select_pick(&menu, NULL, &k), 0);
    cr_assert_eq(k, &fast);
    cr_assert(menu.entry[0].hashes_per_second > 1.99e6 && menu.entry[0].hashes_per_second < 2.01e6);
    cr_assert(menu.entry[2].hashes_per_second > 9.9e6 && menu.entry[2].hashes_per_second < 10.1e6);
    cr_assert_eq(menu.entry[1].hashes_per_second, 0, "a refused kernel is not run");
    cr_assert(fake_ns >= 20000000 && fake_ns < 25000000, "about 20 ms in all");
}

static int64_t stopped(void)
{
    return 1;
}

Test(kernel_select, a_clock_that_stands_still_ends_the_measurement_all_the_same)
{
    struct kernel_menu menu = {.count = 1, .entry = {{.kernel = &fast, .state = KERNEL_READY}}};
    cr_assert_eq(kernel_select_measure(&menu, 1, stopped), 0);
    cr_assert_eq(menu.entry[0].hashes_per_second, 0);
}

Test(kernel_select, measuring_with_a_wrong_number_of_versions_is_refused)
{
    struct kernel_menu menu = {.count = 1, .entry = {{.kernel = &fast, .state = KERNEL_READY}}};
    cr_assert_eq(kernel_select_measure(&menu, 0, fake_now), ERR_RANGE);
    cr_assert_eq(kernel_select_measure(&menu, 3, fake_now), ERR_RANGE);
    cr_assert_eq(kernel_select_measure(&menu, 32, fake_now), ERR_RANGE);
}

Test(kernel_select, this_machine_has_a_kernel_and_measures_it)
{
    const struct kernel *k = NULL;
    struct kernel_menu menu;
    kernel_select_probe(&menu);
    for (size_t i = 0; i < menu.count; i++)
        cr_assert_neq(menu.entry[i].state, KERNEL_REFUSED, "%s", menu.entry[i].why);
    cr_assert_eq(kernel_select_measure(&menu, 8, kernel_select_thread_ns), 0);
    cr_assert_eq(kernel_select_pick(&menu, "auto", &k), 0);
    for (size_t i = 0; i < menu.count; i++)
        cr_assert_eq(menu.entry[i].hashes_per_second > 0, menu.entry[i].state == KERNEL_READY);
}
