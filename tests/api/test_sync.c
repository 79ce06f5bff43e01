#include "goroutines.h"

#include <rt/sync.h>
#include <rt/time.h>

/* --- mutex --- */

struct shared {
    struct rt_mutex mutex;
    struct rt_waitgroup left;
    int64_t plain, copy; /* equal whenever nobody writes */
    bool trying;
    _Atomic(bool) stop;
    _Atomic(int) turns;
};
enum { WORKERS = 8, TURNS = 3000 };

static void add_under_mutex(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < TURNS; i++) {
        while (s->trying && !rt_mutex_try_lock(&s->mutex))
            rt_yield();
        if (!s->trying)
            rt_mutex_lock(&s->mutex);
        s->plain++;
        if (i % 64 == 0)
            rt_yield(); /* the others run into the lock */
        s->copy++;
        EXPECT(s->plain == s->copy);
        rt_mutex_unlock(&s->mutex);
    }
    rt_waitgroup_done(&s->left);
}

static void count_together(bool trying)
{
    struct shared s = {.trying = trying};
    rt_waitgroup_add(&s.left, WORKERS);
    for (int i = 0; i < WORKERS; i++)
        rt_go(add_under_mutex, &s);
    rt_waitgroup_wait(&s.left);
    EXPECT(s.plain == WORKERS * TURNS);
}

static void mutual_exclusion(void)
{
    count_together(false);
    count_together(true);
}

Test(mutex, lets_one_goroutine_in_at_a_time)
{
    run_everywhere(mutual_exclusion);
}

static void unlock_for_another(void *arg)
{
    rt_mutex_unlock(arg);
}

static void try_and_transfer(void)
{
    static struct rt_mutex m; /* it outlives this function: the other one's unlock may still be under way at its end */
    EXPECT(rt_mutex_try_lock(&m));
    EXPECT(!rt_mutex_try_lock(&m));
    rt_go(unlock_for_another, &m);
    rt_mutex_lock(&m);
    rt_mutex_unlock(&m);
    EXPECT(rt_mutex_try_lock(&m));
    rt_mutex_unlock(&m);
}

Test(mutex, may_be_unlocked_by_another_goroutine)
{
    run_everywhere(try_and_transfer);
}

/* Holds the lock nearly always; without the hand-over of a starving mutex the others would wait for luck. */
static void hog(void *arg)
{
    struct shared *s = arg;
    while (!s->stop) {
        rt_mutex_lock(&s->mutex);
        for (int64_t end = rt_now() + 200000; rt_now() < end && !s->stop;)
            rt_checkpoint();
        rt_mutex_unlock(&s->mutex);
    }
    rt_waitgroup_done(&s->left);
}

static void against_a_hog(void)
{
    struct shared s = {0};
    rt_waitgroup_add(&s.left, 1);
    rt_go(hog, &s);
    for (int i = 0; i < 10; i++) {
        rt_sleep(300000);
        rt_mutex_lock(&s.mutex);
        rt_mutex_unlock(&s.mutex);
    }
    s.stop = true;
    rt_waitgroup_wait(&s.left);
}

Test(mutex, is_handed_over_to_a_waiter_that_starves)
{
    run_everywhere(against_a_hog);
}

static void unlock_unlocked(void)
{
    struct rt_mutex m = {0};
    rt_mutex_lock(&m);
    rt_mutex_unlock(&m);
    rt_mutex_unlock(&m);
}

static void lock_twice(void)
{
    struct rt_mutex m = {0};
    rt_mutex_lock(&m);
    rt_mutex_lock(&m);
}

Test(mutex, misuse_is_fatal)
{
    dies_saying(unlock_unlocked, "unlock of unlocked mutex");
    dies_saying(lock_twice, "asleep");
}

/* --- condition --- */

struct stage {
    struct rt_mutex mutex;
    struct rt_cond cond;
    struct rt_waitgroup left;
    int next, order[20], woken;
    int items;
    bool done;
};
struct actor {
    struct stage *stage;
    int number;
};

static void wait_for_turn(void *arg)
{
    struct actor *a = arg;
    struct stage *s = a->stage;
    rt_mutex_lock(&s->mutex);
    rt_cond_wait(&s->cond, &s->mutex);
    s->order[s->woken++] = a->number;
    rt_mutex_unlock(&s->mutex);
    rt_waitgroup_done(&s->left);
}

