/* tipswitch.c - how long until a new tip has every miner: a crew of real miners, one for each P, and a link goroutine
 * that gets its tips as the worker's does (descriptor, watcher, channel) from a thread outside. Two stages: `notice`
 * from the write to the link's running, `switch` from the job's installation to the last miner on it. The rest of the
 * machine counts: both hold what the kernel made our threads wait for a core. `perf record -k CLOCK_MONOTONIC -e
 * sched:sched_switch,sched:sched_wakeup -a` beside it tells the two apart. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <rt/chan.h>
#include <rt/go.h>
#include <rt/poll.h>
#include <rt/rt.h>
#include <rt/time.h>

#include "bench/bench.h"
#include "worker/crew.h"
#include "worker/kernel/kernel_select.h"
#include "worker/link/mailbox.h"
#include "worker/miner.h"

enum { TIPS = 400, TIPS_MAX = 20000, GAP_NS = 12000000, GAP_SPREAD_NS = 2000000, NS_PER_US = 1000 };

struct rig {
    const struct kernel *kernel;
    struct mailbox *mailbox;
    struct crew *crew;
    struct rt_pd *pd;
    struct rt_chan *edges;
    int fd;
    int tips;
    _Atomic(int) noticed;        /* tips that the link has read: its own, read by the publisher */
    _Atomic(int64_t) written_ns; /* by the publisher before the write to fd, read by the link after it */
    int64_t *notice, *change, *both;
};

/* A thread that is no goroutine, as libzmq's: a tip every 12 ms or a little more, in no step with the slices. One that
 * the link has not noticed after that time is waited for, so that each is counted. */
static void *publish(void *arg)
{
    struct rig *r = arg;
    uint32_t random = 1;
    for (int i = 0; i < r->tips;) {
        random = random * 1664525 + 1013904223; /* Numerical Recipes' generator */
        struct timespec gap = {.tv_nsec = GAP_NS + (long)(random % GAP_SPREAD_NS)};
        uint64_t one = 1;
        nanosleep(&gap, NULL);
        if (r->noticed != i)
            continue;
        i++;
        r->written_ns = rt_now();
        if (write(r->fd, &one, sizeof one) != sizeof one)
            break;
    }
    return NULL;
}

static void watch(void *arg)
{
    struct rig *r = arg;
    while (rt_poll_wait(r->pd, RT_POLL_IN, RT_NO_DEADLINE) == 0)
        (void)!rt_try_send(r->edges, NULL);
}

static int install(struct rig *r, uint64_t id)
{
    /* A target that nothing meets: no block ends the work. */
    struct message_job job = {.job = id, .bits = 0x03000001, .ntime = (uint32_t)id};
    int err = crew_job(r->crew, &job);
    return err == 0 ? crew_work_on(r->crew, id) : err;
}

static int64_t last_switch(struct rig *r)
{
    struct crew_totals t;
    crew_totals(r->crew, &t);
    return t.switch_ns;
}

static void keep_switch(struct rig *r, int tip)
{
    r->change[tip] = last_switch(r);
    r->both[tip] = r->notice[tip] + r->change[tip];
}

