#include "goroutines.h"

#include <errno.h>

#include <rt/chan.h>
#include <rt/sync.h>
#include <rt/time.h>

enum { US = 1000, MS = 1000 * US };

/* --- sleep --- */

struct sleeper {
    int64_t ns;
    struct rt_waitgroup *left;
};

static void sleep_and_check(void *arg)
{
    struct sleeper *s = arg;
    int64_t before = rt_now();
    rt_sleep(s->ns);
    EXPECT(rt_now() - before >= s->ns);
    rt_waitgroup_done(s->left);
}

static void sleepers(void)
{
    static struct sleeper s[300];
    struct rt_waitgroup left = {0};
    rt_waitgroup_add(&left, 300);
    for (int i = 0; i < 300; i++) {
        s[i] = (struct sleeper){.ns = (i * 7919) % 20000 * US / 2, .left = &left};
        rt_go(sleep_and_check, &s[i]);
    }
    rt_waitgroup_wait(&left);
    rt_sleep(0);
    rt_sleep(-1);
    rt_sleep(INT64_MIN);
}

Test(sleep, is_never_shorter_than_asked_for)
{
    run_everywhere(sleepers);
}

static void deadlines(void)
{
    int64_t now = rt_now();
    EXPECT(rt_deadline(5) >= now + 5);
    EXPECT(rt_deadline(-5) >= now);
    EXPECT(rt_deadline(INT64_MAX) == RT_NO_DEADLINE);
}

Test(deadline, saturates)
{
    run_everywhere(deadlines);
}

/* --- timers that send --- */

static void timers_send(void)
{
    int64_t before = rt_now(), at = 0;
    struct rt_timer *t = rt_timer_new(2 * MS);
    EXPECT(rt_chan_cap(rt_timer_chan(t)) == 0);
    struct rt_timer *far = rt_timer_new(3600LL * 1000 * MS);
    EXPECT(rt_try_recv(rt_timer_chan(far), &at) == -EAGAIN); /* not of t: on a busy machine it may have fired */
    rt_timer_free(&far);
    EXPECT(rt_recv(rt_timer_chan(t), &at));
    EXPECT(at - before >= 2 * MS && at <= rt_now());
    EXPECT(!rt_timer_stop(t)); /* it was received */
    EXPECT(!rt_timer_reset(t, 1 * MS));
    EXPECT(rt_recv(rt_timer_chan(t), &at));
    EXPECT(at - before >= 3 * MS);
    rt_timer_free(&t);
    EXPECT(t == NULL);
    rt_timer_free(&t);

    t = rt_timer_new(-1); /* due at once */
    EXPECT(rt_recv(rt_timer_chan(t), &at));
    rt_timer_free(&t);
}

Test(timer, sends_the_time_of_firing_once_and_after_every_reset)
{
    run_everywhere(timers_send);
}

static void stopped_timers(void)
{
    int64_t at;
    struct rt_timer *never = rt_timer_new(INT64_MAX), *soon = rt_timer_new(1);
    EXPECT(rt_timer_stop(never));
    EXPECT(!rt_timer_stop(never));
    rt_sleep(2 * MS);
    EXPECT(rt_chan_len(rt_timer_chan(soon)) == 0);
    /* fired, not received: a stop takes the value back and says so (Go 1.23) */
    EXPECT(rt_timer_stop(soon));
    EXPECT(rt_try_recv(rt_timer_chan(soon), &at) == -EAGAIN);
    EXPECT(!rt_timer_stop(soon));
    rt_timer_reset(soon, 1);
    rt_sleep(2 * MS);
    EXPECT(rt_timer_reset(soon, 3600LL * 1000 * MS));
    EXPECT(rt_try_recv(rt_timer_chan(soon), &at) == -EAGAIN);
    rt_timer_free(&never);
    rt_timer_free(&soon);
}

Test(timer, no_value_of_before_a_stop_or_reset_is_received_after_it)
{
    run_everywhere(stopped_timers);
}