static void signals_in_order(void)
{
    struct stage s = {0};
    static struct actor a[20];
    rt_waitgroup_add(&s.left, 20);
    rt_cond_signal(&s.cond); /* nobody there: forgotten */
    for (int i = 0; i < 20; i++) {
        a[i] = (struct actor){.stage = &s, .number = i};
        rt_go(wait_for_turn, &a[i]);
        rt_yield(); /* one P: it waits by now */
    }
    for (int i = 0; i < 10; i++) {
        rt_cond_signal(&s.cond);
        rt_yield();
        EXPECT(s.woken == i + 1);
    }
    rt_cond_broadcast(&s.cond);
    rt_waitgroup_wait(&s.left);
    EXPECT(s.woken == 20);
    for (int i = 0; i < 20; i++)
        EXPECT(s.order[i] == i);
}

Test(cond, a_signal_wakes_one_in_order_and_a_broadcast_the_rest)
{
    not_under_a_seed("the order of coming");
    run_on(1, signals_in_order);
}

static void take_items(void *arg)
{
    struct stage *s = arg;
    rt_mutex_lock(&s->mutex);
    for (;;) {
        while (s->items == 0 && !s->done)
            rt_cond_wait(&s->cond, &s->mutex);
        if (s->items == 0)
            break;
        s->items--;
        s->woken++;
    }
    rt_mutex_unlock(&s->mutex);
    rt_waitgroup_done(&s->left);
}

static void items_and_takers(void)
{
    struct stage s = {0};
    rt_waitgroup_add(&s.left, WORKERS);
    for (int i = 0; i < WORKERS; i++)
        rt_go(take_items, &s);
    for (int i = 0; i < TURNS; i++) {
        rt_mutex_lock(&s.mutex);
        s.items++;
        if (i % 2)
            rt_cond_signal(&s.cond);
        rt_mutex_unlock(&s.mutex);
        if (i % 2 == 0)
            rt_cond_signal(&s.cond);
    }
    rt_mutex_lock(&s.mutex);
    s.done = true;
    rt_mutex_unlock(&s.mutex);
    rt_cond_broadcast(&s.cond);
    rt_waitgroup_wait(&s.left);
    EXPECT(s.woken == TURNS);
}

Test(cond, no_signal_is_lost_between_unlock_and_sleep)
{
    run_everywhere(items_and_takers);
}

static void wait_without_the_mutex(void)
{
    struct rt_mutex m = {0};
    struct rt_cond c = {0};
    rt_cond_wait(&c, &m);
}

static void nobody_signals(void)
{
    struct rt_mutex m = {0};
    struct rt_cond c = {0};
    rt_cond_signal(&c); /* before: forgotten */
    rt_cond_broadcast(&c);
    rt_mutex_lock(&m);
    rt_cond_wait(&c, &m);
}

Test(cond, a_wait_needs_the_mutex_and_a_signal_that_comes_after)
{
    dies_saying(wait_without_the_mutex, "unlock of unlocked mutex");
    dies_saying(nobody_signals, "asleep");
}

/* --- wait group --- */

static void one_done(void *arg)
{
    struct shared *s = arg;
    atomic_fetch_add(&s->turns, 1);
    rt_waitgroup_done(&s->left);
}

static void wait_too(void *arg)
{
    struct shared *s = arg;
    rt_waitgroup_wait(&s->left);
    EXPECT(s->turns >= 20);
    rt_waitgroup_done(&s[1].left);
}

static void rounds_of_waiting(void)
{
    struct shared s[2] = {0};
    rt_waitgroup_wait(&s[0].left); /* nothing to wait for */
    for (int round = 1; round <= 100; round++) {
        rt_waitgroup_add(&s[0].left, 20);
        rt_waitgroup_add(&s[1].left, 3);
        for (int i = 0; i < 3; i++)
            rt_go(wait_too, s);
        for (int i = 0; i < 20; i++)
            rt_go(one_done, s);
        rt_waitgroup_wait(&s[0].left);
        EXPECT(s[0].turns == 20 * round);
        rt_waitgroup_wait(&s[1].left); /* all waiters of this round are out: it may be used again */
    }
}

Test(waitgroup, everybody_waits_for_all_and_it_can_be_used_again)
{
    run_everywhere(rounds_of_waiting);
}

