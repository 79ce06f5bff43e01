#include "observe/schedtrace.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/debugvars.h"
#include "base/outbuf.h"
#include "base/peek.h"
#include "proc/g.h"
#include "proc/m.h"
#include "proc/p.h"
#include "proc/world.h"
#include "sched/deadlock.h"

/* The text of one line of every P: made under the lock, so it must fit without a write. */
enum { HEADER_BYTES = 512, P_BYTES = 128, NS_PER_MS = 1000000 };
/* Go's numbers of a goroutine's states. */
enum { GO_RUNNABLE = 1, GO_RUNNING = 2, GO_SYSCALL = 3, GO_WAITING = 4, GO_DEAD = 6, GO_SCAN = 0x1000 };
/* Go's throwing: 2 is a fatal error of the runtime. */
enum { THROWING_RUNTIME = 2 };

static struct {
    _Atomic(int64_t) start_ns; /* of the first line; 0: none yet. Written by sysmon, read by a fatal dump */
    int64_t last_ns;           /* of the last line; sysmon's */
    char buf[HEADER_BYTES + RTI_MAX_PROCS * P_BYTES];
} trace;

static const char *boolean(bool b)
{
    return b ? "true" : "false";
}

static void print_id(struct rti_outbuf *o, const char *key, bool known, unsigned long id)
{
    if (known)
        rti_outbuf_text(o, "%s%lu", key, id);
    else
        rti_outbuf_text(o, "%snil", key);
}

/* Ms that sleep until the goroutine they belong to can run. */
static unsigned idle_locked(void)
{
    unsigned n = 0;
    for (struct m *m = rti_peek_pointer(&rti_world.all_m); m; m = rti_peek_pointer(&m->all_next))
        n += rti_peek_pointer(&m->locked_g) && !rti_peek_pointer(&m->p) && rti_note_has_sleeper(&m->note);
    return n;
}

static void print_header(struct rti_outbuf *o, int64_t ms, bool detailed)
{
    /* The thread of rt_main, which runs sysmon, counts: it is M0. needspinning is Go's way of asking for a thread
     * that spins; here who would ask wakes it. */
    rti_outbuf_text(o, "SCHED %ldms: gomaxprocs=%u idleprocs=%u threads=%u spinningthreads=%u needspinning=0", (long)ms,
                    load_rlx(&rti_world.procs), load_rlx(&rti_world.idle_ps), rti_peek_u32(&rti_world.m_count) + 1,
                    load_rlx(&rti_world.spinning));
    rti_outbuf_text(o, " idlethreads=%u runqueue=%u", rti_peek_u32(&rti_world.idle_m_count),
                    load_rlx(&rti_world.runq_len));
    if (detailed)
        rti_outbuf_text(o, " gcwaiting=%s nmidlelocked=%u stopwait=%u sysmonwait=%s\n",
                        boolean(load_rlx(&rti_world.attention) != 0), idle_locked(), load_rlx(&rti_world.stop_left),
                        boolean(rti_peek_u8(&rti_world.sysmon_waiting)));
}

static void print_ps(struct rti_outbuf *o, uint32_t procs)
{
    rti_outbuf_text(o, " [ ");
    for (uint32_t i = 0; i < procs; i++)
        rti_outbuf_text(o, "%u ", rti_runq_ring_len(&rti_world.allp[i]->runq));
    rti_outbuf_text(o, "] schedticks=[ ");
    for (uint32_t i = 0; i < procs; i++)
        rti_outbuf_text(o, "%u ", load_rlx(&rti_world.allp[i]->tick));
    rti_outbuf_text(o, "]\n");
}

static void print_p(struct rti_outbuf *o, uint32_t i)
{
    struct p *p = rti_world.allp[i];
    struct m *m = load_rlx(&p->m);
    /* Go's numbers are ours. */
    rti_outbuf_text(o, "  P%u: status=%u schedtick=%u syscalltick=%u", i, load_rlx(&p->state), load_rlx(&p->tick),
                    (uint32_t)load_rlx(&p->count.calls));
    print_id(o, " m=", m != NULL, m ? rti_peek_u32(&m->id) : 0);
    rti_outbuf_text(o, " runqsize=%u gfreecnt=%u timerslen=%u\n", rti_runq_ring_len(&p->runq),
                    rti_peek_u32(&p->gfree_count), rti_peek_u32(&p->timers.live));
}

struct m_line {
    unsigned id, throwing;
    struct p *p;
    struct g *g, *locked_g;
    bool spinning, blocked;
};

static void print_m_line(struct rti_outbuf *o, const struct m_line *l)
{
    rti_outbuf_text(o, "  M%u:", l->id);
    print_id(o, " p=", l->p != NULL, l->p ? rti_peek_u32(&l->p->id) : 0);
    print_id(o, " curg=", l->g != NULL, l->g ? (unsigned long)rti_peek_u64(&l->g->id) : 0);
    rti_outbuf_text(o, " mallocing=0 throwing=%u preemptoff= locks=0 dying=%u spinning=%s blocked=%s", l->throwing,
                    l->throwing > 0, boolean(l->spinning), boolean(l->blocked));
    print_id(o, " lockedg=", l->locked_g != NULL, l->locked_g ? (unsigned long)rti_peek_u64(&l->locked_g->id) : 0);
    rti_outbuf_text(o, "\n");
}

