#include "fake_world.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <rt/chan.h>
#include <rt/rt.h>
#include <rt/time.h>

#include "arch/sigframe.h"
#include "base/clock.h"
#include "registers.h"

#include "sched/handoff.h"
#include "sched/preempt.h"
#include "sched/stopworld.h"

#if defined(__SANITIZE_THREAD__)
enum { TSAN = 1, STOPS = 60, LOOKS = 20 };
#else
enum { TSAN = 0, STOPS = 300, LOOKS = 50 };
#endif

Test(preempt, the_holder_is_asked_and_looks_after_a_call_too, .init = fake_world)
{
    struct g *g = m->curg = fake_g(RTI_G_RUNNING);
    rti_lock_acquire(&rti_world.lock);
    rti_preempt_ask_locked(p, RTI_PREEMPT_SLICE);
    rti_lock_release(&rti_world.lock);
    cr_assert_eq(load_rlx(&p->preempt), 1);
    cr_assert_eq(load_rlx(&m->taken), 1);
    rti_handoff_enter();
    rti_handoff_exit();
    cr_assert_eq(load_rlx(&p->count.yields), 1);
    cr_assert_eq(load_rlx(&m->taken), 0);
    cr_assert_eq(m->curg, g, "there was nobody else");
    cr_assert_eq(rti_g_state(g), RTI_G_RUNNING);
}

Test(preempt, a_p_without_a_holder_only_remembers, .init = fake_world)
{
    struct p *idle = rti_p_new(1, 1);
    rti_lock_acquire(&rti_world.lock);
    rti_preempt_ask_locked(idle, RTI_PREEMPT_SLICE);
    rti_lock_release(&rti_world.lock);
    cr_assert_eq(load_rlx(&idle->preempt), 1);
}

/* --- the stop signal: goroutines that never look --- */

static _Atomic(int) bad, quit, gone, started, inside;
static _Atomic(uint64_t) turns[4];

#define EXPECT(x)                                                                                                      \
    do {                                                                                                               \
        if (!(x) && atomic_fetch_add(&bad, 1) < 20)                                                                    \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #x);                                            \
    } while (0)

/* ThreadSanitizer delivers a signal only where the program calls the C library. */
static size_t (*volatile length)(const char *s) = strlen;

static void spins(void *arg)
{
    _Atomic(uint64_t) *mine = arg;
    atomic_fetch_add(&started, 1);
    while (!atomic_load_explicit(&quit, memory_order_relaxed)) {
        atomic_fetch_add_explicit(mine, 1, memory_order_relaxed);
        if (TSAN)
            length("spin");
    }
    atomic_fetch_add(&gone, 1);
}

/* In the C library, with its locks held now and then. */
static void spins_in_libc(void *arg)
{
    _Atomic(uint64_t) *mine = arg;
    char text[64];
    atomic_fetch_add(&started, 1);
    while (!atomic_load_explicit(&quit, memory_order_relaxed)) {
        void *p1 = malloc(100 + (size_t)(atomic_fetch_add(mine, 1) % 1000));
        memset(p1, 1, 100);
        snprintf(text, sizeof text, "%s %d", "text", (int)length("spin"));
        free(p1);
    }
    atomic_fetch_add(&gone, 1);
}

/* With the lock held under which the C library makes threads, which the runtime needs to make its own. */
static void *ends_at_once(void *arg)
{
    return arg;
}

static void makes_threads(void *arg)
{
    _Atomic(uint64_t) *mine = arg;
    atomic_fetch_add(&started, 1);
    while (!atomic_load_explicit(&quit, memory_order_relaxed)) {
        pthread_t t;
        if (pthread_create(&t, NULL, ends_at_once, NULL) == 0)
            pthread_join(t, NULL);
        atomic_fetch_add(mine, 1);
    }
    atomic_fetch_add(&gone, 1);
}

static void blocks(void *arg)
{
    while (!atomic_load(&quit)) { /* its P is taken, and needs an M */
        RT_BLOCKING(poll(NULL, 0, 1));
        rt_yield();
    }
    (void)arg;
}

