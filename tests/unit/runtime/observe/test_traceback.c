#include "../sched/fake_world.h"

#include <poll.h>
#include <regex.h>

#include "base/clock.h"
#include "base/outbuf.h"
#include "observe/traceback.h"
#include "sched/hibernate.h"
#include "sched/sched.h"
#include "sched/spawn.h"
#include <rt/chan.h>
#include <rt/debug.h>
#include <rt/rt.h>
#include <rt/sync.h>

/* --- single goroutines of a world that stands still --- */

static char text[1 << 20];
static const char *one(struct g *g, const struct rti_traceback_at *here)
{
    struct rti_outbuf o;
    rti_outbuf_init(&o, -1, text, sizeof text - 1);
    rti_traceback_one(&o, g, here, false);
    text[o.len] = '\0';
    return text;
}

static bool starts(const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

Test(traceback, waiting_for_long_is_told_in_minutes, .init = fake_world)
{
    struct g *g = fake_g(RTI_G_WAITING);
    uint32_t now_s = (uint32_t)(rti_clock_monotonic() / 1000000000);
    g->id = 7;
    store_rlx(&g->wait, RTI_WAIT_SELECT);
    store_rlx(&g->since_s, now_s - 2 * 60 - 5);
    one(g, NULL);
    cr_assert(starts("goroutine 7 [select, 2 minutes]:\n"), "%s", text);
    store_rlx(&g->since_s, now_s);
    g->name = "a \"b\"";
    one(g, NULL);
    cr_assert(starts("goroutine 7 [select, \"a \"b\"\"]:\n"), "%s", text);
    store_rlx(&g->since_s, now_s + 30); /* another clock's */
    store_rlx(&g->status, RTI_G_RUNNABLE | RTI_G_SCAN);
    g->name = NULL;
    one(g, NULL);
    cr_assert(starts("goroutine 7 [runnable (scan)]:\n"), "%s", text);
}

Test(traceback, a_long_name_is_cut, .init = fake_world)
{
    char name[200];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    struct g *g = fake_g(RTI_G_RUNNING);
    g->name = name;
    one(g, NULL);
    cr_assert_eq(strcspn(strchr(text, 'x'), "\""), 64, "%s", text);
}

Test(traceback, the_dead_are_not_listed, .init = fake_world)
{
    cr_assert_str_eq(one(fake_g(RTI_G_IDLE), NULL), "");
    cr_assert_str_eq(one(fake_g(RTI_G_DEAD), NULL), "");
}

static void unused(void)
{
}

static size_t lines(void)
{
    size_t n = 0;
    for (const char *s = text; (s = strchr(s, '\n')); s++)
        n++;
    return n;
}

/* Words of a stack that nobody wrote as frames: a walk ends there, and does not leave the stack. */
Test(traceback, a_walk_survives_whatever_lies_on_the_stack, .init = fake_world)
{
    struct g *g = fake_g(RTI_G_WAITING);
    rti_spawn_bind(p, g, unused);
    uintptr_t *top = (uintptr_t *)(void *)rti_g_stack_hi(g);
    uintptr_t code = (uintptr_t)&unused + 1;
    g->ctx.pc = (void *)code;
    const uintptr_t bad[] = {0,
                             1,
                             8,
                             (uintptr_t)top,
                             (uintptr_t)(top - 1),
                             (uintptr_t)top + 4096,
                             UINTPTR_MAX,
                             UINTPTR_MAX - 15,
                             (uintptr_t)g->stack_lo - 8,
                             (uintptr_t)(top - 3) + 1};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        g->ctx.fp = (void *)bad[i];
        one(g, NULL);
        cr_assert_eq(lines(), 3, "fp 0x%lx: %s", (unsigned long)bad[i], text);
        /* one frame more, that leads there */
        g->ctx.fp = top - 4;
        top[-4] = bad[i];
        top[-3] = code;
        one(g, NULL);
        cr_assert_eq(lines(), 5, "older 0x%lx: %s", (unsigned long)bad[i], text);
    }
    top[-4] = (uintptr_t)(top - 4); /* a ring */
    one(g, NULL);
    cr_assert_eq(lines(), 5, "%s", text);
}

Test(traceback, the_caller_on_a_foreign_stack_has_no_frames, .init = fake_world)
{
    struct g *g = fake_g(RTI_G_RUNNING);
    struct rti_traceback_at here = {.fp = (uintptr_t)__builtin_frame_address(0)};
    rti_spawn_bind(p, g, unused);
    g->id = 3;
    cr_assert_str_eq(one(g, &here),
                     "goroutine 3 [running]:\n\tgoroutine's thread is on another stack; stack unavailable\n");
    cr_assert_str_eq(one(g, NULL), "goroutine 3 [running]:\n\tgoroutine running on other thread; stack unavailable\n");
}

