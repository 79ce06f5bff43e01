/* test_go.c - goroutines as a user sees them: start, yield, names, blocking calls, fatal reports. */
#include "seeds.h"
#include "test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <rt/rt.h>

#if defined(__SANITIZE_THREAD__)
enum { MANY = 4000, STORM = 2000, ROUNDS = 200 }; /* ThreadSanitizer knows 8128 goroutines at a time */
#else
enum { MANY = 100000, STORM = 20000, ROUNDS = 2000 };
#endif

static _Atomic(int) count, done;

static void wait_for(_Atomic(int) *what, int want)
{
    while (atomic_load(what) != want)
        rt_yield();
}

static void one_more(void *arg)
{
    (void)arg;
    atomic_fetch_add(&count, 1);
    atomic_fetch_add(&done, 1);
}

static int run(int procs, int (*app)(void *), const char *godebug)
{
    struct rt_config config = {.procs = procs, .godebug = godebug};
    atomic_store(&count, 0);
    atomic_store(&done, 0);
    return rt_main(&config, app, NULL);
}

/* Runs app in a child process and keeps what it wrote to standard error. Returns the wait status. */
static char report[16384];
static int run_child(int (*app)(void *), int procs, const char *godebug)
{
    int pipes[2];
    cr_assert(pipe(pipes) == 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pipes[1], STDERR_FILENO);
        close(pipes[0]);
        close(pipes[1]);
        alarm(60);
        _exit(run(procs, app, godebug) == 0 ? 0 : 1);
    }
    close(pipes[1]);
    size_t n = 0;
    for (ssize_t r; (r = read(pipes[0], report + n, sizeof report - 1 - n)) > 0;)
        n += (size_t)r;
    report[n] = '\0';
    close(pipes[0]);
    int status = 0;
    cr_assert(waitpid(pid, &status, 0) == pid);
    return status;
}

/* --- start and end --- */
static int answer(void *arg)
{
    (void)arg;
    return rt_goid() == 1 && rt_procs() >= 1 ? 42 : 1;
}

Test(go, main_returns_the_value_of_its_function)
{
    cr_assert_eq(rt_procs(), 0);
    cr_assert_eq(rt_main(NULL, answer, NULL), 42);
    cr_assert_eq(rt_procs(), 0);
}

Test(go, main_can_run_several_times_one_after_another)
{
    for (int i = 0; i < 5; i++)
        cr_assert_eq(run(1 + i % 3, answer, NULL), 42);
}

static int nested(void *arg)
{
    (void)arg;
    return rt_main(NULL, answer, NULL);
}

Test(go, a_second_runtime_at_the_same_time_is_refused)
{
    cr_assert_eq(rt_main(NULL, nested, NULL), -EBUSY);
}

Test(go, an_unknown_debug_switch_is_refused)
{
    cr_assert_eq(run(1, answer, "nosuchswitch=1"), -EINVAL);
    cr_assert_eq(run(1, answer, "alwaysmigrate=x"), -EINVAL);
    cr_assert_eq(run(-3, answer, NULL), -EINVAL);
    cr_assert_eq(run(1, answer, NULL), 42);
}

static void endless(void *arg)
{
    (void)arg;
    for (;;)
        rt_checkpoint();
}

static int leave_others_running(void *arg)
{
    (void)arg;
    for (int i = 0; i < 8; i++)
        rt_go(endless, NULL);
    rt_yield();
    return 3;
}

Test(go, goroutines_that_never_end_do_not_keep_main)
{
    for (int i = 0; i < 3; i++)
        cr_assert_eq(run(2, leave_others_running, NULL), 3);
}

/* --- spawn and yield --- */
static int spawn_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < MANY; i++)
        rt_go(one_more, NULL);
    wait_for(&done, MANY);
    return atomic_load(&count) == MANY ? 0 : 1;
}

Test(go, a_hundred_thousand_goroutines_all_run_once)
{
    cr_assert_eq(run(1, spawn_many, NULL), 0);
    cr_assert_eq(run(3, spawn_many, NULL), 0);
}

static void yield_twice(void *arg)
{
    (void)arg;
    rt_yield();
    rt_yield();
    one_more(NULL);
}

static int many_alive(void *arg)
{
    (void)arg;
    struct rt_go_attr attr = {.stack = RT_STACK_16K};
    for (int i = 0; i < MANY; i++)
        rt_go_attr(&attr, yield_twice, NULL);
    wait_for(&done, MANY);
    return 0;
}

