#include "sched/stopworld.h"

#include <time.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/futex.h"
#include "proc/m.h"
#include "proc/p.h"
#include "sched/handoff.h"
#include "sched/preempt.h"
#include "sched/resize.h"
#include "sched/safepoint.h"
#include "sched/wake.h"
#include <rt/check.h>

enum {
    COME_NS = 10000,
    SIGNAL_NS = 20000,
    FIRST_SLEEP_NS = 50000,
    LONGEST_SLEEP_NS = 1000000,
    PAUSES = 16,
    POKE_AGAIN = 8
};
enum { PATIENCE_NS = 20000000, RETRY_NAP_NS = 200000 };
static const int64_t BRIEFLY_NS = 4 * PATIENCE_NS, FOR_EVER_NS = INT64_MAX / 2; /* the longest patience */
enum { GATE_OPEN, GATE_HELD, GATE_CONTENDED };

static struct {
    _Atomic(uint32_t) gate; /* who holds it is the stopper; enum above */
    /* the stopper's */
    enum rti_stop_reason why;
    int64_t asked_ns, stood_ns;
    struct rti_hist stopping[RTI_STOP_COUNT], total[RTI_STOP_COUNT];
} stop;

/* --- one stopper at a time --- */

static bool gate_try(void)
{
    uint32_t open = GATE_OPEN;
    return cas_acq(&stop.gate, &open, GATE_HELD); /* pairs with xchg in gate_open */
}

/* Waits as in a blocking call, so that the stop which is under way gets our P at once. Does not take the gate in there:
 * a goroutine may never come back from a call if the world ends. */
static void gate_close(void)
{
    while (UNLIKELY(!gate_try())) {
        uint32_t held = GATE_HELD;
        rti_handoff_enter();
        if (cas_rlx(&stop.gate, &held, GATE_CONTENDED) || held == GATE_CONTENDED)
            rti_futex_wait(&stop.gate, GATE_CONTENDED, -1);
        rti_handoff_exit();
    }
}

static void gate_open(void)
{
    if (xchg_acq_rel(&stop.gate, GATE_OPEN) == GATE_CONTENDED) /* pairs with cas_acq in gate_try */
        rti_futex_wake_all(&stop.gate);
}

/* --- stopping --- */

/* Asks every P, takes those that stand anyway; the number of those to wait for. */
static uint32_t ask_all_locked(const struct p *own)
{
    uint32_t left = 0, ps = rti_world_ps();
    for (struct p *p; (p = rti_world_take_idle_p_locked());)
        store_rlx(&p->state, RTI_P_STOPPED);
    for (uint32_t i = 0; i < ps; i++) {
        struct p *p = rti_world.allp[i];
        if (load_rlx(&p->state) != RTI_P_RUNNING)
            continue;
        rti_preempt_ask_locked(p, RTI_PREEMPT_STOP);
        if (p == own)
            store_rlx(&p->state, RTI_P_STOPPED);
        else
            left++;
    }
    return left;
}

/* Ps that have gone into calls. True if there is nobody left to wait for. */
static bool take_calls(void)
{
    rti_lock_acquire(&rti_world.lock);
    uint32_t taken = rti_handoff_take_calls_locked();
    uint32_t left = sub_acq_rel(&rti_world.stop_left, taken) - taken; /* pairs with sub in count_one_locked */
    rti_lock_release(&rti_world.lock);
    return left == 0;
}

/* Everybody stands, or the runtime ends. */
static bool spin(int64_t for_ns)
{
    for (int64_t end = rti_clock_monotonic() + for_ns; rti_clock_monotonic() < end;) {
        for (int i = 0; i < PAUSES; i++) {
            if (load_acq(&rti_world.stop_left) == 0) /* pairs with sub in count_one_locked */
                return true;
            rti_cpu_pause();
        }
    }
    return load_acq(&rti_world.stop_left) == 0 || load_rlx(&rti_world.stopping);
}

/* Whoever has not come by itself is interrupted. again: even if an earlier signal seems to be under way still. */
static void poke_all(bool again)
{
    uint32_t ps = rti_world_ps();
    for (uint32_t i = 0; i < ps; i++) {
        struct p *p = rti_world.allp[i];
        struct m *m = load_rlx(&p->state) == RTI_P_RUNNING ? load_acq(&p->m) : NULL; /* pairs with bind_locked */
        if (m && !(load_rlx(&m->call) & 1))
            rti_preempt_poke(m, again);
    }
}

/* False when it takes longer than that. */
static bool wait_until_stopped(int64_t patience_ns)
{
    if (spin(COME_NS))
        return true;
    int64_t end = rti_clock_monotonic() + patience_ns;
    int round = 0;
    for (int64_t sleep_ns = FIRST_SLEEP_NS; !take_calls(); round++) {
        poke_all(round % POKE_AGAIN == POKE_AGAIN - 1);
        if (spin(SIGNAL_NS))
            return true;
        if (rti_clock_monotonic() > end)
            return false;
        uint32_t left = load_acq(&rti_world.stop_left); /* pairs with sub in count_one_locked */
        if (left == 0)
            return true;
        rti_futex_wait(&rti_world.stop_left, left, sleep_ns);
        sleep_ns = sleep_ns * 2 < LONGEST_SLEEP_NS ? sleep_ns * 2 : LONGEST_SLEEP_NS;
    }
    return true;
}

/* False when the runtime ends or does not run. */
static bool ask(void)
{
    struct m *m = rti_m_self();
    struct p *own = m && !(load_rlx(&m->call) & 1) ? m->p : NULL;
    CHECK(!own || m->curg); /* not from a timer function or a commit */
    rti_lock_acquire(&rti_world.lock);
    bool runs = load_rlx(&rti_world.procs) > 0 && !load_rlx(&rti_world.stopping);
    if (runs) {
        or_acq_rel(&rti_world.attention, RTI_ATTENTION_STOP);
        store_rlx(&rti_world.stop_left, ask_all_locked(own));
    }
    rti_lock_release(&rti_world.lock);
    return runs;
}