/* --- programs --- */

/* Keeps the compiler from making the call before it a jump. */
#define STAY() __asm__ volatile("")

static struct rt_chan *never, *kept[8]; /* a channel that somebody waits on for ever cannot be freed */
static _Atomic(uint32_t) flag;

static void open_never(void)
{
    static size_t n;
    never = kept[n++] = rt_chan_new(sizeof(int), 0);
}

static const char *all_stacks(void)
{
    rt_stack(text, sizeof text, true);
    return text;
}

static void until_it_says(const char *what)
{
    while (!strstr(all_stacks(), what))
        rt_yield();
}

static NOINLINE void receive_here(void)
{
    int v;
    (void)!rt_recv(never, &v);
    STAY();
}

static void receiver(void *arg)
{
    (void)arg;
    receive_here();
    STAY();
}

static NOINLINE int dive(int depth)
{
    if (depth > 0)
        depth = dive(depth - 1);
    else
        receive_here();
    STAY();
    return depth;
}

static void diver(void *arg)
{
    (void)arg;
    dive(300);
    STAY();
}

static NOINLINE bool is_over(void)
{
    return load_acq(&flag) == 2; /* pairs with store_rel in the program */
}

/* It calls something, or it had no frame of its own and its caller's would be missing. */
static NOINLINE void spin_here(void)
{
    store_rel(&flag, 1); /* pairs with load_acq in the program */
    while (!is_over())
        STAY();
}

static void spinner(void *arg)
{
    spin_here();
    rt_waitgroup_done(arg);
}

static void caller(void *arg)
{
    RT_BLOCKING(poll(NULL, 0, -1));
    (void)arg;
}

static void locker(void *arg)
{
    rt_mutex_lock(arg);
    STAY();
}

static int run(int procs, int (*app)(void *))
{
    struct rt_config config = {.procs = procs};
    return rt_main(&config, app, NULL);
}

/* "name(...)" as the line at; moves on to the line after the frame. */
static bool frame_is(const char **at, const char *name)
{
    size_t n = strlen(name);
    if (strncmp(*at, name, n) != 0 || strncmp(*at + n, "(...)\n\t/", 8) != 0)
        return false;
    *at = strchr(*at + n + 6, '\n') + 1;
    return true;
}

static const char *section_of(const char *header)
{
    const char *at = strstr(text, header);
    return at ? at + strlen(header) : "";
}

static int parked(void *arg)
{
    (void)arg;
    open_never();
    rt_go(receiver, NULL);
    until_it_says("goroutine 2 [chan receive]:\n");
    const char *at = section_of("\n\ngoroutine 2 [chan receive]:\n");
    if (!frame_is(&at, "rt_recv") || !frame_is(&at, "receive_here") || !frame_is(&at, "receiver"))
        return 1;
    const char *maker = "created by parked in goroutine 1\n\t/";
    if (strncmp(at, maker, strlen(maker)) != 0)
        return 2;
    at = text;
    if (!starts("goroutine 1 [running, \"main\"]:\n"))
        return 3;
    at = strchr(at, '\n') + 1;
    if (!frame_is(&at, "all_stacks") || !frame_is(&at, "until_it_says") || !frame_is(&at, "parked") || *at != '\n')
        return 4;
    return 0;
}

Test(traceback, shows_the_frames_of_the_program_and_the_call_it_made)
{
    cr_assert_eq(run(1, parked), 0, "%s", text);
    cr_assert_eq(run(2, parked), 0, "%s", text);
}

static int deep(void *arg)
{
    (void)arg;
    open_never();
    rt_go(diver, NULL);
    until_it_says("goroutine 2 [chan receive]:\n");
    const char *at = section_of("goroutine 2 [chan receive]:\n");
    size_t dives = 0, gap = 0, all = 0;
    if (!frame_is(&at, "rt_recv") || !frame_is(&at, "receive_here"))
        return 1;
    for (;; dives++) {
        int len = 0;
        if (sscanf(at, "...%zu frames elided...\n%n", &gap, &len) == 1)
            at += len;
        if (!frame_is(&at, "dive"))
            break;
    }
    if (!frame_is(&at, "diver") || strncmp(at, "created by deep ", 16) != 0)
        return 2;
    all = dives + gap;
    return all == 301 && dives < 100 && gap > 200 ? 0 : 3;
}

