/* test_foreign.c - every public function, called on a thread that the program made itself: what never waits works, what
 * would have to wait is a fatal error that says why (faults.md G8). Then threads that come and go all the time. */
#include "fault.h"
#include "goroutines.h"

#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>

#include <rt/chan.h>
#include <rt/context.h>
#include <rt/debug.h>
#include <rt/poll.h>
#include <rt/sync.h>
#include <rt/time.h>

static struct fault_report report;
static const struct fault_plan nothing_fails = {.name = "none"};

static void run_there(void *(*fn)(void *arg))
{
    pthread_t t;
    if (pthread_create(&t, NULL, fn, NULL) != 0)
        abort();
    rt_enter_blocking();
    pthread_join(t, NULL);
    rt_exit_blocking();
}

static void *(*there)(void *arg);

static int app(void *arg)
{
    (void)arg;
    run_there(there);
    return atomic_load(&expect_bad);
}

static int on_two(void *arg)
{
    struct rt_config config = {.procs = 2};
    there = *(void *(**)(void *))arg;
    return rt_main(&config, app, NULL);
}

static void must_work(void *(*fn)(void *arg))
{
    fault_run(&nothing_fails, on_two, &fn, &report);
    cr_assert_not(report.hung, "%s", report.said);
    cr_assert_eq(report.status, 0, "status %d: %s", report.status, report.said);
}

/* --- go.h, rt.h, blocking.h, debug.h --- */

static _Atomic(int) ran;

static void runs(void *arg)
{
    ran += (int)(intptr_t)arg;
}

static void until_ran(int n)
{
    while (atomic_load(&ran) < n)
        sched_yield();
}

static void *calls_go(void *arg)
{
    struct rt_go_attr attr = {.name = "from outside", .stack = RT_STACK_256K};
    (void)arg;
    EXPECT(rt_go(runs, (void *)1) > 1);
    EXPECT(rt_go_attr(&attr, runs, (void *)2) > 1);
    until_ran(3);
    rt_yield();
    rt_checkpoint();
    EXPECT(rt_goid() == 0);
    EXPECT(rt_goroutines() >= 1);
    rt_set_name("nobody");
    rt_lock_thread();
    rt_unlock_thread();
    rt_stack_pin();
    rt_stack_unpin();
    rt_stack_unpin(); /* of nothing */
    (void)rt_stacks_trim();
    errno = 5;
    EXPECT(rt_errno() == 5);
    rt_external_hold();
    rt_external_release();
    return NULL;
}

static void *calls_rt(void *arg)
{
    static char text[65536];
    (void)arg;
    EXPECT(rt_main(NULL, app, NULL) == -EBUSY);
    EXPECT(rt_procs() == 2);
    EXPECT(rt_set_procs(3) == 2 && rt_procs() == 3);
    EXPECT(rt_set_procs(0) == 3 && rt_set_procs(4096) == -EINVAL);
    EXPECT(rt_version()[0] != '\0');
    rt_enter_blocking();
    rt_exit_blocking();
    EXPECT(RT_BLOCKING(sched_yield()) == 0);
    EXPECT(rt_stack(text, sizeof text, true) > 0 && strstr(text, "goroutine 1 "));
    EXPECT(rt_stack_dump(STDERR_FILENO, false) == 0);
    return NULL;
}

Test(foreign, threads_may_start_goroutines_and_ask_about_them)
{
    must_work(calls_go);
    must_work(calls_rt);
}

/* --- chan.h, sync.h --- */

static void *calls_chan(void *arg)
{
    int v = 4, got = 0;
    struct rt_chan *c = rt_chan_new(sizeof v, 2);
    (void)arg;
    EXPECT(rt_try_recv(c, &got) == -EAGAIN);
    EXPECT(rt_try_send(c, &v) == 0);
    rt_send(c, &v); /* there is room */
    EXPECT(rt_try_send(c, &v) == -EAGAIN);
    EXPECT(rt_chan_len(c) == 2 && rt_chan_cap(c) == 2);
    EXPECT(rt_recv(c, &got) && got == 4);
    struct rt_case cases[] = {rt_case_recv(c, &got), rt_case_send(NULL, &v)};
    EXPECT(rt_select(cases, 2, true) == 0 && cases[0].ok);
    EXPECT(rt_select(cases, 2, false) == -EAGAIN);
    rt_close(c);
    EXPECT(!rt_recv(c, &got) && rt_try_recv(c, &got) == 0);
    rt_chan_free(&c);
    return NULL;
}