Test(go, all_of_them_may_be_alive_at_the_same_time)
{
    cr_assert_eq(run(2, many_alive, NULL), 0);
}

static void storm(void *arg)
{
    (void)arg;
    for (int i = 0; i < STORM; i++) {
        rt_go(one_more, NULL);
        if (i % 64 == 0)
            rt_yield();
    }
    atomic_fetch_add(&done, 1);
}

static int storms(void *arg)
{
    (void)arg;
    for (int i = 0; i < 4; i++)
        rt_go(storm, NULL);
    wait_for(&done, 4 * (STORM + 1));
    return atomic_load(&count) == 4 * STORM ? 0 : 1;
}

Test(go, spawn_storms_from_several_goroutines_lose_none)
{
    cr_assert_eq(run(4, storms, NULL), 0);
    cr_assert_eq(run(2, storms, "alwaysmigrate=1"), 0);
}

static int order[4], order_len;
static void note_order(void *arg)
{
    order[order_len++] = (int)(intptr_t)arg;
    rt_yield();
    atomic_fetch_add(&done, 1);
}

static int in_order(void *arg)
{
    (void)arg;
    order_len = 0;
    for (int i = 0; i < 4; i++)
        rt_go(note_order, (void *)(intptr_t)i);
    wait_for(&done, 4);
    /* The last one started runs next (it inherits the slice), the others in their order. */
    return order[0] == 3 && order[1] == 0 && order[2] == 1 && order[3] == 2 ? 0 : 1;
}

Test(go, on_one_p_the_last_started_runs_first_then_the_queue_in_order)
{
    not_under_a_seed("the order of running");
    cr_assert_eq(run(1, in_order, NULL), 0);
}

static int deep(int n)
{
    char room[512];
    memset(room, n, sizeof room);
    return n == 0 ? room[0] : deep(n - 1) + room[511] - n;
}

static void use_stack(void *arg)
{
    int kib = (int)(intptr_t)arg;
    deep(kib); /* more than half a KiB a level */
    atomic_fetch_add(&done, 1);
}

static int stacks(void *arg)
{
    (void)arg;
    static const struct {
        enum rt_stack stack;
        int levels;
    } rows[] = {{RT_STACK_16K, 4}, {RT_STACK_DEFAULT, 40}, {RT_STACK_256K, 150}, {RT_STACK_1M, 700}};
    for (int i = 0; i < 4; i++) {
        struct rt_go_attr attr = {.name = "deep", .stack = rows[i].stack};
        rt_go_attr(&attr, use_stack, (void *)(intptr_t)rows[i].levels);
    }
    wait_for(&done, 4);
    return 0;
}

Test(go, each_stack_class_holds_what_it_promises)
{
    cr_assert_eq(run(2, stacks, NULL), 0);
    cr_assert_eq(run(2, stacks, "guardpages=1"), 0);
    cr_assert_eq(run(2, stacks, "guardpages=0"), 0);
}

/* --- ids --- */
static _Atomic(uint64_t) id_seen;
static void tell_id(void *arg)
{
    (void)arg;
    atomic_store(&id_seen, rt_goid());
    atomic_fetch_add(&done, 1);
}

static int ids(void *arg)
{
    (void)arg;
    uint64_t last = 1;
    for (int i = 1; i <= 100; i++) {
        uint64_t id = rt_go(tell_id, NULL);
        wait_for(&done, i);
        if (id <= last || id != atomic_load(&id_seen))
            return 1;
        last = id;
    }
    return 0;
}

Test(go, spawn_returns_the_id_that_the_goroutine_sees)
{
    cr_assert_eq(run(1, ids, NULL), 0);
    cr_assert_eq(rt_goid(), 0);
}

/* --- threads --- */
/* Not pthread_self(): compilers take it for the same all through a function. */
static long thread_of(void)
{
    return syscall(SYS_gettid);
}

static _Atomic(int) moves;
static void wander(void *arg)
{
    (void)arg;
    /* On a busy machine the other thread may come late: until somebody has moved. */
    for (int i = 0; i < ROUNDS || atomic_load(&moves) == 0; i++) {
        long before = thread_of();
        char path[] = "/nonexistent";
        int wrong = access(path, F_OK) == 0 ? 0 : rt_errno();
        rt_yield();
        atomic_fetch_add(&moves, thread_of() != before);
        /* errno set on this thread after the move is this thread's: -1 from close sets EBADF. */
        if (wrong != ENOENT || close(-1) != -1 || rt_errno() != EBADF)
            atomic_fetch_add(&count, 1);
    }
    atomic_fetch_add(&done, 1);
}

