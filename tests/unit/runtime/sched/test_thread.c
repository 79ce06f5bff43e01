#include "fake_world.h"

#include <dirent.h>
#include <grp.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/peek.h"
#include "sched/thread.h"
#include <rt/blocking.h>
#include <rt/rt.h>

Test(thread, one_that_finds_the_world_stopping_ends, .init = fake_world)
{
    store_rlx(&rti_world.stopping, 1);
    rti_lock_acquire(&rti_world.lock);
    struct m *other = rti_thread_new_locked();
    rti_lock_release(&rti_world.lock);
    cr_assert_eq(rti_world.m_count, 2);
    cr_assert_eq(rti_world.all_m, other);
    cr_assert_eq(rti_thread_try_start(other), 0);
    rti_note_sleep(&other->done);
    cr_assert_eq(pthread_join(other->thread, NULL), 0);
}

Test(thread, more_than_the_limit_is_fatal, .init = fake_world, .exit_code = 2)
{
    rti_world.m_count = RTI_MAX_MS;
    rti_thread_new_locked();
}

static void *nothing(void *arg)
{
    return arg;
}

Test(thread, one_that_left_is_joined_and_its_m_used_again, .init = fake_world)
{
    cr_assert_eq(pthread_create(&m->thread, NULL, nothing, NULL), 0);
    store_rlx(&m->call, 7);
    m->ending = true;
    rti_lock_acquire(&rti_world.lock);
    rti_thread_leave_locked(m);
    rti_lock_release(&rti_world.lock);
    cr_assert_eq(rti_world.m_count, 0);
    rti_thread_reap(true);
    cr_assert_null(load_rlx(&rti_world.dead_m));
    rti_lock_acquire(&rti_world.lock);
    cr_assert_eq(rti_thread_new_locked(), m);
    rti_lock_release(&rti_world.lock);
    cr_assert(!m->ending && !m->left);
    cr_assert_eq(load_rlx(&m->call), 8, "goes on rising");
}

/* --- surplus threads --- */

enum { SPARE = 8, KEPT = SPARE + 1, MANY = 24 };
static const int64_t tick = 1000000, patience = 100 * tick; /* of a clock that the test keeps itself */

static void idle_ms(void)
{
    fake_world();
    rti_thread_set_patience(patience);
    rti_lock_acquire(&rti_world.lock);
    for (int i = 0; i < MANY; i++)
        rti_world_put_idle_m_locked(rti_thread_new_locked());
    rti_lock_release(&rti_world.lock);
}

/* The sum of Ms that idle and of those that left to be joined. */
static uint32_t dead(void)
{
    uint32_t n = 0;
    for (struct m *at = load_rlx(&rti_world.dead_m); at; at = at->idle_next)
        n++;
    return n;
}

Test(thread, surplus_ones_end_one_after_the_other_when_all_were_idle_for_long, .init = idle_ms)
{
    int64_t now = tick, next = rti_thread_trim(now);
    cr_assert_eq(next, now + patience);
    cr_assert_eq(rti_thread_trim(next - 1), next);
    cr_assert_eq(rti_world.idle_m_count, MANY, "none before its time");
    for (uint32_t left = MANY; left > KEPT; left--) {
        now = next;
        struct m *last = rti_world.idle_m;
        next = rti_thread_trim(now);
        cr_assert_eq(rti_world.idle_m_count, left - 1);
        cr_assert_eq(rti_world.m_count, left, "the test's own among them");
        cr_assert(last->left && !last->idle && rti_note_sleep_for(&last->note, 0), "off the list, and told");
    }
    cr_assert_eq(dead(), MANY - KEPT);
    for (int i = 0; i < 5; i++)
        cr_assert_eq(rti_thread_trim(now += patience), INT64_MAX, "those that are left stay");
    cr_assert_eq(rti_world.idle_m_count, KEPT);
    uint32_t listed = 0;
    for (struct m *at = rti_world.all_m, *before = NULL; at; before = at, at = at->all_next, listed++)
        cr_assert_eq(at->all_prev, before);
    cr_assert_eq(listed, rti_world.m_count);
}

Test(thread, those_that_were_needed_meanwhile_stay, .init = idle_ms)
{
    struct m *used[MANY];
    int64_t now = rti_thread_trim(tick);
    rti_lock_acquire(&rti_world.lock);
    for (int i = 0; i < MANY - KEPT - 2; i++)
        used[i] = rti_world_take_idle_m_locked();
    for (int i = 0; i < MANY - KEPT - 2; i++)
        rti_world_put_idle_m_locked(used[i]);
    rti_lock_release(&rti_world.lock);
    for (int i = 0; i < 6; i++, now += tick)
        rti_thread_trim(now);
    cr_assert_eq(rti_world.idle_m_count, MANY - 2, "two were never needed");
    cr_assert_eq(dead(), 2);
}

Test(thread, none_ends_once_the_world_does, .init = idle_ms)
{
    int64_t next = rti_thread_trim(tick);
    store_rlx(&rti_world.stopping, 1);
    rti_thread_trim(next);
    cr_assert_eq(rti_world.idle_m_count, MANY);
    cr_assert_null(load_rlx(&rti_world.dead_m));
}

static int gate[2];
static _Atomic(int) inside, outside;

static void block(void *arg)
{
    char c;
    (void)arg;
    atomic_fetch_add(&inside, 1);
    atomic_fetch_add(&outside, RT_BLOCKING(read(gate[0], &c, 1)) == 1);
}