Test(traceback, of_a_deep_stack_both_ends_are_shown)
{
    cr_assert_eq(run(1, deep), 0, "%s", text);
}

static int not_yet_run(void *arg)
{
    (void)arg;
    rt_go(receiver, NULL);
    all_stacks();
    const char *at = section_of("\n\ngoroutine 2 [runnable]:\n");
    return frame_is(&at, "receiver") && strncmp(at, "created by not_yet_run in goroutine 1\n", 38) == 0 ? 0 : 1;
}

Test(traceback, a_goroutine_that_never_ran_shows_its_function)
{
    cr_assert_eq(run(1, not_yet_run), 0, "%s", text);
}

static void start_spinner(struct rt_waitgroup *wg)
{
    rt_waitgroup_add(wg, 1);
    rt_go(spinner, wg);
    while (load_acq(&flag) != 1) /* pairs with store_rel in spin_here */
        rt_yield();
}

static void stop_spinner(struct rt_waitgroup *wg)
{
    store_rel(&flag, 2); /* pairs with load_acq in spin_here */
    rt_waitgroup_wait(wg);
}

/* The frame of spin_here itself is missing while it is in the other function, which has none. */
static bool shows_spinner(void)
{
    const char *at = section_of("\n\ngoroutine 2 [running]:\n"), *end = strstr(at, "created by start_spinner ");
    const char *frame = strstr(at, "spinner(...)\n\t/");
    return end && frame && frame < end;
}

static int spins_elsewhere(void *arg)
{
    struct rt_waitgroup wg = {0};
    (void)arg;
    start_spinner(&wg);
    do
        all_stacks();
    while (!shows_spinner()); /* a busy machine may take longer than a stop for a dump waits */
    bool last = !strstr(strstr(text, "created by start_spinner"), "\n\ngoroutine");
    stop_spinner(&wg);
    return starts("goroutine 1 [running, \"main\"]:\nall_stacks(...)\n") && last ? 0 : 1;
}

Test(traceback, a_goroutine_on_another_thread_shows_where_it_was_interrupted)
{
    cr_assert_eq(run(2, spins_elsewhere), 0, "%s", text);
}

static int spins_while_in_a_call(void *arg)
{
    struct rt_waitgroup wg = {0};
    (void)arg;
    start_spinner(&wg);
    rt_enter_blocking();
    all_stacks();
    rt_exit_blocking();
    stop_spinner(&wg);
    const char *want = "\n\ngoroutine 2 [running]:\n\tgoroutine running on other thread; stack unavailable\n"
                       "created by start_spinner in goroutine 1\n";
    return strstr(text, want) ? 0 : 1;
}

Test(traceback, where_the_world_cannot_be_stopped_it_is_listed_without_its_stack)
{
    cr_assert_eq(run(2, spins_while_in_a_call), 0, "%s", text);
}

static int in_a_call(void *arg)
{
    (void)arg;
    rt_go(caller, NULL);
    until_it_says("goroutine 2 [syscall]:\n");
    const char *at = section_of("goroutine 2 [syscall]:\n");
    return frame_is(&at, "caller") && strncmp(at, "created by in_a_call ", 21) == 0 ? 0 : 1;
}

Test(traceback, a_goroutine_in_a_blocking_call_shows_who_called)
{
    cr_assert_eq(run(2, in_a_call), 0, "%s", text);
}

static int on_a_mutex(void *arg)
{
    struct rt_mutex mutex = {0};
    (void)arg;
    rt_mutex_lock(&mutex);
    rt_go(locker, &mutex);
    until_it_says("goroutine 2 [sync.Mutex.Lock]:\n");
    const char *at = section_of("goroutine 2 [sync.Mutex.Lock]:\n");
    bool ok = frame_is(&at, "rt_mutex_lock") && frame_is(&at, "locker");
    if (!ok) /* optimised: it jumps to lock_slow and leaves no frame, so what that calls is shown */
        ok = strstr(at, "\nlock_slow(...)\n") && strstr(at, "\nlocker(...)\n");
    rt_mutex_unlock(&mutex);
    return ok ? 0 : 1;
}

Test(traceback, a_mutex_is_told_by_gos_name)
{
    cr_assert_eq(run(2, on_a_mutex), 0, "%s", text);
}

