#include "goroutines.h"

#include <poll.h>

#include <rt/blocking.h>
#include <rt/chan.h>
#include <rt/poll.h>
#include <rt/sync.h>
#include <rt/time.h>

/* Goroutines that share stacks: each finds on its own what it left there, whatever it waits for and whoever else was on
 * the stack meanwhile. */

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { MANY = 1000, TURNS = 16 };
#else
enum { MANY = 20000, TURNS = 40 };
#endif
enum { WORDS = 16, FEW = 60, MS = 1000000 };

static const struct rt_go_attr lite = {.name = "lite", .stack = RT_STACK_16K, .lite = true};

static struct rt_chan *gate, *numbers;
static struct rt_waitgroup ended;
static struct rt_mutex mutex;
static _Atomic(int) started, wrong;
static int64_t guarded_sum;

#define MARK(words, id)                                                                                                \
    do {                                                                                                               \
        for (int mark_ = 0; mark_ < WORDS; mark_++)                                                                    \
            (words)[mark_] = (uint64_t)(id)*0x9e3779b97f4a7c15u + (uint64_t)mark_;                                     \
    } while (0)

static bool is_marked(const volatile uint64_t *words, uint64_t id)
{
    bool ok = true;
    for (int i = 0; i < WORDS; i++)
        ok = ok && words[i] == id * 0x9e3779b97f4a7c15u + (uint64_t)i;
    return ok;
}

static void parked(void *arg UNUSED)
{
    volatile uint64_t mine[WORDS];
    const volatile uint64_t *volatile at = mine;
    uint64_t id = (uint64_t)atomic_fetch_add(&started, 1) + 1;
    MARK(mine, id);
    int token = 0;
    if (!rt_recv(gate, &token) || token == 0 || at != mine || !is_marked(mine, id))
        wrong++;
    rt_waitgroup_done(&ended);
}

static void begin(void)
{
    started = wrong = 0;
    guarded_sum = 0;
    gate = rt_chan_new(sizeof(int), 0);
    numbers = rt_chan_new(sizeof(int), 4);
}

static void finish(void)
{
    rt_waitgroup_wait(&ended);
    EXPECT(wrong == 0);
    rt_chan_free(&gate);
    rt_chan_free(&numbers);
}

static void many(void)
{
    begin();
    rt_waitgroup_add(&ended, MANY);
    for (int i = 0; i < MANY; i++)
        rt_go_attr(&lite, parked, NULL);
    while (started < MANY)
        rt_yield();
    for (int i = 1; i <= MANY; i++)
        rt_send(gate, &i);
    finish();
}

Test(lite, of_very_many_each_finds_its_own_words_again)
{
    run_everywhere(many);
}

/* --- everything a goroutine may wait for --- */

static void wait_somehow(int how)
{
    int n = how;
    switch (how % 8) {
    case 0:
        rt_yield();
        break;
    case 1:
        rt_sleep(how % 3 * 10000);
        break;
    case 2:
        rt_mutex_lock(&mutex);
        guarded_sum++;
        if (how % 16 == 2)
            rt_yield(); /* with the lock held: others park on it */
        rt_mutex_unlock(&mutex);
        break;
    case 3:
        rt_send(numbers, &n);
        break;
    case 4:
        EXPECT(rt_recv(numbers, &n));
        break;
    case 5:
        rt_enter_blocking();
        rt_exit_blocking();
        break;
    case 6:
        rt_lock_thread();
        rt_yield();
        rt_unlock_thread();
        break;
    default:
        rt_stack_pin();
        rt_yield();
        rt_stack_unpin();
    }
}

static void busy(void *arg)
{
    volatile uint64_t mine[WORDS];
    const volatile uint64_t *volatile at = mine;
    uint64_t id = (uint64_t)(intptr_t)arg;
    for (int turn = 0; turn < TURNS; turn++) {
        MARK(mine, id + (uint64_t)turn);
        wait_somehow((int)id + turn); /* each of the eight as often as any other, so sends and receives match */
        if (at != mine || !is_marked(mine, id + (uint64_t)turn))
            wrong++;
    }
    rt_waitgroup_done(&ended);
}

static void all_ways(void)
{
    begin();
    rt_waitgroup_add(&ended, 8 * FEW);
    for (int i = 0; i < 8 * FEW; i++)
        rt_go_attr(&lite, busy, (void *)(intptr_t)(8 + i));
    finish();
    EXPECT(guarded_sum == TURNS * FEW);
}

Test(lite, they_wait_in_every_way_and_lose_nothing)
{
    run_everywhere(all_ways);
}

