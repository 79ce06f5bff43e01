/* How many atomic read-modify-writes an operation costs: the unit of cost of a runtime like this one. The processor is
 * set to trap after every instruction (the TF flag), and the handler counts those with a lock prefix, and exchanges
 * with memory. Single steps are slow, so sysmon, which would find every slice too long, is kept out meanwhile by
 * holding the world's lock: the count does not depend on time. x86-64 without sanitizers, which add their own. */
#include "test.h"

#include "base/lock.h"
#include "proc/world.h"
#include <rt/blocking.h>
#include <rt/chan.h>
#include <rt/rt.h>
#include <rt/sync.h>
#include <rt/time.h>

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#include <pthread.h>
#include <signal.h>
#include <ucontext.h>

static struct {
    volatile int64_t locked, all;
    volatile pthread_t thread;
    volatile bool moved; /* the goroutine went on on another thread: what it did there was not counted */
} seen;

static bool is_prefix(uint8_t b)
{
    return b == 0x66 || b == 0x67 || b == 0xf2 || b == 0xf3 || b == 0x2e || b == 0x36 || b == 0x3e || b == 0x26 ||
           b == 0x64 || b == 0x65;
}

/* The instruction at p reads and writes memory in one step. */
static bool is_rmw(const uint8_t *p)
{
    for (;; p++) {
        if (*p == 0xf0)
            return true;
        if (!is_prefix(*p))
            break;
    }
    if ((*p & 0xf0) == 0x40) /* REX */
        p++;
    return (p[0] == 0x86 || p[0] == 0x87) && p[1] < 0xc0; /* xchg with memory locks by itself */
}

static void stepped(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info;
    const ucontext_t *c = context;
    seen.all++;
    seen.locked += is_rmw((const uint8_t *)(uintptr_t)c->uc_mcontext.gregs[REG_RIP]);
}

/* Single steps from here on, in this thread and whatever goroutine runs on it. */
static void step_on(void)
{
    seen.locked = seen.all = 0;
    seen.thread = pthread_self();
    __asm__ volatile("sub $128, %%rsp\n pushfq\n orq $0x100, (%%rsp)\n popfq\n add $128, %%rsp" ::: "memory", "cc");
}

static int64_t step_off(void)
{
    __asm__ volatile("sub $128, %%rsp\n pushfq\n andq $~0x100, (%%rsp)\n popfq\n add $128, %%rsp" ::: "memory", "cc");
    seen.moved = !pthread_equal(seen.thread, pthread_self());
    return seen.locked;
}

static bool stepping_works(void)
{
    struct sigaction action = {.sa_sigaction = stepped, .sa_flags = SA_SIGINFO | SA_RESTART};
    uint64_t word = 0, other = 1;
    sigaction(SIGTRAP, &action, NULL);
    step_on();
    __asm__ volatile("lock incq %0\n xchgq %1, %0\n movq %1, %0\n xchgq %1, %1" : "+m"(word), "+r"(other) : : "cc");
    return step_off() == 2 && seen.all > 4;
}

/* One measurement: op does n operations, some read-modify-writes each. None of them needs the world's lock. */
struct cost {
    int n;
    void (*op)(struct cost *c, int n);
    struct rt_chan *a, *b;
    struct rt_timer *timer;
    int64_t total;
    bool moved, wrong; /* wrong: an operation did not do what it should (an assertion on the way would be counted) */
};
enum { OPS = 32 };

static int measure(void *arg)
{
    struct cost *c = arg;
    c->a = rt_chan_new(sizeof(int64_t), 0);
    c->b = rt_chan_new(sizeof(int64_t), 1);
    c->op(c, c->n); /* once before: pools are filled, symbols bound */
    rti_lock_acquire(&rti_world.lock);
    rti_lockrank_released(rti_world.lock.rank, &rti_world.lock); /* held, but not by the rules of rank */
    step_on();
    c->op(c, c->n);
    c->total = step_off();
    c->moved = seen.moved;
    rti_lockrank_acquired(rti_world.lock.rank, &rti_world.lock);
    rti_lock_release(&rti_world.lock);
    rt_chan_free(&c->a);
    rt_chan_free(&c->b);
    return 0;
}

/* Read-modify-writes of n operations. */
static int64_t cost_of(void (*op)(struct cost *c, int n), int n)
{
    struct cost c = {.n = n, .op = op};
    struct rt_config config = {.procs = 1};
    if (getenv("GODEBUG"))
        test_skip("GODEBUG changes what the scheduler does");
    if (!stepping_works())
        test_skip("single steps do not arrive here");
    cr_assert_eq(rt_main(&config, measure, &c), 0);
    cr_assert_not(c.moved, "the goroutine changed threads");
    cr_assert_not(c.wrong);
    return c.total;
}

/* At most each per operation, and a few more for what comes once in many: a batch of ids, the start of a helper. */
#define ASSERT_COST(op, n, each)                                                                                       \
    do {                                                                                                               \
        int64_t total_ = cost_of(op, n);                                                                               \
        cr_assert_leq(total_, (each) * (n) + 8, "%d operations cost %d read-modify-writes", (n), (int)total_);         \
    } while (0)

static void yield_often(void *arg)
{
    int n = *(int *)arg;
    for (int i = 0; i < n; i++)
        rt_yield();
}

/* n yields in all, to another goroutine each. */
static void yields(struct cost *c, int n)
{
    (void)c;
    int half = n / 2;
    rt_go(yield_often, &half);
    yield_often(&half);
    rt_yield();
}