/* The tick is due at a time, whoever looks when. */
static void due_times(void)
{
    int64_t before = rt_now(), at;
    struct rt_timer *t = rt_timer_new(1 * MS), *ticker = rt_ticker_new(1 * MS);
    int64_t after = rt_now();
    while (rt_now() < after + 4 * MS)
        rt_sleep(1 * MS);
    EXPECT(rt_try_recv(rt_timer_chan(t), &at) == 1);
    EXPECT(at >= before + 1 * MS && at <= after + 1 * MS);
    EXPECT(rt_try_recv(rt_timer_chan(t), &at) == -EAGAIN);
    EXPECT(rt_try_recv(rt_timer_chan(ticker), &at) ==
           1); /* the first one, which nobody took; the others were dropped */
    EXPECT(at >= before + 1 * MS && at <= after + 1 * MS);
    int64_t first = at;
    EXPECT(rt_recv(rt_timer_chan(ticker), &at));
    EXPECT(at > after + 4 * MS && (at - first) % MS == 0); /* in phase */
    rt_timer_free(&ticker);
    rt_timer_free(&t);
}

Test(timer, sends_the_time_it_was_due_at_however_late_it_is_received)
{
    run_everywhere(due_times);
}

static void receive_one(void *arg)
{
    int64_t at;
    EXPECT(rt_recv(rt_timer_chan(arg), &at));
}

/* Receivers of one timer wait through its resets; each tick goes to one of them. */
static void resets_beside_receivers(void)
{
    enum { RECEIVERS = 5 };
    struct rt_timer *t = rt_timer_new(3600LL * 1000 * MS);
    uint64_t before = rt_goroutines();
    for (int i = 0; i < RECEIVERS; i++)
        rt_go(receive_one, t);
    for (int i = 0; i < 20; i++)
        rt_yield();
    EXPECT(rt_timer_stop(t));
    for (int i = 0; rt_goroutines() > before; i++) {
        (void)rt_timer_reset(t, i % 3 ? 10 * US : 3600LL * 1000 * MS); /* some ticks are prevented, some come */
        rt_sleep(i % 5 * 20 * US);
    }
    rt_timer_free(&t);
}

Test(timer, that_is_reset_wakes_those_who_wait_already)
{
    run_everywhere(resets_beside_receivers);
}

static void armed_in_vain(void)
{
    struct rt_timer *t = rt_timer_new(3600LL * 1000 * MS);
    EXPECT(rt_recv(NULL, NULL)); /* for ever */
    rt_timer_free(&t);
}

Test(timer, that_nobody_waits_for_keeps_no_deadlock_from_being_seen)
{
    dies_saying(armed_in_vain, "all goroutines are asleep");
}

/* A stop that meets the firing: true means never received, and false cannot be, as nobody receives. */
static void stop_against_fire(void)
{
    int64_t at;
    for (int i = 0; i < 1500; i++) {
        struct rt_timer *t = rt_timer_new(i % 40 * 500);
        for (int j = 0; j < i % 7; j++)
            rt_yield();
        EXPECT(rt_timer_stop(t));
        EXPECT(rt_try_recv(rt_timer_chan(t), &at) == -EAGAIN);
        rt_timer_free(&t);
    }
}

Test(timer, a_stop_at_the_moment_of_firing_is_still_a_stop)
{
    run_everywhere(stop_against_fire);
}

/* What a stop and a reset say: whether the timer was armed, or its value still to be received. */
static void answers_of_timers(void)
{
    int64_t at = 0, start = rt_now();
    struct rt_timer *t = rt_timer_new(3600LL * 1000 * MS);
    EXPECT(rt_timer_reset(t, 3600LL * 1000 * MS)); /* armed */
    EXPECT(rt_timer_reset(t, 1 * MS));
    EXPECT(rt_recv(rt_timer_chan(t), &at) && at - start >= 1 * MS);
    EXPECT(!rt_timer_reset(t, 3600LL * 1000 * MS)); /* fired and received */
    EXPECT(rt_timer_stop(t));
    EXPECT(!rt_timer_reset(t, 1 * MS)); /* stopped */
    EXPECT(rt_recv(rt_timer_chan(t), &at));
    rt_timer_free(&t);
    /* Fired, not received: as if it had not. A select with a default finds it. */
    t = rt_timer_new(0);
    rt_sleep(1 * MS);
    struct rt_case one[] = {rt_case_recv(rt_timer_chan(t), &at)};
    EXPECT(rt_timer_reset(t, 0));
    while (rt_select(one, 1, false) != 0)
        rt_sleep(100 * US);
    EXPECT(one[0].ok && rt_select(one, 1, false) == -EAGAIN);
    rt_timer_free(&t);
}