static void makes_threads_beside_calls(void *arg)
{
    for (int i = 0; i < 8; i++)
        rt_go(blocks, NULL);
    makes_threads(arg);
}

/* In the runtime, with its locks held most of the time, but at no scheduling point. */
static struct rt_chan *chan;
static void spins_in_runtime(void *arg)
{
    _Atomic(uint64_t) *mine = arg;
    uint64_t v = 1;
    atomic_fetch_add(&started, 1);
    while (!atomic_load_explicit(&quit, memory_order_relaxed)) {
        atomic_fetch_add(mine, 1);
        if (rt_try_send(chan, &v) < 0 && rt_try_recv(chan, &v) < 0)
            continue; /* full, then empty: others are at it too */
        if (TSAN)
            length("spin");
    }
    atomic_fetch_add(&gone, 1);
}

static void take_every_lock(void)
{
    struct rti_lock *locks[] = {&rti_world.lock, &rti_world.gfree_lock, &rti_world.stacks.lock};
    for (size_t i = 0; i < ARRAY_LEN(locks); i++) { /* would hang if somebody who stands held it */
        rti_lock_acquire(locks[i]);
        rti_lock_release(locks[i]);
    }
    for (uint32_t i = 0; i < rti_world_ps(); i++) {
        rti_lock_acquire(&rti_world.allp[i]->timer_lock);
        rti_lock_release(&rti_world.allp[i]->timer_lock);
    }
    EXPECT(rt_chan_len(chan) <= 1);
}

/* Where a goroutine was interrupted is known, and within its stack. */
static void check_contexts(void)
{
    for (uint32_t i = 0; i < rti_world_ps(); i++) {
        struct m *holder = load_rlx(&rti_world.allp[i]->m);
        if (!holder || holder == rti_m_self() || !holder->curg || holder->stopped_sp == 0)
            continue;
        EXPECT(holder->stopped_sp + 128 >= (uintptr_t)holder->curg->stack_lo);
        EXPECT(holder->stopped_sp < (uintptr_t)rti_g_stack_hi(holder->curg));
        EXPECT(holder->stopped_context != NULL || atomic_load(&inside) == 0);
    }
}

static void look_around(void)
{
    uint64_t before[ARRAY_LEN(turns)];
    for (size_t i = 0; i < ARRAY_LEN(turns); i++)
        before[i] = atomic_load(&turns[i]);
    for (uint32_t i = 0; i < rti_world_ps(); i++)
        EXPECT(load_rlx(&rti_world.allp[i]->state) == RTI_P_STOPPED);
    take_every_lock();
    check_contexts();
    for (int k = 0; k < LOOKS; k++) {
        rti_clock_monotonic();
        for (size_t i = 0; i < ARRAY_LEN(turns); i++)
            EXPECT(before[i] == atomic_load(&turns[i])); /* S7 */
    }
}

static void (*bodies[3])(void *arg);
static int stops_spinners(void *arg)
{
    int n = *(int *)arg;
    chan = rt_chan_new(sizeof(uint64_t), 1);
    atomic_store(&quit, 0);
    atomic_store(&gone, 0);
    atomic_store(&started, 0);
    for (int i = 0; i < n; i++)
        rt_go(bodies[i], &turns[i]);
    while (atomic_load(&started) < n)
        rt_yield();
    for (int i = 0; i < STOPS; i++) {
        uint64_t was = atomic_load(&turns[0]);
        EXPECT(rti_stopworld_stop(RTI_STOP_TEST));
        look_around();
        rti_stopworld_start();
        for (int k = 0; k < 1000 && atomic_load(&turns[0]) == was; k++)
            rti_clock_monotonic();
    }
    uint64_t was = atomic_load(&turns[0]);
    while (atomic_load(&turns[0]) == was) /* they do go on */
        rt_yield();
    atomic_store(&quit, 1);
    while (atomic_load(&gone) < n)
        rt_yield();
    rt_chan_free(&chan);
    return 0;
}