static void go_on(void)
{
    rti_lock_acquire(&rti_world.lock);
    uint32_t ps = rti_world_ps();
    sub_acq_rel(&rti_world.attention, RTI_ATTENTION_STOP);
    for (uint32_t i = 0; i < ps; i++) {
        struct p *p = rti_world.allp[i];
        and_rlx(&p->preempt, ~(uint32_t)RTI_PREEMPT_STOP);
        if (load_rlx(&p->state) != RTI_P_STOPPED)
            continue;
        if (load_rlx(&p->m))
            store_rlx(&p->state, RTI_P_RUNNING);
        else if (rti_resize_is_surplus(p))
            rti_resize_put_away_locked(p);
        else
            rti_world_put_idle_p_locked(p);
    }
    add_seq(&rti_world.stop_epoch, 1); /* what the stopper did; pairs with load_acq in wait_for_start */
    rti_lock_release(&rti_world.lock);
    rti_futex_wake_all(&rti_world.stop_epoch);
    fence_full(); /* Ps idle, now look; pairs with the fence in rti_round_submit */
    rti_wake_mend(rti_clock_monotonic());
}

/* The gate is ours. Who is interrupted may hold a lock of the C library, and a thread that cannot stand still before it
 * gets that lock (it makes a new M, or grows a heap of timers) would never come. So after a while all go on, and we try
 * again, with more patience each time: on a loaded machine a thread may only be waiting for a CPU. */
static bool stop_all(enum rti_stop_reason why, int64_t most_ns)
{
    stop.why = why;
    stop.asked_ns = rti_clock_monotonic();
    for (int64_t patience_ns = PATIENCE_NS; patience_ns <= most_ns; patience_ns *= 2) {
        if (!ask())
            break;
        bool stands = take_calls() || wait_until_stopped(patience_ns);
        if (stands && !load_rlx(&rti_world.stopping)) { /* else Ms leave without stopping, or have */
            stop.stood_ns = rti_clock_monotonic();
            rti_hist_add(&stop.stopping[why], stop.stood_ns - stop.asked_ns);
            return true;
        }
        go_on();
        struct timespec nap = {.tv_nsec = RETRY_NAP_NS};
        nanosleep(&nap, NULL);
    }
    gate_open();
    return false;
}

bool rti_stopworld_stop(enum rti_stop_reason why)
{
    gate_close();
    return stop_all(why, FOR_EVER_NS);
}

bool rti_stopworld_try_stop(enum rti_stop_reason why)
{
    return gate_try() && stop_all(why, FOR_EVER_NS);
}

bool rti_stopworld_try_briefly(enum rti_stop_reason why)
{
    return gate_try() && stop_all(why, BRIEFLY_NS);
}

void rti_stopworld_start(void)
{
    rti_hist_add(&stop.total[stop.why], rti_clock_monotonic() - stop.asked_ns);
    go_on();
    gate_open();
}

/* --- being stopped --- */

/* True: that was the last, so the stopper is to be woken, best without the lock. */
static bool count_one_locked(struct p *p)
{
    store_rlx(&p->state, RTI_P_STOPPED);
    /* What we did to p is done; pairs with load_acq of stop_left in the stopper. */
    return sub_acq_rel(&rti_world.stop_left, 1) == 1;
}

void rti_stopworld_gave_up_locked(struct p *p)
{
    DCHECK(load_rlx(&p->m) == NULL); /* S7 */
    if (count_one_locked(p))
        rti_futex_wake(&rti_world.stop_left, 1);
}

static void wait_for_start(uint32_t epoch)
{
    while (load_acq(&rti_world.stop_epoch) == epoch) /* pairs with add_seq in rti_stopworld_start */
        rti_futex_wait(&rti_world.stop_epoch, epoch, -1);
}

void rti_stopworld_pause_sig(struct m *m, uintptr_t sp, const void *context)
{
    rti_lock_acquire(&rti_world.lock);
    bool last = false, stops = rti_stopworld_wanted() && m->p && load_rlx(&m->p->state) == RTI_P_RUNNING;
    uint32_t epoch = load_rlx(&rti_world.stop_epoch);
    if (stops) {
        m->stopped_sp = sp;
        m->stopped_context = context;
        rti_safepoint_done(m->p, RTI_SAFEPOINT_STOP);
        last = count_one_locked(m->p);
    }
    rti_lock_release(&rti_world.lock);
    if (last)
        rti_futex_wake(&rti_world.stop_left, 1);
    if (!stops)
        return;
    wait_for_start(epoch);
    m->stopped_sp = 0;
    m->stopped_context = NULL;
}

void rti_stopworld_pause_sys(struct m *m)
{
    rti_stopworld_pause_sig(m, 0, NULL);
}

/* --- looking --- */

int64_t rti_stopworld_asked_stw(void)
{
    return stop.asked_ns;
}

int64_t rti_stopworld_stood_stw(void)
{
    return stop.stood_ns;
}

struct rti_hist *rti_stopworld_stopping_times(enum rti_stop_reason why)
{
    return &stop.stopping[why];
}

struct rti_hist *rti_stopworld_total_times(enum rti_stop_reason why)
{
    return &stop.total[why];
}

void rti_stopworld_reset(void)
{
    xchg_acq_rel(&stop.gate,
                 GATE_OPEN); /* a goroutine that ended with the world may have held it; pairs with gate_try */
    rti_futex_wake_all(&stop.gate);
}