static int wanderers(void *arg)
{
    (void)arg;
    for (int i = 0; i < 4; i++)
        rt_go(wander, NULL);
    wait_for(&done, 4);
    return atomic_load(&count) == 0 && atomic_load(&moves) > 0 ? 0 : 1;
}

Test(go, errno_is_the_current_threads_after_a_goroutine_moved)
{
    not_under_a_seed("a second thread");
    cr_assert_eq(run(2, wanderers, "alwaysmigrate=1"), 0);
}

static void *from_outside(void *arg)
{
    for (int i = 0; i < 1000; i++)
        rt_go(one_more, NULL);
    rt_yield(); /* no-ops here */
    rt_checkpoint();
    rt_enter_blocking();
    rt_exit_blocking();
    return arg;
}

static int foreign(void *arg)
{
    pthread_t t;
    rt_external_hold();
    if (pthread_create(&t, NULL, from_outside, NULL) != 0)
        return 1;
    wait_for(&done, 1000);
    rt_external_release();
    pthread_join(t, NULL);
    (void)arg;
    return 0;
}

Test(go, a_thread_outside_the_runtime_may_start_goroutines)
{
    cr_assert_eq(run(2, foreign, NULL), 0);
}

/* --- blocking calls --- */
static int ready_pipe[2];
static void block_on_pipe(void *arg)
{
    char c;
    long n = RT_BLOCKING(read(ready_pipe[0], &c, 1));
    atomic_fetch_add(&count, n == 1 ? 1 : 1000);
    atomic_fetch_add(&done, 1);
    (void)arg;
}

static int blocked_call(void *arg)
{
    (void)arg;
    if (pipe(ready_pipe) != 0)
        return 1;
    rt_go(block_on_pipe, NULL);
    rt_go(block_on_pipe, NULL);
    /* With one P this line is only reached again after the P was taken from the blocked threads. */
    rt_yield();
    for (int i = 0; i < 100; i++)
        rt_go(one_more, NULL);
    wait_for(&count, 100);
    if (write(ready_pipe[1], "ab", 2) != 2)
        return 1;
    wait_for(&count, 102);
    close(ready_pipe[0]);
    close(ready_pipe[1]);
    return 0;
}

Test(go, a_blocked_thread_does_not_stall_the_others_of_its_p)
{
    cr_assert_eq(run(1, blocked_call, NULL), 0);
    cr_assert_eq(run(1, blocked_call, "membarrier=0"), 0);
    cr_assert_eq(run(2, blocked_call, NULL), 0);
}

static void call_often(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        struct timespec a_little = {.tv_nsec = i % 16 == 0 ? 50000 : 0};
        if (RT_BLOCKING(nanosleep(&a_little, NULL)) != 0)
            atomic_fetch_add(&count, 1);
        if (RT_BLOCKING(close(-1)) != -EBADF)
            atomic_fetch_add(&count, 1);
    }
    atomic_fetch_add(&done, 1);
}

static int callers(void *arg)
{
    (void)arg;
    for (int i = 0; i < 6; i++)
        rt_go(call_often, NULL);
    wait_for(&done, 6);
    return atomic_load(&count);
}

Test(go, calls_that_come_back_while_the_p_is_being_taken_lose_nothing)
{
    cr_assert_eq(run(2, callers, NULL), 0);
    cr_assert_eq(run(3, callers, "membarrier=0"), 0);
}

static void stuck(void *arg)
{
    (void)arg;
    atomic_fetch_add(&done, 1);
    RT_BLOCKING(poll(NULL, 0, 30)); /* after main has ended, before it gives up waiting, on a loaded machine too */
    atomic_fetch_add(&count, 1);
}

static int leave_in_call(void *arg)
{
    (void)arg;
    rt_go(stuck, NULL);
    wait_for(&done, 1);
    return 5;
}

Test(go, main_waits_a_moment_for_threads_in_calls)
{
    not_under_a_seed("a second thread");
    cr_assert_eq(run(2, leave_in_call, NULL), 5);
    cr_assert_eq(atomic_load(&count), 0, "the goroutine must not go on after main has ended");
    cr_assert_eq(run(2, answer, NULL), 42);
}

/* --- fairness --- */
static _Atomic(int) stop_now;
static void polite(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop_now))
        rt_checkpoint();
    atomic_fetch_add(&done, 1);
}