static void stop_them(void (*a)(void *), void (*b)(void *), void (*c)(void *))
{
    bodies[0] = a;
    bodies[1] = b;
    bodies[2] = c;
    int n = 1 + (b != NULL) + (c != NULL);
    struct rt_config config = {.procs = n + 1};
    cr_assert_eq(rt_main(&config, stops_spinners, &n), 0);
    cr_assert_eq(atomic_load(&bad), 0);
}

Test(preempt, a_goroutine_in_plain_c_is_stopped_by_a_signal)
{
    stop_them(spins, NULL, NULL);
}

Test(preempt, so_is_one_inside_the_c_library)
{
    stop_them(spins_in_libc, NULL, NULL);
    stop_them(spins_in_libc, spins_in_libc, NULL);
}

Test(preempt, and_one_inside_the_runtime_but_never_with_a_lock_held)
{
    stop_them(spins_in_runtime, NULL, NULL);
    stop_them(spins_in_runtime, spins_in_runtime, NULL);
}

Test(preempt, and_one_that_makes_threads_while_the_runtime_does)
{
    stop_them(makes_threads_beside_calls, makes_threads, NULL);
}

Test(preempt, all_kinds_at_once)
{
    stop_them(spins_in_libc, spins_in_runtime, spins);
}

/* --- sections that must not be stopped in --- */

static void has_sections(void *arg)
{
    (void)arg;
    atomic_fetch_add(&started, 1);
    while (!atomic_load_explicit(&quit, memory_order_relaxed)) {
        struct m *self = rti_m_self();
        rti_preempt_disable(self);
        rti_preempt_disable(self);
        atomic_store(&inside, 1);
        for (int i = 0; i < 200; i++)
            length("spin");
        atomic_store(&inside, 0);
        rti_preempt_enable(self);
        rti_preempt_enable(self);
        atomic_fetch_add(&turns[0], 1);
    }
    atomic_fetch_add(&gone, 1);
}

static int stops_between_sections(void *arg)
{
    (void)arg;
    rt_go(has_sections, NULL);
    while (atomic_load(&started) < 1)
        rt_yield();
    for (int i = 0; i < STOPS; i++) {
        uint64_t was = atomic_load(&turns[0]);
        EXPECT(rti_stopworld_stop(RTI_STOP_TEST));
        EXPECT(atomic_load(&inside) == 0);
        rti_stopworld_start();
        while (atomic_load(&turns[0]) == was)
            ;
    }
    atomic_store(&quit, 1);
    while (atomic_load(&gone) < 1)
        rt_yield();
    return 0;
}

Test(preempt, a_critical_section_is_stopped_at_its_end)
{
    struct rt_config config = {.procs = 2};
    cr_assert_eq(rt_main(&config, stops_between_sections, NULL), 0);
    cr_assert_eq(atomic_load(&bad), 0);
}

/* --- who may be signalled at any time, and nothing happens --- */

static _Atomic(int) storm;
static void *sends_signals(void *arg)
{
    (void)arg;
    while (atomic_load(&storm)) {
        rti_lock_acquire(&rti_world.lock);
        for (struct m *at = rti_world.all_m; at; at = at->all_next)
            rti_preempt_poke(at, true);
        rti_lock_release(&rti_world.lock);
        for (int i = 0; i < 200; i++)
            rti_clock_monotonic();
    }
    return NULL;
}

static void ping(void *arg)
{
    uint64_t v = 0;
    for (int i = 0; i < 500; i++) {
        v++;
        rt_send(arg, &v);
    }
    rt_close(arg);
}

static int under_storm(void *arg)
{
    pthread_t t;
    (void)arg;
    atomic_store(&storm, 1);
    EXPECT(pthread_create(&t, NULL, sends_signals, NULL) == 0);
    for (int i = 0; i < STOPS / 10; i++) {
        uint64_t v, want = 0;
        struct rt_chan *c = rt_chan_new(sizeof v, (size_t)i % 3);
        rt_go(ping, c);
        while (rt_recv(c, &v))
            EXPECT(v == ++want);
        EXPECT(want == 500);
        rt_chan_free(&c);
    }
    atomic_store(&storm, 0);
    RT_BLOCKING(pthread_join(t, NULL));
    return 0;
}