static uint32_t threads(void)
{
    uint32_t n = 0;
    DIR *d = opendir("/proc/self/task");
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

/* As many threads as blocked goroutines; then, when all came back, few. */
static int burst(void *arg)
{
    uint32_t *most = arg, before = threads(); /* a sanitizer may have its own */
    char text[MANY] = {0};
    for (int i = 0; i < MANY; i++)
        rt_go(block, NULL);
    while (atomic_load(&inside) < MANY || threads() < MANY)
        rt_yield();
    *most = threads();
    if (write(gate[1], text, MANY) != MANY)
        return 1;
    while (atomic_load(&outside) < MANY)
        rt_yield();
    while (threads() > before + SPARE + 5) /* two that run, one that is just being woken */
        rt_yield();
    return 0;
}

static int bursts(void *arg)
{
    for (int i = 0; i < 3; i++) {
        atomic_store(&inside, 0);
        atomic_store(&outside, 0);
        if (burst(arg) != 0)
            return 1;
    }
    return 0;
}

Test(thread, a_burst_of_blocked_threads_leaves_few_behind_and_the_next_one_works)
{
    uint32_t most = 0;
    struct rt_config config = {.procs = 2};
    rti_thread_set_patience(2000000);
    cr_assert_eq(pipe(gate), 0);
    cr_assert_eq(rt_main(&config, bursts, &most), 0);
    cr_assert_geq(most, MANY);
}

/* --- threads that the kernel refuses --- */

enum { NOBODY = 65534, PROCS = 8 };
static struct rlimit normal;

/* From now on no thread can be made; root is above such limits. */
static void refuse_threads(bool on)
{
    struct rlimit one = {.rlim_cur = 1, .rlim_max = normal.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NPROC, on ? &one : &normal), 0);
}

static void be_nobody(void)
{
    cr_assert_eq(getrlimit(RLIMIT_NPROC, &normal), 0);
    if (getuid() == 0 && (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
        test_skip("cannot become an ordinary user");
    refuse_threads(true);
    pthread_t t;
    int err = pthread_create(&t, NULL, nothing, NULL);
    refuse_threads(false);
    if (err == 0) {
        pthread_join(t, NULL);
        test_skip("RLIMIT_NPROC does not keep us from making threads");
    }
}

static void count_outside(void *arg)
{
    (void)arg;
    atomic_fetch_add(&outside, 1);
}

static _Atomic(bool) enough;

static void keep_busy(void *arg)
{
    (void)arg;
    while (!atomic_load(&enough))
        rt_yield();
}

/* The threads that there are do the work of all, until more may be had: then one runs beside one that never gives way.
 */
static int short_of_threads(void *arg)
{
    (void)arg;
    refuse_threads(true);
    for (int i = 0; i < MANY; i++)
        rt_go(keep_busy, NULL);
    while (!rti_thread_is_short())
        rt_yield();
    for (int i = 0; i < MANY; i++)
        rt_go(count_outside, NULL);
    while (atomic_load(&outside) < MANY)
        rt_yield();
    uint32_t few = rti_peek_u32(&rti_world.m_count);
    atomic_store(&enough, true);
    rt_go(count_outside, NULL);
    refuse_threads(false);
    while (atomic_load(&outside) == MANY)
        ;
    return few < PROCS ? 0 : 1;
}

Test(thread, when_the_kernel_gives_no_more_those_that_are_there_go_on_and_it_is_asked_again)
{
    struct rt_config config = {.procs = PROCS};
    be_nobody();
    cr_assert_eq(rt_main(&config, short_of_threads, NULL), 0);
    cr_assert_eq(atomic_load(&outside), MANY + 1);
}

static int end_short_of_threads(void *arg)
{
    (void)arg;
    refuse_threads(true);
    rt_go(count_outside, NULL);
    refuse_threads(false);
    return 7;
}

Test(thread, the_runtime_ends_and_starts_again_after_a_refusal)
{
    struct rt_config config = {.procs = 4};
    be_nobody();
    for (int i = 0; i < 3; i++)
        cr_assert_eq(rt_main(&config, end_short_of_threads, NULL), 7);
}

/* The only P idles, and no thread is to be had. */
static void all_idle(void)
{
    fake_world();
    rti_lock_acquire(&rti_world.lock);
    rti_world_unbind_locked(m);
    rti_world_put_idle_p_locked(p);
    rti_lock_release(&rti_world.lock);
}

static void refuse_for(int64_t seconds, int64_t step_ns, void (*between)(void))
{
    for (int64_t now = 1; now < seconds * 1000000000; now += step_ns) {
        rti_lock_acquire(&rti_world.lock);
        rti_thread_refused_locked(rti_thread_new_locked(), now);
        rti_lock_release(&rti_world.lock);
        if (between)
            between();
    }
    cr_assert_eq(rti_world.m_count, 1, "those that got no thread are forgotten");
    cr_assert_eq(rti_world.all_m, m);
}

Test(thread, ten_seconds_without_one_are_fatal_when_nobody_runs, .init = all_idle, .exit_code = 2)
{
    refuse_for(11, 500000000, NULL);
}

static void somebody_ran(void)
{
    rti_p_count(&p->count.switches);
}

Test(thread, ten_seconds_without_one_are_fatal_while_a_single_goroutine_computes, .init = all_idle, .exit_code = 2)
{
    rti_lock_acquire(&rti_world.lock);
    cr_assert_eq(rti_world_take_idle_p_locked(), p);
    rti_lock_release(&rti_world.lock);
    refuse_for(11, 500000000, NULL);
}

Test(thread, but_nine_are_not_nor_sixty_if_somebody_ran_or_nothing_was_to_do, .init = all_idle)
{
    refuse_for(9, 500000000, NULL);
    somebody_ran();
    refuse_for(60, 500000000, somebody_ran);
    refuse_for(60, 1500000000, NULL);
}