static int preempted(void *arg)
{
    (void)arg;
    atomic_store(&stop_now, 0);
    rt_go(polite, NULL);
    rt_go(polite, NULL);
    rt_yield(); /* comes back only if the two give way at their checkpoints */
    atomic_store(&stop_now, 1);
    wait_for(&done, 2);
    return 0;
}

Test(go, a_checkpoint_gives_way_after_a_slice)
{
    cr_assert_eq(run(1, preempted, NULL), 0);
}

/* --- fatal reports --- */
static int overflow_depth(int n)
{
    volatile char room[1024];
    room[0] = (char)n;
    return n == 0 ? 0 : overflow_depth(n - 1) + room[0];
}

static void overflow(void *arg)
{
    (void)arg;
    atomic_store(&count, overflow_depth(1 << 20));
}

static int overflow_app(void *arg)
{
    (void)arg;
    struct rt_go_attr attr = {.name = "digger"};
    rt_go_attr(&attr, overflow, NULL);
    wait_for(&done, 1);
    return 0;
}

Test(go, a_stack_overflow_names_the_goroutine_and_ends_with_status_2)
{
    int status = run_child(overflow_app, 2, NULL);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 2);
    cr_assert(strstr(report, "fatal: stack overflow") != NULL);
    cr_assert(strstr(report, "created by goroutine 1") != NULL);
    cr_assert(strstr(report, "goroutine 2 [running, \"digger\"]:\n") && strstr(report, "\noverflow_depth(...)\n"));
    status = run_child(overflow_app, 2, "guardpages=1");
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 2);
    cr_assert(strstr(report, "fatal: stack overflow") != NULL);
}

static void break_canary(void *arg)
{
    char *here = (char *)&arg;
    char *lo = (char *)((uintptr_t)here & ~(uintptr_t)0xfff) + 4096 - 65536; /* the lowest word of 64 KiB */
    *(volatile uint64_t *)(void *)lo = 0;
    rt_yield();
    atomic_fetch_add(&done, 1);
}

static int canary_app(void *arg)
{
    (void)arg;
    rt_go(break_canary, NULL);
    wait_for(&done, 1);
    return 0;
}

Test(go, without_guard_pages_a_lost_canary_is_found_at_the_switch)
{
    int status = run_child(canary_app, 1, "guardpages=0");
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 2);
    cr_assert(strstr(report, "fatal: stack overflow") != NULL);
}

static int no_memory_app(void *arg)
{
    (void)arg;
    struct rt_go_attr attr = {.stack = RT_STACK_1M};
    for (int i = 0; i < 1000; i++)
        rt_go_attr(&attr, endless, NULL);
    wait_for(&done, 1);
    return 0;
}

Test(go, running_out_of_stacks_is_a_clear_fatal_error)
{
    int status = run_child(no_memory_app, 1, "stackmib=64");
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 2);
    cr_assert(strstr(report, "the region for stacks (64 MiB) is used up") != NULL);
}

static void fault(void *arg)
{
    *(volatile int *)arg = 1;
}

static int fault_app(void *arg)
{
    struct rt_go_attr attr = {.name = "faulty"};
    uintptr_t bad = 8;
    rt_go_attr(&attr, fault, (void *)bad);
    wait_for(&done, 1);
    (void)arg;
    return 0;
}

Test(go, any_other_fault_names_the_goroutine_and_keeps_its_course)
{
    int status = run_child(fault_app, 1, NULL);
    cr_assert(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
    cr_assert(strstr(report, "SIGSEGV at address 0x8 in goroutine") != NULL);
    cr_assert(strstr(report, "faulty") != NULL);
}

static void leave_soon(void *arg)
{
    for (int i = 0; i < *(int *)arg; i++)
        rt_yield();
}

static int counts(void *arg)
{
    static int rounds = 3;
    (void)arg;
    if (rt_goroutines() != 1)
        return 1;
    for (int i = 0; i < 7; i++)
        rt_go(leave_soon, &rounds);
    if (rt_goroutines() != 8)
        return 2;
    while (rt_goroutines() > 1)
        rt_yield();
    return 0;
}

Test(go, the_living_are_counted)
{
    not_under_a_seed("the order of running");
    cr_assert_eq(rt_goroutines(), 0u);
    cr_assert_eq(run(1, counts, NULL), 0);
    cr_assert_eq(rt_goroutines(), 0u);
}
