#include "../sched/fake_world.h"

#include <regex.h>

#include "base/debugvars.h"
#include "base/outbuf.h"
#include "child.h"
#include "observe/schedtrace.h"
#include "sched/sched.h"
#include <rt/rt.h>
#include <rt/time.h>

/* --- the text, of a world that stands still --- */

static char text[8192];
static const char *print(bool detailed, bool locked)
{
    struct rti_outbuf o;
    rti_outbuf_init(&o, -1, text, sizeof text - 1);
    rti_schedtrace_print(&o, 5000000000, detailed, locked);
    text[o.len] = '\0';
    return text;
}

static void three_goroutines(void)
{
    struct rti_gqueue none = {0};
    fake_world();
    m->id = 1;
    struct g *running = fake_g(RTI_G_RUNNING), *waiting = fake_g(RTI_G_WAITING | RTI_G_SCAN),
             *dead = fake_g(RTI_G_IDLE);
    struct g *ready = fake_g(RTI_G_RUNNABLE);
    running->id = 1;
    store_rlx(&running->wait, RTI_WAIT_SEMA); /* the last one stays */
    waiting->id = 30;
    store_rlx(&waiting->wait, RTI_WAIT_CHAN_RECEIVE);
    dead->id = 5;
    ready->id = 6;
    m->curg = running;
    m->spinning = true;
    cr_assert(rti_runq_put(&p->runq, &ready->link, &none));
    rti_runq_swap_next(&p->runq, &waiting->link); /* not counted */
    store_rlx(&p->tick, 4294967295u);
    store_rlx(&p->count.calls, 4294967297u);
    p->gfree_count = 7;
    p->timers.live = 3;
    store_rlx(&rti_world.runq_len, 9);
    store_rlx(&rti_world.spinning, 1);
}

Test(schedtrace, one_line_in_gos_format, .init = three_goroutines)
{
    cr_assert_str_eq(print(false, true),
                     "SCHED 0ms: gomaxprocs=1 idleprocs=0 threads=2 spinningthreads=1 needspinning=0 idlethreads=0 "
                     "runqueue=9 [ 1 ] schedticks=[ 4294967295 ]\n");
}

Test(schedtrace, every_p_m_and_g_in_gos_format, .init = three_goroutines)
{
    cr_assert_str_eq(
        print(true, true),
        "SCHED 0ms: gomaxprocs=1 idleprocs=0 threads=2 spinningthreads=1 needspinning=0 idlethreads=0 runqueue=9 "
        "gcwaiting=false nmidlelocked=0 stopwait=0 sysmonwait=false\n"
        "  P0: status=1 schedtick=4294967295 syscalltick=1 m=1 runqsize=1 gfreecnt=7 timerslen=3\n"
        "  M1: p=0 curg=1 mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=true blocked=false lockedg=nil\n"
        "  M0: p=nil curg=nil mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=false blocked=false "
        "lockedg=nil\n"
        "  G1: status=2(semacquire) m=1 lockedm=nil\n"
        "  G30: status=4100(chan receive) m=nil lockedm=nil\n"
        "  G5: status=6() m=nil lockedm=nil\n"
        "  G6: status=1() m=nil lockedm=nil\n");
}

Test(schedtrace, a_dying_thread_says_so_and_takes_no_lock, .init = three_goroutines)
{
    rti_lock_acquire(&rti_world.lock);
    print(true, false);
    rti_lock_release(&rti_world.lock);
    cr_assert_not_null(strstr(text, "  M1: p=0 curg=1 mallocing=0 throwing=2 preemptoff= locks=0 dying=1 "), "%s",
                       text);
    cr_assert_not_null(strstr(text, "  M0: p=nil curg=nil mallocing=0 throwing=0 "), "%s", text);
}

Test(schedtrace, a_fatal_error_prints_it_if_either_switch_is_on, .init = three_goroutines)
{
    struct rti_outbuf o;
    rti_outbuf_init(&o, -1, text, sizeof text - 1);
    rti_schedtrace_fatal(&o);
    cr_assert_eq(o.len, 0);
    rti_debugvars.scheddetail = 1;
    rti_schedtrace_fatal(&o);
    text[o.len] = '\0';
    cr_assert_eq(strncmp(text, "SCHED 0ms: ", 11), 0, "%s", text);
    size_t once = o.len;
    rti_debugvars.scheddetail = 0;
    rti_debugvars.schedtrace = 1000;
    rti_schedtrace_fatal(&o);
    text[o.len] = '\0';
    cr_assert_eq(strncmp(text + once, "SCHED ", 6), 0, "%s", text);
}