static void *calls_sync(void *arg)
{
    static struct rt_mutex m;
    static struct rt_rwmutex rw;
    static struct rt_cond cond;
    static struct rt_waitgroup group;
    static struct rt_once once;
    static struct rt_sema sema;
    (void)arg;
    rt_mutex_lock(&m);
    EXPECT(!rt_mutex_try_lock(&m));
    rt_mutex_unlock(&m);
    rt_rwmutex_rlock(&rw);
    EXPECT(rt_rwmutex_try_rlock(&rw) && !rt_rwmutex_try_lock(&rw));
    rt_rwmutex_runlock(&rw);
    rt_rwmutex_runlock(&rw);
    rt_rwmutex_lock(&rw);
    rt_rwmutex_unlock(&rw);
    rt_cond_signal(&cond);
    rt_cond_broadcast(&cond);
    rt_waitgroup_add(&group, 1);
    rt_waitgroup_done(&group);
    rt_waitgroup_wait(&group);
    rt_once_do(&once, runs, (void *)1);
    rt_once_do(&once, runs, (void *)1);
    EXPECT(atomic_load(&ran) == 1);
    rt_sema_release(&sema);
    EXPECT(rt_sema_try_acquire(&sema) && !rt_sema_try_acquire(&sema));
    rt_sema_release(&sema);
    rt_sema_acquire(&sema);
    return NULL;
}

Test(foreign, threads_may_use_channels_and_locks_as_long_as_nothing_waits)
{
    must_work(calls_chan);
    must_work(calls_sync);
}

/* --- time.h, context.h, poll.h --- */

static void *calls_time(void *arg)
{
    int64_t now = rt_now(), at;
    (void)arg;
    EXPECT(now > 0 && rt_deadline(1000) > now);
    rt_sleep(0);
    struct rt_timer *t = rt_timer_new(RT_NO_DEADLINE / 2), *soon = rt_after_func(1000, runs, (void *)1);
    EXPECT(rt_try_recv(rt_timer_chan(t), &at) == -EAGAIN);
    EXPECT(rt_timer_stop(t) && !rt_timer_reset(t, RT_NO_DEADLINE / 2));
    rt_timer_free(&t);
    until_ran(1); /* nobody else has a reason to look at the clock */
    rt_timer_free(&soon);
    struct rt_timer *ticker = rt_ticker_new(RT_NO_DEADLINE / 2);
    rt_timer_free(&ticker);
    struct rt_chan *after = rt_after(RT_NO_DEADLINE / 2);
    rt_chan_free(&after);
    return NULL;
}

static void *calls_context(void *arg)
{
    struct rt_context *c = rt_context_with_cancel(rt_context_background());
    struct rt_context *child = rt_context_with_timeout(rt_context_ref(c), RT_NO_DEADLINE / 2);
    (void)arg;
    EXPECT(rt_context_err(child) == 0 && rt_context_deadline(child) < RT_NO_DEADLINE);
    rt_context_cancel_cause(c, -EPERM);
    EXPECT(rt_context_err(child) == -ECANCELED && rt_context_cause(child) == -EPERM);
    EXPECT(!rt_recv(rt_context_done(child), NULL));
    rt_context_free(&child);
    rt_context_free(&c);
    rt_context_free(&c);
    c = rt_context_with_deadline(rt_context_background(), rt_now());
    EXPECT(rt_context_err(c) == -ETIMEDOUT);
    rt_context_free(&c);
    return NULL;
}

static void *calls_poll(void *arg)
{
    int fd[2];
    char c = 'x';
    struct rt_pd *pd[2];
    (void)arg;
    EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0);
    EXPECT(rt_poll_open(&pd[0], fd[0]) == 0 && rt_poll_open(&pd[1], fd[1]) == 0);
    EXPECT(rt_poll_fd(pd[0]) == fd[0]);
    EXPECT(rt_write(pd[0], &c, 1, RT_NO_DEADLINE, NULL) == 1);
    EXPECT(rt_read(pd[1], &c, 1, RT_NO_DEADLINE) == 1);
    EXPECT(rt_read(pd[1], &c, 1, rt_now() - 1) == -ETIMEDOUT); /* only looks */
    EXPECT(rt_accept(pd[0], NULL, NULL, rt_now() - 1) == -EINVAL);
    rt_poll_close(&pd[0]);
    close(fd[0]);
    rt_poll_close_fd(&pd[1]);
    return NULL;
}

Test(foreign, threads_may_use_timers_contexts_and_descriptors_as_long_as_nothing_waits)
{
    must_work(calls_time);
    must_work(calls_context);
    must_work(calls_poll);
}

/* --- what waits --- */

static void *sends(void *arg)
{
    struct rt_chan *c = rt_chan_new(0, 0);
    rt_send(c, NULL);
    return arg;
}

static void *receives(void *arg)
{
    struct rt_chan *c = rt_chan_new(0, 0);
    return rt_recv(c, NULL) ? arg : NULL;
}

static void *receives_nil(void *arg)
{
    return rt_recv(NULL, NULL) ? arg : NULL;
}

