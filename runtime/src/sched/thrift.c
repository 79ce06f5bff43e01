#include "sched/thrift.h"

#include "proc/m.h"
#include "proc/p.h"
#include "sched/deadlock.h"
#include "sched/findwork.h"
#include "sched/netpoll.h"
#include "sched/sched.h"
#include "sched/timers.h"
#include "sched/wake.h"
#include <rt/check.h>

/* A theft pays from PAYS_NS on; MOST_NS is what one counts at most: one alone does not end a row in vain. */
enum { PAYS_NS = 20000, MOST_NS = 20 * PAYS_NS, WEIGHT = 16 };
/* What a lock found held costs both sides together: the line with the lock and what it guards goes back and forth. */
enum { CONTENDED_NS = 4000 };
/* A P that ran out of work so long before a theft from it did so because of it: the thief looks at the clock late. */
enum { SLACK_NS = 1000 };
/* From one try to the next: the first, and how often it doubles (12.8 ms). */
enum { TRY_NS = 200000, TRY_DOUBLES = 6 };
/* A P whose goroutine has not changed for so long holds up those behind it. One that has changed more often than that
 * since the last look runs short ones. */
enum { STUCK_NS = RTI_THRIFT_LOOK_NS - 10000, BRISK_SWITCHES = 16 };
/* But if those that were given another P only fought for locks, then twice as long for each time (1.3 ms). */
enum { FIGHT_DOUBLES = 5 };
/* Looks without anything to be seen until sysmon gives the duty up. */
enum { QUIET_LOOKS = 40 };

/* Hints all: a lost update makes a mean a little wrong. */
static struct {
    _Atomic(int64_t) gain_ns; /* mean time in which a theft keeps two Ps busy; written by thieves */
    _Atomic(uint32_t) tries;  /* in a row that did not pay, at most TRY_DOUBLES; written by sysmon, 0 by thieves */
    _Atomic(uint32_t) fights; /* thefts in a row that ended at locks found held, at most FIGHT_DOUBLES; by thieves */
    int64_t try_ns;           /* sysmon's: when the next is due */
    int64_t look_ns;          /* sysmon's: from this look to the next */
    uint32_t quiet;           /* sysmon's: looks in a row that saw nothing */
} thrift = {.gain_ns = MOST_NS, .look_ns = RTI_THRIFT_LOOK_NS};

void rti_thrift_reset(void)
{
    store_rlx(&thrift.gain_ns, MOST_NS);
    store_rlx(&thrift.tries, 0);
    store_rlx(&thrift.fights, 0);
    thrift.try_ns = 0;
    thrift.look_ns = RTI_THRIFT_LOOK_NS;
    thrift.quiet = 0;
    store_rlx(&rti_world.thrift, 0);
    store_rlx(&rti_world.watching, 0);
}

void rti_thrift_stole(struct p *p, struct p *from)
{
    int64_t now = rti_sched_now();
    p->theft.from = from;
    p->theft.since_ns = now;
    p->theft.contended = rti_lock_contended();
    if (load_rlx(&from->theft.dry_ns) < now - SLACK_NS)
        store_rlx(&from->theft.dry_ns, 0);
}

/* A theft bought so much time in which two Ps were busy instead of one. */
static void judge(int64_t gain_ns, bool fought)
{
    int64_t mean = load_rlx(&thrift.gain_ns);
    mean += ((gain_ns < MOST_NS ? gain_ns : MOST_NS) - mean) / WEIGHT;
    store_rlx(&thrift.gain_ns, mean);
    if (mean < PAYS_NS)
        store_rlx(&rti_world.thrift, 1);
    else if (mean > 2 * PAYS_NS)
        store_rlx(&rti_world.thrift, 0);
    uint32_t fights = load_rlx(&thrift.fights);
    store_rlx(&thrift.fights, gain_ns >= PAYS_NS || !fought ? 0 : fights < FIGHT_DOUBLES ? fights + 1 : fights);
    if (gain_ns >= PAYS_NS)
        store_rlx(&thrift.tries, 0);
}

enum { VAIN_LEAST = 16 };
bool rti_thrift_is_vain(void)
{
    struct m *m = rti_m_self();
    struct p *p = m ? m->p : NULL;
    if (!p || p->theft.since_ns == 0)
        return false;
    int64_t lost = rti_lock_contended() - p->theft.contended;
    return lost >= VAIN_LEAST && lost * CONTENDED_NS > rti_sched_now() - p->theft.since_ns;
}

/* Until one of both was out of work: work that only moved is no gain. */
static int64_t gain_of(const struct p *p, int64_t now)
{
    int64_t dry = load_rlx(&p->theft.from->theft.dry_ns);
    int64_t gain = (dry != 0 ? dry : now) - p->theft.since_ns;
    gain -= (int64_t)(rti_lock_contended() - p->theft.contended) * CONTENDED_NS;
    return gain > 0 ? gain : 0;
}