static void print_m(struct rti_outbuf *o, struct m *m, bool dying)
{
    struct m_line line = {.id = rti_peek_u32(&m->id),
                          .throwing = dying && m == rti_m_self() ? THROWING_RUNTIME : 0,
                          .p = rti_peek_pointer(&m->p),
                          .g = rti_peek_pointer(&m->curg),
                          .locked_g = rti_peek_pointer(&m->locked_g),
                          .spinning = rti_peek_u8(&m->spinning),
                          .blocked = rti_note_has_sleeper(&m->note)};
    print_m_line(o, &line);
}

static void print_ms(struct rti_outbuf *o, struct m *newest, bool dying)
{
    for (struct m *m = newest; m; m = rti_peek_pointer(&m->all_next))
        print_m(o, m, dying);
    struct m_line sysmon = {.throwing = dying && !rti_m_self() ? THROWING_RUNTIME : 0,
                            .blocked = rti_note_has_sleeper(&rti_world.sysmon_note)};
    print_m_line(o, &sysmon);
}

static unsigned go_status(uint32_t status)
{
    static const uint8_t numbers[RTI_G_STATES] = {
        [RTI_G_IDLE] = GO_DEAD,       [RTI_G_RUNNABLE] = GO_RUNNABLE, [RTI_G_RUNNING] = GO_RUNNING,
        [RTI_G_WAITING] = GO_WAITING, [RTI_G_BLOCKING] = GO_SYSCALL,  [RTI_G_DEAD] = GO_DEAD};
    uint32_t state = status & RTI_G_STATE_MASK;
    return (state < RTI_G_STATES ? numbers[state] : GO_DEAD) + (status & RTI_G_SCAN ? GO_SCAN : 0);
}

/* Whose thread g is on. Only a G that is on one is looked for. */
static struct m *m_of(const struct g *g)
{
    for (struct m *m = rti_peek_pointer(&rti_world.all_m); m; m = rti_peek_pointer(&m->all_next))
        if (rti_peek_pointer(&m->curg) == g)
            return m;
    return NULL;
}

static void print_g(struct g *g, void *arg)
{
    struct rti_outbuf *o = arg;
    uint32_t status = load_acq(&g->status); /* pairs with rti_g_move */
    uint32_t state = status & RTI_G_STATE_MASK;
    uint8_t why = load_rlx(&g->wait);
    struct m *m = state == RTI_G_RUNNING || state == RTI_G_BLOCKING ? m_of(g) : NULL;
    rti_outbuf_text(o, "  G%lu: status=%u(%s)", (unsigned long)rti_peek_u64(&g->id), go_status(status),
                    why ? rti_deadlock_reason(why) : "");
    print_id(o, " m=", m != NULL, m ? rti_peek_u32(&m->id) : 0);
    struct m *locked = rti_g_is_locked(g) ? rti_peek_pointer(&g->locked_m) : NULL;
    print_id(o, " lockedm=", locked != NULL, locked ? rti_peek_u32(&locked->id) : 0);
    rti_outbuf_text(o, "\n");
}

static void print_report(struct rti_outbuf *o, int64_t ms, bool detailed)
{
    uint32_t procs = load_acq(&rti_world.procs); /* pairs with make_ps */
    print_header(o, ms, detailed);
    for (uint32_t i = 0; detailed && i < procs; i++)
        print_p(o, i);
    if (!detailed)
        print_ps(o, procs);
}

static int64_t since_first(int64_t now_ns)
{
    int64_t start = load_rlx(&trace.start_ns);
    if (start == 0)
        store_rlx(&trace.start_ns, start = now_ns);
    return (now_ns - start) / NS_PER_MS;
}

void rti_schedtrace_print(struct rti_outbuf *o, int64_t now_ns, bool detailed, bool locked)
{
    int64_t ms = since_first(now_ns);
    if (locked)
        rti_lock_acquire(&rti_world.lock);
    print_report(o, ms, detailed);
    if (detailed)
        print_ms(o, rti_peek_pointer(&rti_world.all_m), !locked);
    if (locked)
        rti_lock_release(&rti_world.lock);
    if (detailed)
        rti_g_each(print_g, o);
}

bool rti_schedtrace_round(int64_t now_ns)
{
    if (LIKELY(rti_debugvars.schedtrace <= 0))
        return false;
    if (trace.last_ns != 0 && now_ns - trace.last_ns < (int64_t)rti_debugvars.schedtrace * NS_PER_MS)
        return true;
    struct rti_outbuf o;
    trace.last_ns = now_ns;
    rti_outbuf_init(&o, STDERR_FILENO, trace.buf, sizeof trace.buf);
    rti_schedtrace_print(&o, now_ns, rti_debugvars.scheddetail > 0, true);
    rti_outbuf_flush(&o);
    return true;
}

void rti_schedtrace_reset(void)
{
    store_rlx(&trace.start_ns, 0);
    trace.last_ns = 0;
}

void rti_schedtrace_fatal(struct rti_outbuf *o)
{
    if (rti_debugvars.schedtrace > 0 || rti_debugvars.scheddetail > 0)
        rti_schedtrace_print(o, rti_clock_monotonic(), true, false);
}