static void *selects(void *arg)
{
    struct rt_chan *c = rt_chan_new(0, 0);
    struct rt_case cases[] = {rt_case_recv(c, NULL), rt_case_send(c, NULL)};
    return rt_select(cases, 2, true) ? arg : NULL;
}

static void *selects_nothing(void *arg)
{
    return rt_select(NULL, 0, true) ? arg : NULL;
}

static void *locks(void *arg)
{
    static struct rt_mutex m;
    rt_mutex_lock(&m);
    rt_mutex_lock(&m);
    return arg;
}

static void *locks_to_write(void *arg)
{
    static struct rt_rwmutex m;
    rt_rwmutex_rlock(&m);
    rt_rwmutex_lock(&m);
    return arg;
}

static void *locks_to_read(void *arg)
{
    static struct rt_rwmutex m;
    rt_rwmutex_lock(&m);
    rt_rwmutex_rlock(&m);
    return arg;
}

static void *waits_on_cond(void *arg)
{
    static struct rt_mutex m;
    static struct rt_cond c;
    rt_mutex_lock(&m);
    rt_cond_wait(&c, &m);
    return arg;
}

static void *waits_for_group(void *arg)
{
    static struct rt_waitgroup g;
    rt_waitgroup_add(&g, 1);
    rt_waitgroup_wait(&g);
    return arg;
}

static void *acquires(void *arg)
{
    static struct rt_sema s;
    rt_sema_acquire(&s);
    return arg;
}

static void *sleeps(void *arg)
{
    rt_sleep(1000);
    return arg;
}

static void *reads(void *arg)
{
    int fd[2];
    char c;
    struct rt_pd *pd;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0 || rt_poll_open(&pd, fd[0]) != 0)
        return arg;
    return rt_read(pd, &c, 1, RT_NO_DEADLINE) < 0 ? arg : NULL;
}

static void *polls_with_a_deadline(void *arg)
{
    int fd[2];
    struct rt_pd *pd;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0 || rt_poll_open(&pd, fd[0]) != 0)
        return arg;
    return rt_poll_wait(pd, RT_POLL_IN, rt_deadline(INT64_MAX / 2)) < 0 ? arg : NULL;
}

Test(foreign, threads_that_would_have_to_wait_are_told_so)
{
    static const struct {
        const char *name;
        void *(*fn)(void *arg);
    } rows[] = {{"rt_send", sends},
                {"rt_recv", receives},
                {"rt_recv of NULL", receives_nil},
                {"rt_select", selects},
                {"rt_select of nothing", selects_nothing},
                {"rt_mutex_lock", locks},
                {"rt_rwmutex_lock", locks_to_write},
                {"rt_rwmutex_rlock", locks_to_read},
                {"rt_cond_wait", waits_on_cond},
                {"rt_waitgroup_wait", waits_for_group},
                {"rt_sema_acquire", acquires},
                {"rt_sleep", sleeps},
                {"rt_read", reads},
                {"rt_poll_wait", polls_with_a_deadline}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        void *(*fn)(void *) = rows[i].fn;
        fault_run(&nothing_fails, on_two, &fn, &report);
        cr_assert_not(report.hung, "%s: %s", rows[i].name, report.said);
        cr_assert_eq(report.status, 2, "%s: status %d: %s", rows[i].name, report.status, report.said);
        cr_assert_not_null(
            strstr(report.said, "fatal error: a call that waits was made on a thread that runs no goroutine"), "%s: %s",
            rows[i].name, report.said);
    }
}

/* --- threads that come and go --- */

enum { THREADS = 60, EACH = 20 };
static struct rt_waitgroup all;

static void done(void *arg)
{
    (void)arg;
    rt_waitgroup_done(&all);
}

static void *starts_some(void *arg)
{
    for (int i = 0; i < EACH; i++)
        rt_go(done, NULL);
    rt_external_release();
    return arg;
}

static int come_and_go(void *arg)
{
    (void)arg;
    rt_waitgroup_add(&all, THREADS * EACH);
    for (int i = 0; i < THREADS; i++) {
        pthread_t t;
        rt_external_hold(); /* somebody outside will start goroutines: nobody is to call it a deadlock */
        if (pthread_create(&t, NULL, starts_some, NULL) != 0)
            return 1;
        if (i % 2)
            pthread_detach(t);
        else
            EXPECT(RT_BLOCKING(pthread_join(t, NULL)) == 0);
    }
    rt_waitgroup_wait(&all);
    return atomic_load(&expect_bad);
}

static int with_threads(void *arg)
{
    struct rt_config config = {.procs = 2};
    return rt_main(&config, come_and_go, arg);
}

Test(foreign, threads_may_start_goroutines_and_end)
{
    for (long i = fault_effort(); i > 0; i--) {
        fault_run(&nothing_fails, with_threads, NULL, &report);
        cr_assert_not(report.hung, "%s", report.said);
        cr_assert_eq(report.status, 0, "status %d: %s", report.status, report.said);
    }
}