bool rti_thrift_refuses(struct p *p)
{
    if (p->theft.since_ns == 0 && load_rlx(&p->theft.dry_ns) != 0)
        return false;
    int64_t now = rti_sched_now();
    if (load_rlx(&p->theft.dry_ns) == 0)
        store_rlx(&p->theft.dry_ns, now);
    if (p->theft.since_ns == 0)
        return false;
    judge(gain_of(p, now), rti_lock_contended() != p->theft.contended);
    p->theft.since_ns = 0;
    return load_rlx(&rti_world.thrift) && !rti_world.odd;
}

static bool somebody_runs(void)
{
    uint32_t ps = rti_world_ps();
    for (uint32_t i = 0; i < ps; i++)
        if (load_rlx(&rti_world.allp[i]->state) == RTI_P_RUNNING)
            return true;
    return false;
}

bool rti_thrift_spares(void)
{
    return load_rlx(&rti_world.thrift) && !rti_world.odd && somebody_runs();
}

bool rti_thrift_defers(void)
{
    if (!rti_thrift_spares())
        return false;
    store_rlx(&rti_world.watching, 1);
    fence_full(); /* it is sysmon's, now look how long it sleeps; pairs with the fence in sysmon's nap */
    if (load_rlx(&rti_world.sysmon_until) - rti_sched_now() > RTI_THRIFT_CALM_NS)
        rti_note_wake(&rti_world.sysmon_note);
    return true;
}

/* Nobody looks from here on; whoever goes idle or submits from here on knows. */
static void give_up(void)
{
    store_rlx(&rti_world.watching, 0);
    CHECK(sub_seq(&rti_world.spinning, 1) > 0);
    fence_full_after_rmw(); /* no longer counted, now look; pairs with the fence in rti_round_submit */
    if (rti_findwork_visible())
        rti_wake_maybe();
    else if (!somebody_runs())
        rti_deadlock_check(); /* who went idle last may have looked when sysmon still counted */
}

/* How one P was seen to do. */
enum pace { BRISK, SLOW, STUCK };
static enum pace pace_of(struct p *p, int64_t now)
{
    uint64_t switches = load_rlx(&p->count.switches), more = switches - p->seen.switches;
    if (more > 0 || load_rlx(&p->state) != RTI_P_RUNNING) {
        p->seen.switches = switches;
        p->seen.switches_ns = now;
        return more > BRISK_SWITCHES || load_rlx(&p->state) != RTI_P_RUNNING ? BRISK : SLOW;
    }
    bool others = !rti_runq_is_empty(&p->runq) || load_rlx(&rti_world.runq_len) > 0;
    int64_t stuck_ns = (int64_t)STUCK_NS << load_rlx(&thrift.fights);
    return others && now - p->seen.switches_ns >= stuck_ns ? STUCK : SLOW;
}

/* The worst of all Ps. */
static enum pace pace(int64_t now)
{
    enum pace worst = BRISK;
    uint32_t ps = rti_world_ps();
    for (uint32_t i = 0; i < ps; i++) {
        enum pace one = pace_of(rti_world.allp[i], now);
        worst = one > worst ? one : worst;
    }
    return worst;
}

/* Timers that nobody comes to, or descriptors that nobody waits for. */
static bool is_unwatched(int64_t now)
{
    return rti_timers_next() <= now - RTI_THRIFT_LOOK_NS ||
           (load_rlx(&rti_world.poll_until) == 0 && rti_netpoll_has_waiters());
}

static bool is_due(int64_t now)
{
    uint32_t tries = load_rlx(&thrift.tries);
    if (now < thrift.try_ns)
        return false;
    store_rlx(&thrift.tries, tries < TRY_DOUBLES ? tries + 1 : tries);
    thrift.try_ns = now + ((int64_t)TRY_NS << tries);
    return true;
}

/* It is sysmon's duty. */
static void look(int64_t now)
{
    enum pace seen = pace(now);
    bool visible = rti_findwork_visible();
    thrift.quiet = visible ? 0 : thrift.quiet + 1;
    if (load_rlx(&rti_world.idle_ps) == 0 || thrift.quiet > QUIET_LOOKS || !rti_thrift_spares()) {
        give_up();
        return;
    }
    thrift.look_ns = seen == BRISK ? thrift.look_ns * 2 : RTI_THRIFT_LOOK_NS;
    if (seen != STUCK && !is_unwatched(now) && !(visible && is_due(now)))
        return;
    thrift.look_ns = RTI_THRIFT_LOOK_NS;
    store_rlx(&rti_world.watching, 0);
    rti_wake_claimed();
}

int64_t rti_thrift_look(int64_t now)
{
    if (load_rlx(&rti_world.watching))
        look(now);
    else if (!load_rlx(&rti_world.thrift) || thrift.quiet++ >= QUIET_LOOKS) /* else the duty may be back soon */
        return INT64_MAX;
    if (thrift.look_ns > RTI_THRIFT_CALM_NS)
        thrift.look_ns = RTI_THRIFT_CALM_NS;
    return thrift.look_ns;
}