Test(timer, a_stop_or_reset_tells_whether_it_was_armed)
{
    run_everywhere(answers_of_timers);
}

static void one_gets_it(void *arg)
{
    struct rt_timer *t = ((void **)arg)[0];
    int64_t at;
    struct rt_case cases[] = {rt_case_recv(rt_timer_chan(t), &at), rt_case_recv(((void **)arg)[1], NULL)};
    if (rt_select(cases, 2, true) == 0)
        rt_close(((void **)arg)[1]);
    rt_waitgroup_done(((void **)arg)[2]);
}

static void timer_of_many(void)
{
    struct rt_waitgroup left = {0};
    for (int i = 0; i < 20; i++) {
        struct rt_timer *t = rt_timer_new(200 * US);
        struct rt_chan *got = rt_chan_new(0, 0);
        void *all[] = {t, got, &left};
        rt_waitgroup_add(&left, 5);
        for (int k = 0; k < 5; k++)
            rt_go(one_gets_it, all); /* two that get it would close twice, which is fatal */
        rt_waitgroup_wait(&left);
        rt_timer_free(&t);
        rt_chan_free(&got);
    }
}

Test(timer, fires_for_one_of_those_that_wait)
{
    run_everywhere(timer_of_many);
}

/* --- timers that run --- */

struct tally {
    struct rt_waitgroup left;
    _Atomic(int) ran;
};

static void tally_one(void *arg)
{
    struct tally *t = arg;
    atomic_fetch_add(&t->ran, 1);
    rt_waitgroup_done(&t->left);
}

static void runs_or_is_stopped(void)
{
    enum { ROUNDS = 2000 };
    struct tally t = {0};
    int stopped = 0;
    rt_waitgroup_add(&t.left, ROUNDS);
    for (int i = 0; i < ROUNDS; i++) {
        struct rt_timer *timer = rt_after_func(i % 50 * 500, tally_one, &t);
        EXPECT(rt_timer_chan(timer) == NULL);
        for (int j = 0; j < i % 9; j++)
            rt_yield();
        if (rt_timer_stop(timer)) {
            stopped++;
            rt_waitgroup_done(&t.left);
        }
        rt_timer_free(&timer);
    }
    rt_waitgroup_wait(&t.left);
    rt_sleep(1 * MS);
    EXPECT(t.ran + stopped == ROUNDS);
}

Test(after_func, runs_exactly_once_unless_it_was_stopped)
{
    run_everywhere(runs_or_is_stopped);
}

static void send_one(void *arg)
{
    rt_send(arg, NULL);
}

static void functions_again(void)
{
    struct rt_chan *ran = rt_chan_new(0, 0);
    struct rt_timer *t = rt_after_func(3600LL * 1000 * MS, send_one, ran);
    EXPECT(rt_timer_reset(t, 1 * MS)); /* put off or brought forward */
    EXPECT(rt_recv(ran, NULL));
    EXPECT(!rt_timer_stop(t));
    EXPECT(!rt_timer_reset(t, 1 * MS)); /* it runs again */
    EXPECT(rt_recv(ran, NULL));
    EXPECT(!rt_timer_reset(t, 3600LL * 1000 * MS) && rt_timer_stop(t) && !rt_timer_stop(t));
    EXPECT(rt_try_recv(ran, NULL) == -EAGAIN);
    rt_timer_free(&t);
    rt_chan_free(&ran);
}

Test(after_func, runs_again_after_a_reset)
{
    run_everywhere(functions_again);
}