Test(preempt, a_storm_of_stop_signals_without_a_stop_does_nothing)
{
    for (int procs = 1; procs <= 3; procs++) {
        struct rt_config config = {.procs = procs};
        cr_assert_eq(rt_main(&config, under_storm, NULL), 0);
        cr_assert_eq(atomic_load(&bad), 0);
    }
}

Test(preempt, a_thread_of_the_program_may_get_it_too)
{
    rti_preempt_install();
    errno = 77;
    cr_assert_eq(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), rti_preempt_signal()), 0);
    cr_assert_eq(errno, 77, "kept");
}

/* --- switching goroutines where they are --- */

enum { HOLDERS = 4, HOLD_ROUNDS = 60000 };
#if defined(__SANITIZE_ADDRESS__)
enum { SWITCHES = 5000 };
#else
enum { SWITCHES = 20000 };
#endif

enum { PRESSES = 50 };
static _Atomic(uint64_t) moved;
static _Atomic(int) pressed; /* rounds of presses */

/* In a function of its own, as another thread's may be another. */
static NOINLINE void set_errno(int value)
{
    errno = value;
}

static uint64_t switches_by_now(void)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < rti_world_ps(); i++)
        n += load_rlx(&rti_world.allp[i]->count.yields);
    return n;
}

/* Asks every P to give way, and sends the signal, all the time. */
static void *presses(void *arg)
{
    while (!atomic_load(&quit)) {
        rti_lock_acquire(&rti_world.lock);
        for (uint32_t i = 0; i < rti_world_ps(); i++)
            rti_preempt_ask_locked(rti_world.allp[i], RTI_PREEMPT_SLICE);
        for (struct m *at = rti_world.all_m; at; at = at->all_next)
            rti_preempt_poke(at, false); /* one at a time: more would only fill the kernel's queue */
        rti_lock_release(&rti_world.lock);
        atomic_fetch_add(&pressed, 1);
        sched_yield();
    }
    return arg;
}

/* Asks this P's holder to give way, and lets the signal come some microseconds later: by a timer of this very thread,
 * however busy the machine is. */
static timer_t in_a_moment(uint32_t random)
{
    timer_t timer = NULL;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = rti_preempt_signal()};
    struct itimerspec when = {.it_value.tv_nsec = 1000 + random % 30000};
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    rti_lock_acquire(&rti_world.lock);
    rti_preempt_ask_locked(rti_m_self()->p, RTI_PREEMPT_SLICE);
    rti_lock_release(&rti_world.lock);
    EXPECT(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    EXPECT(timer_settime(timer, 0, &when, NULL) == 0);
    return timer;
}

/* Every register, the red zone, and errno. Nothing in here gives way by itself. */
static void holds_registers(void *arg)
{
    uint64_t seed = (uint64_t)(uintptr_t)arg;
    struct registers in, out;
    int vectors = registers_vectors();
    for (uint64_t i = 0; !atomic_load(&quit); i++) {
        int number = (int)(seed + i % 100), in_memory = (int)(i % 2);
        registers_fill(&in, seed * 1000000 + i);
        rt_preemptible_enter();
        timer_t timer = in_a_moment((uint32_t)in.general[0]);
        long before = syscall(SYS_gettid);
        set_errno(number);
        registers_hold(&in, &out, HOLD_ROUNDS, in_memory, vectors);
        EXPECT(rt_errno() == number);
        atomic_fetch_add(&moved, syscall(SYS_gettid) != before);
        timer_delete(timer);
        rt_preemptible_leave();
        EXPECT(registers_differ(&in, &out, in_memory, vectors) == 0);
    }
    atomic_fetch_add(&gone, 1);
}