static int hibernates(void *arg)
{
    enum { TRIMS = 20 };
    struct rt_go_attr attr = {.hibernate = true};
    char awake[4096];
    (void)arg;
    open_never();
    rt_go_attr(&attr, receiver, NULL);
    until_it_says("goroutine 2 [chan receive]:\n");
    snprintf(awake, sizeof awake, "%s", section_of("goroutine 2 [chan receive]:\n"));
    for (int i = 0; i < TRIMS && rti_hibernate_counts().saved == 0; i++)
        rt_stacks_trim();
    if (rti_hibernate_counts().saved == 0)
        return 77; /* a kernel without membarrier, or a stack too large in this build */
    all_stacks();
    const char *asleep = section_of("goroutine 2 [chan receive]:\n");
    return strncmp(awake, asleep, strlen(awake)) == 0 ? 0 : 1;
}

Test(traceback, a_stack_that_is_copied_out_is_shown_all_the_same)
{
    int result = run(1, hibernates);
    if (result == 77)
        test_skip("nothing hibernates here");
    cr_assert_eq(result, 0, "%s", text);
}

/* Both wait at the same place: what is read from the copy is what is read from a stack. */
static int shares(void *arg)
{
    struct rt_go_attr attr = {.lite = true};
    char own[4096];
    (void)arg;
    open_never();
    rt_go(receiver, NULL);
    until_it_says("goroutine 2 [chan receive]:\n");
    rt_go_attr(&attr, receiver, NULL);
    until_it_says("goroutine 3 [chan receive]:\n");
    if (rti_hibernate_counts().saved == 0)
        return 77;
    snprintf(own, sizeof own, "%s", section_of("goroutine 2 [chan receive]:\n"));
    char *end = strstr(own, "created by");
    return end && strncmp(own, section_of("goroutine 3 [chan receive]:\n"), (size_t)(end - own)) == 0 ? 0 : 1;
}

Test(traceback, a_stack_that_is_shared_shows_each_who_was_on_it)
{
    int result = run(1, shares);
    if (result == 77)
        test_skip("no stacks are shared here");
    cr_assert_eq(result, 0, "%s", text);
}

/* --- while everything moves --- */

static struct rt_chan *ring[8];
static _Atomic(uint32_t) over;

static void pass_on(void *arg)
{
    uintptr_t i = (uintptr_t)arg;
    for (int v; rt_recv(ring[i], &v) && !load_rlx(&over);)
        rt_send(ring[(i + 1) % ARRAY_LEN(ring)], &v);
}

static void short_lived(void *arg)
{
    rt_yield();
    if (!load_rlx(&over))
        rt_go(short_lived, arg);
}

static bool line_is_known(const char *line)
{
    static const char *const grammar[] = {
        "^$",
        "^goroutine [0-9]+ \\[(running|runnable|syscall|chan receive|chan send|waiting)(, \"main\")?\\]:$",
        "^[A-Za-z_0-9.]+\\(\\.\\.\\.\\)$",
        "^\t[^ ]+\\+0x[0-9a-f]+( \\+0x[0-9a-f]+)?$",
        "^\tgoroutine .*; stack unavailable$",
        "^created by [a-z_]+( in goroutine [0-9]+)?$"};
    static regex_t compiled[ARRAY_LEN(grammar)];
    static bool ready;
    for (size_t i = 0; !ready && i < ARRAY_LEN(grammar); i++)
        if (regcomp(&compiled[i], grammar[i], REG_EXTENDED | REG_NOSUB) != 0)
            return false;
    ready = true;
    for (size_t i = 0; i < ARRAY_LEN(grammar); i++)
        if (regexec(&compiled[i], line, 0, NULL, 0) == 0)
            return true;
    return false;
}

static int busy(void *arg)
{
    enum { DUMPS = 100 };
    (void)arg;
    for (size_t i = 0; i < ARRAY_LEN(ring); i++)
        ring[i] = rt_chan_new(sizeof(int), 1);
    for (uintptr_t i = 0; i < ARRAY_LEN(ring); i++) {
        int v = (int)i;
        rt_go(pass_on, (void *)i);
        rt_go(short_lived, NULL);
        if (i % 2)
            rt_send(ring[i], &v);
    }
    for (int i = 0; i < DUMPS; i++) {
        all_stacks();
        for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
            *end = '\0';
            if (!line_is_known(line)) {
                fprintf(stderr, "no such line: %s\n", line);
                return 1;
            }
        }
        rt_yield();
    }
    store_rlx(&over, 1);
    return 0;
}

Test(traceback, every_line_keeps_the_grammar_while_all_runs, .timeout = 120)
{
    cr_assert_eq(run(4, busy), 0);
}