/* Each tip's switch is read when the next one comes, 12 ms later. */
static int take_tips(struct rig *r)
{
    for (int i = 0; i < r->tips;) {
        uint64_t count;
        (void)!rt_recv(r->edges, NULL);
        int64_t now = rt_now();
        if (read(r->fd, &count, sizeof count) != sizeof count)
            continue; /* an edge of what was read already */
        if (i > 0)
            keep_switch(r, i - 1);
        r->notice[i] = now - r->written_ns;
        if (install(r, (uint64_t)i + 2) < 0)
            return 1;
        r->noticed = ++i;
    }
    rt_sleep(GAP_NS);
    keep_switch(r, r->tips - 1);
    return 0;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void say(struct bench_line *line, const char *what, int64_t *ns, int n)
{
    static const struct {
        const char *name;
        int per_mille;
    } at[] = {{"p50", 500}, {"p95", 950}, {"p99", 990}, {"max", 1000}};
    qsort(ns, (size_t)n, sizeof *ns, by_value);
    for (size_t i = 0; i < ARRAY_LEN(at); i++) {
        char key[32];
        int rank = (int)((int64_t)n * at[i].per_mille / 1000);
        snprintf(key, sizeof key, "%s_us_%s", what, at[i].name);
        bench_line_num(line, key, (double)ns[rank < n ? rank : n - 1] / NS_PER_US);
    }
    int late = 0;
    for (int i = 0; i < n; i++)
        late += ns[i] > 1000 * NS_PER_US;
    char key[32];
    snprintf(key, sizeof key, "%s_over_1ms", what);
    bench_line_int(line, key, late);
}

static int measure(void *arg)
{
    struct rig *r = arg;
    struct message_lease all = {.lease = 1, .start = 0, .end = UINT64_C(1) << 62};
    pthread_t publisher;
    r->mailbox = mailbox_new();
    r->crew = crew_new(r->kernel, r->mailbox, (size_t)rt_procs());
    r->edges = rt_chan_new(0, 1);
    if (install(r, 1) < 0 || crew_lease(r->crew, &all) < 0 || rt_poll_open(&r->pd, r->fd) < 0)
        return 1;
    rt_go(watch, r);
    miner_start_all(r->crew);
    rt_sleep(GAP_NS * 8); /* until the slices have found their size */
    if (pthread_create(&publisher, NULL, publish, r) != 0)
        return 1;
    int bad = take_tips(r);
    pthread_join(publisher, NULL);
    crew_stop(r->crew);
    for (size_t left = crew_miners(r->crew); left > 0; left--) {
        struct report report;
        (void)!rt_recv(mailbox_chan(r->mailbox), &report);
    }
    crew_free(&r->crew);
    mailbox_free(&r->mailbox);
    return bad;
}

static int tell(struct rig *r, const struct bench_options *o, int procs, int64_t wall, int64_t cpu)
{
    struct bench_run run;
    struct bench_line line;
    bench_run_init(&run, o, procs);
    bench_run_add(&run, r->tips, bench_wall_ns() - wall, bench_cpu_ns() - cpu);
    bench_line_open(&line, "tipswitch", &run);
    bench_line_str(&line, "kernel", r->kernel->name);
    bench_line_int(&line, "slice_us", MINER_SLICE_US);
    say(&line, "notice", r->notice, r->tips);
    say(&line, "switch", r->change, r->tips);
    say(&line, "both", r->both, r->tips);
    return bench_line_close(&line);
}

static int run(const struct bench_options *o)
{
    static struct kernel_menu menu;
    static int64_t ns[3][TIPS_MAX];
    struct rig r = {.notice = ns[0], .change = ns[1], .both = ns[2]};
    const char *name = o->kernel ? o->kernel : "auto";
    r.tips = o->n > 0 && o->n <= TIPS_MAX ? (int)o->n : TIPS;
    kernel_select_probe(&menu);
    if (!o->kernel)
        (void)!kernel_select_measure(&menu, 1, bench_thread_ns);
    if (kernel_select_pick(&menu, name, &r.kernel) < 0) {
        fprintf(stderr, "lode-bench: --kernel: '%s' cannot be used here\n", name);
        return 2;
    }
    r.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct rt_config config = {.procs = o->procs > 0 ? o->procs : 2};
    int64_t wall = bench_wall_ns(), cpu = bench_cpu_ns();
    int bad = r.fd < 0 ? 1 : rt_main(&config, measure, &r);
    if (bad) {
        fprintf(stderr, "lode-bench: tipswitch failed (%d)\n", bad);
        return 1;
    }
    return tell(&r, o, config.procs, wall, cpu);
}

BENCH_ROW(tipswitch, "a new tip, until every miner works on it; microseconds", BENCH_N | BENCH_KERNEL, run);