Test(rmw, a_yield_costs_one)
{
    ASSERT_COST(yields, OPS, 1);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void spawns_and_ends(struct cost *c, int n)
{
    (void)c;
    for (int i = 0; i < n; i++)
        rt_go(nothing, NULL);
    rt_yield();
}

/* The same, but what it costs to run and end them is not counted. */
static void spawns(struct cost *c, int n)
{
    (void)c;
    for (int i = 0; i < n; i++)
        rt_go(nothing, NULL);
    int64_t so_far = seen.locked;
    rt_yield();
    seen.locked = so_far;
}

enum { SPAWNS = 30 }; /* no more than a P keeps dead ones for */

Test(rmw, a_spawn_costs_one)
{
    ASSERT_COST(spawns, SPAWNS, 1);
}

Test(rmw, a_goroutine_from_spawn_to_end_costs_two)
{
    ASSERT_COST(spawns_and_ends, SPAWNS, 2);
}

static void echo(void *arg)
{
    struct cost *c = arg;
    int64_t v;
    while (rt_recv(c->a, &v) && v > 0)
        rt_send(c->a, &v);
}

/* Per round trip a send and a receive here, and the same there. */
static void unbuffered(struct cost *c, int n)
{
    rt_go(echo, c);
    for (int64_t v = n / 4; v > 0; v--) {
        int64_t back;
        rt_send(c->a, &v);
        c->wrong |= !rt_recv(c->a, &back);
    }
    rt_send(c->a, &(int64_t){0});
    rt_yield();
}

Test(rmw, a_send_or_receive_on_an_unbuffered_channel_costs_two)
{
    ASSERT_COST(unbuffered, OPS, 2);
}

static void buffered(struct cost *c, int n)
{
    int64_t v = 0;
    for (int i = 0; i < n / 2; i++) {
        rt_send(c->b, &v);
        c->wrong |= !rt_recv(c->b, &v);
    }
}

Test(rmw, a_send_or_receive_on_a_buffered_channel_costs_one)
{
    ASSERT_COST(buffered, OPS, 1);
}

/* Of two ready cases one is done, and what it changed is put back by a send or receive that costs one. */
static void ready_selects(struct cost *c, int n)
{
    int64_t v = 0;
    for (int i = 0; i < n; i++) {
        struct rt_case cases[] = {rt_case_send(c->b, &v), rt_case_recv(c->a, &v)};
        c->wrong |= rt_select(cases, 2, true) != 0;
        c->wrong |= !rt_recv(c->b, &v);
    }
}

Test(rmw, a_select_that_finds_a_ready_case_costs_one)
{
    ASSERT_COST(ready_selects, OPS, 1 + 1);
}

static void feed(void *arg)
{
    struct cost *c = arg;
    for (int i = 0; i < c->n; i++)
        rt_send(c->a, &(int64_t){1});
}

static void waiting_selects(struct cost *c, int n)
{
    int64_t v;
    rt_go(feed, c);
    for (int i = 0; i < n; i++) {
        struct rt_case cases[] = {rt_case_recv(c->b, &v), rt_case_recv(c->a, &v)};
        c->wrong |= rt_select(cases, 2, true) != 1;
    }
    rt_yield();
}

Test(rmw, a_select_of_two_that_waits_costs_six_with_the_send_that_ends_it)
{
    ASSERT_COST(waiting_selects, OPS, 6);
}

static void timer_adds(struct cost *c, int n)
{
    (void)c;
    struct rt_timer *t[OPS];
    for (int i = 0; i < n; i++)
        t[i] = rt_timer_new(INT64_C(3600000000000) + i);
    int64_t before = seen.locked;
    for (int i = 0; i < n; i++)
        rt_timer_free(&t[i]);
    seen.locked = before;
}

Test(rmw, a_timer_with_a_channel_costs_none)
{
    ASSERT_COST(timer_adds, OPS, 0);
}

static void func_adds(struct cost *c, int n)
{
    struct rt_timer *t[OPS];
    (void)c;
    for (int i = 0; i < n; i++)
        t[i] = rt_after_func(INT64_C(3600000000000) + i, nothing, NULL);
    int64_t before = seen.locked;
    for (int i = 0; i < n; i++)
        rt_timer_free(&t[i]);
    seen.locked = before;
}

Test(rmw, a_timer_with_a_function_costs_one)
{
    ASSERT_COST(func_adds, OPS, 1);
}

static void timer_stops(struct cost *c, int n)
{
    for (int i = 0; i < n; i++) {
        struct rt_timer *t = rt_timer_new(INT64_C(3600000000000));
        c->wrong |= !rt_timer_stop(t);
        rt_timer_free(&t);
    }
}

Test(rmw, a_timer_made_stopped_and_freed_costs_one)
{
    ASSERT_COST(timer_stops, OPS, 1);
}

static void timer_resets(struct cost *c, int n)
{
    if (!c->timer)
        c->timer = rt_timer_new(INT64_C(3600000000000));
    for (int i = 0; i < n; i++)
        rt_timer_reset(c->timer, INT64_C(3600000000000) + i);
}

Test(rmw, a_reset_costs_one)
{
    ASSERT_COST(timer_resets, OPS, 1);
}

static void gates(struct cost *c, int n)
{
    (void)c;
    for (int i = 0; i < n; i++) {
        rt_enter_blocking();
        rt_exit_blocking();
    }
}

Test(rmw, the_gate_of_a_blocking_call_costs_none)
{
    ASSERT_COST(gates, OPS, 0);
}

static void locks(struct cost *c, int n)
{
    static struct rt_mutex m;
    (void)c;
    for (int i = 0; i < n; i++) {
        rt_mutex_lock(&m);
        rt_mutex_unlock(&m);
    }
}

Test(rmw, an_uncontended_mutex_costs_one_for_lock_and_unlock)
{
    ASSERT_COST(locks, OPS, 1);
}

#endif