static void many_timers(void)
{
    enum { MANY = 5000 };
    static struct rt_timer *timer[MANY];
    struct tally t = {0};
    rt_waitgroup_add(&t.left, MANY);
    for (int i = 0; i < MANY; i++)
        timer[i] = rt_after_func(3600LL * 1000 * MS, tally_one, &t);
    for (int i = 0; i < MANY; i++)
        EXPECT(rt_timer_reset(timer[i], (i * 7919) % 5000 * US));
    rt_waitgroup_wait(&t.left);
    EXPECT(t.ran == MANY);
    for (int i = 0; i < MANY; i++) {
        EXPECT(!rt_timer_stop(timer[i]));
        rt_timer_free(&timer[i]);
    }
}

Test(after_func, thousands_all_fire)
{
    run_everywhere(many_timers);
}

/* Whoever resets, stops and frees while they fire. */
static void churn(void *arg)
{
    struct rt_waitgroup *left = arg;
    static struct tally t; /* outlives this goroutine, as those that the timers start may */
    struct rt_timer *timer[8];
    rt_waitgroup_add(&t.left, 1 << 20); /* nobody waits for it: tally_one only counts */
    for (int i = 0; i < 8; i++)
        timer[i] = rt_after_func(i * 100, tally_one, &t);
    for (int i = 0; i < 1500; i++) {
        struct rt_timer **one = &timer[i * 5 % 8];
        if (i % 3 == 0) {
            rt_timer_free(one);
            *one = i % 2 ? rt_timer_new(i % 11 * 1000) : rt_after_func(i % 13 * 1000, tally_one, &t);
        } else {
            (void)rt_timer_reset(*one, i % 17 * 1000);
        }
        if (i % 4 == 0)
            rt_yield();
    }
    for (int i = 0; i < 8; i++) {
        (void)rt_timer_stop(timer[i]);
        rt_timer_free(&timer[i]);
    }
    rt_waitgroup_done(left);
}

static void churning(void)
{
    struct rt_waitgroup left = {0};
    rt_waitgroup_add(&left, 4);
    for (int i = 0; i < 4; i++)
        rt_go(churn, &left);
    rt_waitgroup_wait(&left);
}

Test(timer, may_be_reset_stopped_and_freed_while_it_fires)
{
    run_everywhere(churning);
}

/* --- tickers --- */

static void ticks(void)
{
    int64_t start = rt_now(), at, before = 0;
    struct rt_timer *t = rt_ticker_new(1 * MS);
    for (int i = 1; i <= 5; i++) {
        EXPECT(rt_recv(rt_timer_chan(t), &at));
        EXPECT(at - start >= i * MS); /* no drift: never early, whatever the ones before were */
        EXPECT(at > before);
        before = at;
    }
    rt_sleep(5 * MS); /* a slow receiver: one tick waits, the others were dropped */
    EXPECT(rt_try_recv(rt_timer_chan(t), &at) == 1);
    rt_timer_reset(t, 2 * MS);
    int64_t reset = rt_now();
    EXPECT(rt_recv(rt_timer_chan(t), &at));
    EXPECT(at - reset >= 1 * MS);
    rt_timer_stop(t);
    EXPECT(rt_try_recv(rt_timer_chan(t), &at) == -EAGAIN);
    rt_sleep(5 * MS);
    EXPECT(rt_try_recv(rt_timer_chan(t), &at) == -EAGAIN);
    rt_timer_free(&t);
}

Test(ticker, ticks_in_phase_and_drops_what_nobody_takes)
{
    run_everywhere(ticks);
}

static void tickers_again(void)
{
    int64_t at = 0;
    struct rt_timer *t = rt_ticker_new(3600LL * 1000 * MS);
    int64_t reset = rt_now();
    EXPECT(rt_timer_reset(t, 2 * MS));
    EXPECT(rt_recv(rt_timer_chan(t), &at) && at - reset >= 2 * MS); /* after the new period */
    EXPECT(rt_recv(rt_timer_chan(t), &at) && at - reset >= 4 * MS);
    EXPECT(rt_timer_stop(t)); /* not closed by it, and ticks again after a reset */
    EXPECT(!rt_timer_stop(t));
    EXPECT(rt_try_recv(rt_timer_chan(t), &at) == -EAGAIN);
    reset = rt_now();
    EXPECT(!rt_timer_reset(t, 1 * MS));
    EXPECT(rt_recv(rt_timer_chan(t), &at) && at - reset >= 1 * MS);
    EXPECT(rt_chan_len(rt_timer_chan(t)) == 0 && rt_chan_cap(rt_timer_chan(t)) == 0);
    rt_timer_free(&t);
}