/* With a counter above 0 more may be added at any time, in any amount. */
static void add_more(void *arg)
{
    struct shared *s = arg;
    int turn = atomic_fetch_add(&s->turns, 1);
    if (turn < 60) {
        rt_waitgroup_add(&s->left, 3);
        rt_go(add_more, s);
        rt_go(one_done, s);
        rt_waitgroup_add(&s->left, -1); /* one of the three was too many */
    }
    rt_waitgroup_done(&s->left);
}

static void growing_group(void)
{
    for (int round = 0; round < 50; round++) {
        struct shared s = {0};
        rt_waitgroup_add(&s.left, 2);
        rt_go(add_more, &s);
        rt_go(add_more, &s);
        rt_waitgroup_wait(&s.left);
        EXPECT(s.turns >= 60);
        int64_t turns = s.turns;
        rt_yield();
        EXPECT(s.turns == turns); /* nobody was left behind */
    }
}

Test(waitgroup, more_may_be_added_while_somebody_waits)
{
    run_everywhere(growing_group);
}

static void negative(void)
{
    struct rt_waitgroup w = {0};
    rt_waitgroup_add(&w, 1);
    rt_waitgroup_done(&w);
    rt_waitgroup_done(&w);
}

Test(waitgroup, a_negative_counter_is_fatal)
{
    dies_saying(negative, "negative WaitGroup counter");
}

/* --- once --- */

struct first {
    struct rt_once once;
    struct rt_waitgroup left;
    int runs;
};

static void run_slowly(void *arg)
{
    struct first *f = arg;
    for (int i = 0; i < 10; i++)
        rt_yield();
    f->runs++;
}

static void all_do(void *arg)
{
    struct first *f = arg;
    rt_once_do(&f->once, run_slowly, f);
    EXPECT(f->runs == 1);
    rt_waitgroup_done(&f->left);
}

static void once_among_many(void)
{
    for (int round = 0; round < 50; round++) {
        struct first f = {0};
        rt_waitgroup_add(&f.left, 20);
        for (int i = 0; i < 20; i++)
            rt_go(all_do, &f);
        rt_waitgroup_wait(&f.left);
        EXPECT(f.runs == 1);
    }
}

Test(once, runs_once_and_everybody_returns_after_it)
{
    run_everywhere(once_among_many);
}

static void count_a_run(void *arg)
{
    *(int *)arg += 1;
}

static void other_functions(void)
{
    struct rt_once once = {0}, again = {0};
    int runs = 0, others = 0;
    rt_once_do(&once, count_a_run, &runs);
    rt_once_do(&once, count_a_run, &others);
    rt_once_do(&once, NULL, NULL);
    EXPECT(runs == 1 && others == 0);
    rt_once_do(&again, count_a_run, &others);
    EXPECT(others == 1);
}

Test(once, only_the_first_function_runs_whatever_the_others_are)
{
    run_everywhere(other_functions);
}

/* --- semaphore --- */

struct pool {
    struct rt_sema sema;
    struct rt_waitgroup left;
    _Atomic(int) inside;
};
enum { PERMITS = 3 };

static void use_permit(void *arg)
{
    struct pool *p = arg;
    for (int i = 0; i < 1000; i++) {
        if (i % 3 != 0 || !rt_sema_try_acquire(&p->sema))
            rt_sema_acquire(&p->sema);
        EXPECT(atomic_fetch_add(&p->inside, 1) < PERMITS);
        if (i % 16 == 0)
            rt_yield();
        atomic_fetch_sub(&p->inside, 1);
        rt_sema_release(&p->sema);
    }
    rt_waitgroup_done(&p->left);
}

static void permits(void)
{
    struct pool p = {0};
    EXPECT(!rt_sema_try_acquire(&p.sema));
    for (int i = 0; i < PERMITS; i++)
        rt_sema_release(&p.sema);
    rt_waitgroup_add(&p.left, WORKERS);
    for (int i = 0; i < WORKERS; i++)
        rt_go(use_permit, &p);
    rt_waitgroup_wait(&p.left);
    for (int i = 0; i < PERMITS; i++)
        EXPECT(rt_sema_try_acquire(&p.sema));
    EXPECT(!rt_sema_try_acquire(&p.sema));
}

Test(sema, no_more_inside_than_permits_and_none_is_lost)
{
    run_everywhere(permits);
}