/* --- those that stay on their stack --- */

static NOINLINE uint64_t deep(int depth)
{
    volatile uint64_t mine[WORDS];
    MARK(mine, depth);
    uint64_t below = depth > 0 ? deep(depth - 1) : 0;
    if (depth == 0) {
        int token = 0;
        started++;
        EXPECT(rt_recv(gate, &token));
    }
    if (!is_marked(mine, (uint64_t)depth))
        wrong++;
    return below + mine[0];
}

static void parks_deep(void *arg)
{
    deep((int)(intptr_t)arg);
    rt_waitgroup_done(&ended);
}

/* From shallow to more than is copied out, on the default stack, which sanitizers' frames fit into. */
static void depths(void)
{
    struct rt_go_attr attr = {.lite = true};
    begin();
    rt_waitgroup_add(&ended, FEW);
    for (int i = 0; i < FEW; i++)
        rt_go_attr(&attr, parks_deep, (void *)(intptr_t)(i % 30));
    while (started < FEW)
        rt_yield();
    for (int i = 1; i <= FEW; i++)
        rt_send(gate, &i);
    finish();
}

Test(lite, one_that_parks_deep_in_its_stack_keeps_it)
{
    run_everywhere(depths);
}

static void lends(void *arg UNUSED)
{
    volatile int lent = 1;
    volatile int *address = &lent;
    int token;
    rt_stack_pin();
    rt_send(numbers, &(int){1});
    *(volatile int *volatile *)arg = address;
    started++;
    EXPECT(rt_recv(gate, &token));
    EXPECT(lent == 2);
    rt_stack_unpin();
    rt_waitgroup_done(&ended);
}

static void pins(void)
{
    volatile int *volatile address = NULL;
    int token = 1;
    begin();
    for (int round = 0; round < 20; round++) {
        started = 0;
        rt_waitgroup_add(&ended, 1);
        rt_go_attr(&lite, lends, (void *)(uintptr_t)&address);
        EXPECT(rt_recv(numbers, &token));
        while (started == 0)
            rt_yield();
        rt_waitgroup_add(&ended, 10); /* born while it waits: they run on, on other stacks */
        for (int i = 0; i < 10; i++)
            rt_go_attr(&lite, parked, NULL);
        while (started < 11)
            rt_yield();
        *address = 2;
        for (int i = 0; i < 11; i++)
            rt_send(gate, &token);
        rt_waitgroup_wait(&ended);
    }
    finish();
}

Test(lite, a_pinned_one_may_be_written_to_while_others_are_born)
{
    run_everywhere(pins);
}

static void sleeps_in_a_call(void *arg UNUSED)
{
    int token;
    EXPECT(rt_recv(gate, &token)); /* all were born on the same few stacks */
    rt_enter_blocking();
    (void)poll(NULL, 0, 1);
    rt_exit_blocking();
    rt_waitgroup_done(&ended);
}

static void blocking_calls(void)
{
    begin();
    rt_waitgroup_add(&ended, FEW);
    for (int i = 0; i < FEW; i++)
        rt_go_attr(&lite, sleeps_in_a_call, NULL);
    for (int i = 1; i <= FEW; i++)
        rt_send(gate, &i);
    finish();
}

Test(lite, while_one_is_in_a_blocking_call_the_others_of_its_stack_wait_and_then_go_on)
{
    run_everywhere(blocking_calls);
}

static void reads_a_byte(void *arg)
{
    struct rt_pd *pd = arg;
    char c = 0;
    started++;
    EXPECT(rt_read(pd, &c, 1, rt_deadline(60000LL * MS)) == 1 && c == 'x'); /* into a local variable, after the wait */
    rt_poll_close_fd(&pd);
    rt_waitgroup_done(&ended);
}

static void descriptors(void)
{
    int fd[FEW][2];
    struct rt_pd *pd;
    begin();
    rt_waitgroup_add(&ended, FEW);
    for (int i = 0; i < FEW; i++) {
        EXPECT(pipe(fd[i]) == 0 && rt_poll_open(&pd, fd[i][0]) == 0);
        rt_go_attr(&lite, reads_a_byte, pd);
    }
    while (started < FEW)
        rt_yield();
    for (int i = 0; i < FEW; i++)
        EXPECT(write(fd[i][1], "x", 1) == 1);
    finish();
    for (int i = 0; i < FEW; i++)
        close(fd[i][1]);
}

Test(lite, they_wait_for_descriptors)
{
    run_everywhere(descriptors);
}
