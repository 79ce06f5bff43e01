#include "goroutines.h"

#include <rt/chan.h>
#include <rt/sync.h>

/* Many goroutines, parked for long, whose stacks are copied out and come back (row 9 of the goals, at a size for every
 * run; lode-bench million does it with ten times as many). */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { MANY = 2000, SANITIZED = 1 };
#else
enum { MANY = 100000, SANITIZED = 0 };
#endif
enum { WORDS = 8, IDLE_BYTES = 1000 };

static struct rt_chan *gate;
static struct rt_waitgroup ended;
static _Atomic(int) started, wrong;

static int64_t status_kb(const char *key)
{
    char line[256];
    long long kb = 0;
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0 && sscanf(line + strlen(key), ": %lld", &kb) == 1)
            break;
    if (f)
        fclose(f);
    return kb;
}

static int64_t memory_bytes(void)
{
    return (status_kb("VmRSS") + status_kb("VmPTE")) * 1024;
}

static void parked(void *arg UNUSED)
{
    uint64_t id = (uint64_t)atomic_fetch_add(&started, 1) + 1, mine[WORDS];
    volatile uint64_t *volatile at = mine;
    for (int i = 0; i < WORDS; i++)
        at[i] = id * 0x9e3779b97f4a7c15u + (uint64_t)i;
    int token = 0;
    bool ok = rt_recv(gate, &token) && token > 0 && at == mine;
    for (int i = 0; i < WORDS; i++)
        ok = ok && at[i] == id * 0x9e3779b97f4a7c15u + (uint64_t)i;
    if (!ok)
        wrong++;
    rt_waitgroup_done(&ended);
}

static void many(void)
{
    struct rt_go_attr attr = {.stack = RT_STACK_16K, .hibernate = true};
    gate = rt_chan_new(sizeof(int), 0);
    started = 0;
    int64_t before = memory_bytes();
    rt_waitgroup_add(&ended, MANY);
    for (int i = 0; i < MANY; i++)
        rt_go_attr(&attr, parked, NULL);
    while (started < MANY)
        rt_yield();
    size_t taken = rt_stacks_trim();
    for (int i = 0; i < 2; i++) /* the last one may have been on its way into the channel */
        taken += rt_stacks_trim();
    int64_t each = (memory_bytes() - before) / MANY;
    EXPECT(taken <= MANY);
    if (taken == MANY && !SANITIZED)
        EXPECT(each < IDLE_BYTES);
    for (int i = 1; i <= MANY; i++)
        rt_send(gate, &i);
    rt_waitgroup_wait(&ended);
    EXPECT(wrong == 0);
    rt_stacks_trim();
    rt_stacks_trim(); /* the free ones too, as nobody wanted them in between */
    each = (memory_bytes() - before) / MANY;
    if (taken == MANY && !SANITIZED)
        EXPECT(each < IDLE_BYTES);
    rt_chan_free(&gate);
}

Test(stacks, of_very_many_parked_goroutines_are_small_and_come_back)
{
    for (int procs = 1; procs <= 2; procs++)
        run_on(procs, many);
}

/* --- pinning --- */

static struct rt_chan *back;

static void lends(void *arg UNUSED)
{
    volatile int lent = 1;
    volatile int *address = &lent;
    rt_stack_pin();
    rt_stack_pin();
    rt_stack_unpin();
    rt_send(back, &address);
    EXPECT(rt_recv(gate, NULL));
    EXPECT(lent == 2);
    rt_stack_unpin();
    rt_waitgroup_done(&ended);
}

static void writes_to_a_pinned_stack(void)
{
    struct rt_go_attr attr = {.hibernate = true};
    gate = rt_chan_new(0, 0);
    back = rt_chan_new(sizeof(int *), 0);
    rt_waitgroup_add(&ended, 1);
    rt_go_attr(&attr, lends, NULL);
    volatile int *address = NULL;
    EXPECT(rt_recv(back, &address));
    for (int i = 0; i < 3; i++)
        EXPECT(rt_stacks_trim() == 0);
    *address = 2;
    rt_send(gate, NULL);
    rt_waitgroup_wait(&ended);
    rt_chan_free(&gate);
    rt_chan_free(&back);
}

Test(stacks, a_pinned_one_may_be_written_to_by_others)
{
    run_everywhere(writes_to_a_pinned_stack);
}

/* --- a goroutine that starts on the stack of one that has ended --- */

enum { HEIRS = 64, KIB16 = 16 << 10 };
static uintptr_t ended_at[HEIRS], heir_at[HEIRS];

static void ends_at_once(void *arg)
{
    char local;
    ended_at[(intptr_t)arg] = (uintptr_t)&local;
}

static void heir(void *arg)
{
    heir_at[(intptr_t)arg] = (uintptr_t)&arg;
    parked(NULL);
}

static void heirs(void)
{
    struct rt_go_attr attr = {.stack = RT_STACK_16K, .hibernate = true}, plain = {.stack = RT_STACK_16K};
    const char *godebug = getenv("GODEBUG");
    int inherited = 0;
    gate = rt_chan_new(sizeof(int), 0);
    started = 0;
    rt_waitgroup_add(&ended, HEIRS);
    for (intptr_t i = 0; i < HEIRS; i++) {
        rt_go_attr(&attr, heir, (void *)i);
        rt_go_attr(&plain, ends_at_once, (void *)i); /* runs first */
        while (started <= i || !ended_at[i])
            rt_yield();
        uintptr_t apart = ended_at[i] > heir_at[i] ? ended_at[i] - heir_at[i] : heir_at[i] - ended_at[i];
        inherited += apart < KIB16;
    }
    if (!SANITIZED && !godebug) /* else each has its own, or the order is another */
        EXPECT(inherited >= HEIRS / 2);
    for (int i = 0; i < 3; i++)
        rt_stacks_trim();
    for (int i = 1; i <= HEIRS; i++)
        rt_send(gate, &i);
    rt_waitgroup_wait(&ended);
    EXPECT(wrong == 0);
    rt_chan_free(&gate);
}

Test(stacks, a_heir_of_a_stack_is_copied_out_and_back_like_any_other)
{
    run_on(1, heirs);
}