static int switches_holders(void *arg)
{
    for (uint64_t i = 1; i <= HOLDERS; i++)
        rt_go(holds_registers, (void *)(uintptr_t)(i * 100));
    for (uint64_t from = switches_by_now(); switches_by_now() < from + SWITCHES;)
        rt_sleep(1000000);
    atomic_store(&quit, 1);
    while (atomic_load(&gone) < HOLDERS)
        rt_yield();
    (void)arg;
    return 0;
}

static void needs_switching(void)
{
    if (!rti_sigframe_can_divert())
        test_skip("goroutines cannot be switched by a signal here");
}

/* The global queue makes them change threads. */
Test(preempt, every_register_and_errno_survive_switches_by_signal_and_other_threads)
{
    struct rt_config config = {.procs = 2, .godebug = "alwaysmigrate=1"};
    needs_switching();
    cr_assert_eq(rt_main(&config, switches_holders, NULL), 0);
    cr_assert_eq(atomic_load(&bad), 0);
    cr_assert_gt(atomic_load(&moved), SWITCHES / 100);
}

Test(preempt, they_survive_on_one_p_too)
{
    struct rt_config config = {.procs = 1};
    needs_switching();
    cr_assert_eq(rt_main(&config, switches_holders, NULL), 0);
    cr_assert_eq(atomic_load(&bad), 0);
}

/* --- where it must not happen --- */

static _Atomic(uint64_t) seen_switches;
RT_PREEMPTIBLE static void marked(void)
{
    while (atomic_load_explicit(&pressed, memory_order_relaxed) < PRESSES)
        ;
}

/* However late the signal finds it. */
RT_PREEMPTIBLE static void marked_until_switched(void)
{
    _Atomic(uint64_t) *yields = &rti_world.allp[0]->count.yields;
    while (load_rlx(yields) == 0)
        ;
}

static NOINLINE void unmarked(void)
{
    while (atomic_load_explicit(&pressed, memory_order_relaxed) < PRESSES)
        ;
}

static NOINLINE void on_an_end_of_a_stack(void)
{
    char *low = rti_m_self()->curg->stack_lo, *here = __builtin_frame_address(0);
    enum { SPARE = 6000, FRAME = 1024 };
    char frame[FRAME];
    __asm__ volatile("" : : "r"(frame) : "memory");
    if (here - low > SPARE + 2 * FRAME)
        on_an_end_of_a_stack();
    else
        marked();
    __asm__ volatile("" : : "r"(frame) : "memory");
}

static void in_a_critical_section(void)
{
    rti_preempt_disable(rti_m_self());
    marked();
    rti_preempt_enable(rti_m_self());
}

static void (*place)(void);
static int stays(void *arg)
{
    pthread_t t;
    bool bracket = arg != NULL;
    EXPECT(pthread_create(&t, NULL, presses, NULL) == 0);
    if (bracket)
        rt_preemptible_enter();
    uint64_t from = switches_by_now();
    place();
    atomic_store(&seen_switches, switches_by_now() - from);
    if (bracket)
        rt_preemptible_leave();
    atomic_store(&quit, 1);
    pthread_join(t, NULL);
    return 0;
}

static uint64_t switches_at(void (*fn)(void), bool bracket, const char *godebug)
{
    struct rt_config config = {.procs = 1, .godebug = godebug};
    place = fn;
    atomic_store(&quit, 0);
    atomic_store(&pressed, 0);
    cr_assert_eq(rt_main(&config, stays, bracket ? &config : NULL), 0);
    return atomic_load(&seen_switches);
}

Test(preempt, a_goroutine_is_switched_only_where_all_allow_it)
{
    needs_switching();
    cr_assert_gt(switches_at(marked_until_switched, true, NULL), 0);
    cr_assert_eq(switches_at(marked, false, NULL), 0, "it did not enter");
    cr_assert_eq(switches_at(unmarked, true, NULL), 0);
    cr_assert_eq(switches_at(in_a_critical_section, true, NULL), 0);
    cr_assert_eq(switches_at(on_an_end_of_a_stack, true, NULL), 0, "no room for its registers");
}

Test(preempt, nobody_is_switched_under_a_seed)
{
    cr_assert_eq(switches_at(marked, true, "seed=7"), 0);
}