Test(schedtrace, a_round_prints_when_the_period_is_over, .init = three_goroutines)
{
    int64_t now = 7000000000;
    int pipes[2];
    cr_assert_not(rti_schedtrace_round(now));
    rti_debugvars.schedtrace = 100;
    cr_assert_eq(pipe(pipes), 0);
    int saved = dup(STDERR_FILENO);
    dup2(pipes[1], STDERR_FILENO);
    bool on = rti_schedtrace_round(now) & rti_schedtrace_round(now + 99999999);
    on &= rti_schedtrace_round(now + 101000000) & rti_schedtrace_round(now + 199000000);
    rti_schedtrace_reset();
    on &= rti_schedtrace_round(now + 200000000);
    dup2(saved, STDERR_FILENO);
    cr_assert(on);
    close(pipes[1]);
    ssize_t n = read(pipes[0], text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    unsigned ms[3] = {9, 9, 9};
    int at = 0;
    for (int i = 0; i < 3; i++) {
        const char *line = text + at;
        int len = 0;
        cr_assert_eq(sscanf(line, "SCHED %ums: %*[^\n]%n", &ms[i], &len), 1, "%s", text);
        at += len + 1;
    }
    cr_assert_eq(text[at], '\0', "%s", text);
    cr_assert(ms[0] == 0 && ms[1] == 101 && ms[2] == 0, "%s", text);
}

/* --- the lines of a program at work --- */

#define N    "[0-9]+"
#define ID   "(" N "|nil)"
#define FLAG "(true|false)"
#define HEAD                                                                                                           \
    "^SCHED " N "ms: gomaxprocs=" N " idleprocs=" N " threads=" N " spinningthreads=" N                                \
    " needspinning=[01] idlethreads=" N " runqueue=" N

static const char *const grammar[] = {
    HEAD " \\[ (" N " )*\\] schedticks=\\[ (" N " )*\\]$",
    HEAD " gcwaiting=" FLAG " nmidlelocked=" N " stopwait=" N " sysmonwait=" FLAG "$",
    "^  P" N ": status=[01] schedtick=" N " syscalltick=" N " m=" ID " runqsize=" N " gfreecnt=" N " timerslen=" N "$",
    "^  M" N ": p=" ID " curg=" ID " mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=" FLAG " blocked=" FLAG
    " lockedg=" ID "$",
    "^  G" N ": status=(" N ")\\([a-zA-Z .()]*\\) m=" ID " lockedm=" ID "$"};
enum line { PLAIN, HEADER, P_LINE, M_LINE, G_LINE, KINDS };

static enum line kind(const char *line)
{
    static regex_t compiled[KINDS];
    static bool ready;
    for (int i = 0; !ready && i < KINDS; i++)
        cr_assert_eq(regcomp(&compiled[i], grammar[i], REG_EXTENDED | REG_NOSUB), 0);
    ready = true;
    for (int i = 0; i < KINDS; i++)
        if (regexec(&compiled[i], line, 0, NULL, 0) == 0)
            return (enum line)i;
    cr_assert_fail("no such line: %s", line);
    return KINDS;
}

struct header {
    unsigned ms, procs, idle, threads, spinning, idle_threads, runq;
};

static struct header read_header(const char *line)
{
    struct header h = {0};
    cr_assert_eq(sscanf(line,
                        "SCHED %ums: gomaxprocs=%u idleprocs=%u threads=%u spinningthreads=%u needspinning=%*u "
                        "idlethreads=%u runqueue=%u",
                        &h.ms, &h.procs, &h.idle, &h.threads, &h.spinning, &h.idle_threads, &h.runq),
                 7, "%s", line);
    cr_assert(h.idle <= h.procs && h.idle_threads < h.threads && h.spinning <= h.threads, "%s", line);
    return h;
}

static int stop_pipe[2];

static void pass_on(void *arg)
{
    (void)arg;
    for (;;)
        rt_yield();
}

static void sleep_often(void *arg)
{
    (void)arg;
    for (;;)
        rt_sleep(100000);
}

static void come_and_go(void *arg)
{
    (void)arg;
    rt_yield();
    rt_go(come_and_go, NULL);
}

static int load(void *arg)
{
    char c;
    (void)arg;
    close(stop_pipe[1]);
    for (int i = 0; i < 20; i++) {
        rt_go(pass_on, NULL);
        rt_go(sleep_often, NULL);
        rt_go(come_and_go, NULL);
    }
    return (int)RT_BLOCKING(read(stop_pipe[0], &c, 1));
}

static unsigned reports(void)
{
    unsigned n = 0;
    for (const char *s = child_said; (s = strstr(s, "SCHED ")); s++)
        n++;
    return n;
}

/* Until it has printed that many reports. */
static void work(const char *godebug, int procs, unsigned count)
{
    struct rt_config config = {.procs = procs, .godebug = godebug};
    cr_assert_eq(pipe(stop_pipe), 0);
    child_start(&config, load, NULL);
    close(stop_pipe[0]);
    while (reports() < count)
        cr_assert(child_listen(), "%s", child_said);
    close(stop_pipe[1]);
    int status = child_end();
    cr_assert_eq(status, 0, "status %d: %s", status, child_said + (child_len > 4000 ? child_len - 4000 : 0));
}

static char *next_line(char **rest)
{
    char *line = *rest, *end = strchr(line, '\n');
    if (!end)
        return NULL;
    *end = '\0';
    *rest = end + 1;
    return line;
}

static void sum_ps(const char *line, const struct header *h)
{
    unsigned len = 0, ps = 0, ticks = 0;
    int at = 0;
    for (const char *s = strstr(line, " [ ") + 3; sscanf(s, "%u %n", &len, &at) == 1; s += at, ps++)
        cr_assert_leq(len, 256, "%s", line);
    for (const char *s = strstr(line, "schedticks=[ ") + 13; sscanf(s, "%u %n", &len, &at) == 1; s += at)
        ticks++;
    cr_assert(ps == h->procs && ticks == h->procs, "%s", line);
}

Test(schedtrace, lines_of_a_busy_program_keep_the_grammar, .timeout = 120)
{
    for (int procs = 1; procs <= 5; procs += 2) {
        unsigned last_ms = 0;
        bool first = true;
        work("schedtrace=3", procs, 20);
        for (char *rest = child_said, *line; (line = next_line(&rest));) {
            cr_assert_eq(kind(line), PLAIN, "%s", line);
            struct header h = read_header(line);
            cr_assert_eq(h.procs, (unsigned)procs);
            cr_assert(first ? h.ms == 0 : h.ms >= last_ms, "%s", line);
            last_ms = h.ms;
            first = false;
            sum_ps(line, &h);
        }
    }
}

/* What one detailed report holds. */
struct seen {
    unsigned ps, running, ms, gs;
    int last_m;
};

static void end_report(const struct header *h, const struct seen *seen)
{
    cr_assert_eq(seen->ps, h->procs);
    cr_assert_eq(h->idle + seen->running, h->procs);
    cr_assert_eq(seen->ms, h->threads);
    cr_assert_eq(seen->last_m, 0);
    cr_assert_geq(seen->gs, 1);
}

static void add_line(struct seen *seen, const char *line, enum line k)
{
    int id = -1, status = -1;
    if (k == P_LINE) {
        cr_assert_eq(sscanf(line, "  P%d: status=%d", &id, &status), 2);
        cr_assert_eq(id, (int)seen->ps);
        cr_assert_eq(status == 1, strstr(line, " m=nil") == NULL, "%s", line);
        seen->ps++;
        seen->running += status == 1;
    } else if (k == M_LINE) {
        cr_assert_eq(sscanf(line, "  M%d:", &id), 1);
        cr_assert(seen->ms == 0 || id < seen->last_m, "newest first: %s", line);
        seen->last_m = id;
        seen->ms++;
    } else {
        cr_assert_eq(k, G_LINE, "%s", line);
        cr_assert_eq(sscanf(line, "  G%d: status=%d", &id, &status), 2);
        cr_assert(status == 6 || (status >= 1 && status <= 4), "%s", line);
        seen->gs++;
    }
}

Test(schedtrace, detailed_reports_of_a_busy_program_keep_the_grammar, .timeout = 120)
{
    for (int procs = 1; procs <= 5; procs += 2) {
        struct header h = {0};
        struct seen seen = {0};
        work("schedtrace=3,scheddetail=1", procs, 10);
        for (char *rest = child_said, *line; (line = next_line(&rest));) {
            enum line k = kind(line);
            if (k != HEADER) {
                add_line(&seen, line, k);
                continue;
            }
            if (h.procs)
                end_report(&h, &seen);
            h = read_header(line);
            seen = (struct seen){0};
        }
        cr_assert_gt(h.procs, 0);
        end_report(&h, &seen);
    }
}

static int short_life(void *arg)
{
    (void)arg;
    for (int i = 0; i < 30; i++)
        rt_sleep(1000000);
    return 0;
}

static int short_death(void *arg)
{
    (void)arg;
    rt_throw("on purpose");
}

Test(schedtrace, scheddetail_alone_prints_nothing_but_at_a_fatal_error, .timeout = 120)
{
    struct rt_config config = {.procs = 2, .godebug = "scheddetail=1"};
    cr_assert_eq(child_run(&config, short_life, NULL), 0);
    cr_assert_str_eq(child_said, "");
    cr_assert_eq(child_run(&config, short_death, NULL), 2);
    cr_assert_eq(strncmp(child_said, "fatal error: on purpose\nSCHED 0ms: ", 34), 0, "%s", child_said);
    cr_assert_eq(reports(), 1);
    /* on the first thread, or on one that was woken meanwhile and stole it */
    cr_assert(strstr(child_said, "\n  G1: status=2() m=1 lockedm=nil\n") ||
                  strstr(child_said, "\n  G1: status=2() m=2 lockedm=nil\n"),
              "%s", child_said);
    cr_assert_not_null(strstr(child_said, "\n\ngoroutine 1 [running, \"main\"]:\n"), "%s", child_said);
}