Test(ticker, ticks_again_after_a_reset)
{
    run_everywhere(tickers_again);
}

static void ticker_of_nothing(void)
{
    EXPECT(rt_ticker_new(0));
}

static void ticker_reset_to_nothing(void)
{
    struct rt_timer *t = rt_ticker_new(1 * MS);
    (void)rt_timer_reset(t, 0);
}

Test(ticker, a_period_that_is_not_positive_is_fatal)
{
    dies_saying(ticker_of_nothing, "non-positive interval for NewTicker");
    dies_saying(ticker_reset_to_nothing, "non-positive interval for Ticker.Reset");
}

/* --- after --- */

static void timeouts(void)
{
    struct rt_chan *data = rt_chan_new(sizeof(int), 0);
    for (int i = 0; i < 20; i++) {
        int64_t before = rt_now(), at = 0;
        struct rt_chan *timeout = rt_after(i * 50 * US);
        struct rt_case cases[] = {rt_case_recv(data, NULL), rt_case_recv(timeout, &at)};
        EXPECT(rt_select(cases, 2, true) == 1);
        EXPECT(at - before >= i * 50 * US);
        rt_chan_free(&timeout);
        timeout = rt_after(3600LL * 1000 * MS);
        rt_chan_free(&timeout); /* long before it fires */
    }
    rt_chan_free(&data);
}

Test(after, is_the_timeout_case_of_a_select)
{
    run_everywhere(timeouts);
}

static void free_a_timers_channel(void)
{
    struct rt_timer *t = rt_timer_new(INT64_MAX);
    struct rt_chan *c = rt_timer_chan(t);
    rt_chan_free(&c);
}

Test(timer, its_channel_is_not_freed_alone)
{
    dies_saying(free_a_timers_channel, "use rt_timer_free");
}

/* The main goroutine ends while another thread, woken for nothing, goes to wait for this timer, for the first time in
 * this rt_main: the set of descriptors is made on that way. */
static void nothing(void *arg UNUSED)
{
}

static void end_at_once(void)
{
    static int round;
    struct rt_timer *t = rt_timer_new(3600LL * 1000 * MS);
    rt_go(nothing, NULL);
    int64_t end = rt_now() + round++ % 500 * 200; /* the stop meets every step of that way */
    while (rt_now() < end) {
    }
    rt_timer_free(&t);
}

Test(timer, the_end_of_main_ends_the_first_wait_for_a_far_timer)
{
    not_under_a_seed("real time");
    for (int i = 0; i < 1500; i++)
        run_on(2, end_at_once);
}

/* A goroutine arms a timer and enters a call that only the timer's function ends. When its P is taken from it, that P
 * goes idle beside the others, whose threads went to sleep while there was no timer to wait for. */
static int call[2];

static void end_the_call(void *arg UNUSED)
{
    EXPECT(write(call[1], "x", 1) == 1);
}

static void arm_and_call(void *arg)
{
    char byte;
    for (int64_t end = rt_now() + 20 * MS; rt_now() < end;) {
    }
    struct rt_timer *t = rt_after_func(50 * MS, end_the_call, NULL);
    ssize_t got = RT_BLOCKING(read(call[0], &byte, 1));
    EXPECT(got == 1);
    rt_timer_free(&t);
    rt_waitgroup_done(arg);
}

static void timer_of_a_blocked_thread(void)
{
    struct rt_waitgroup left = {0};
    EXPECT(pipe(call) == 0);
    rt_waitgroup_add(&left, 1);
    rt_go(arm_and_call, &left);
    rt_waitgroup_wait(&left);
    close(call[0]);
    close(call[1]);
}

Test(timer, fires_though_the_thread_that_armed_it_is_in_a_call_and_all_others_sleep, .timeout = 60)
{
    not_under_a_seed("real time");
    run_everywhere(timer_of_a_blocked_thread);
}
