#include "sched/seeded.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/debugvars.h"
#include "base/print.h"
#include "base/rand.h"
#include "parts/timerheap.h"
#include "proc/g.h"
#include "proc/m.h"
#include "proc/p.h"
#include "proc/world.h"
#include "sched/findwork.h"
#include "sched/hibernate.h"
#include "sched/netpoll.h"
#include "sched/round.h"
#include "sched/timers.h"
#include <rt/check.h>

enum { POPPED_MAX = 8, ROTATE_MAX = 16, POLL_ODDS = 8, SPIN_YIELDS = 2000 };
/* Of stacks: GODEBUG=hibernate=2; at one look in so many then; one goroutine in so many; more started, fewer looks. */
enum { EAGER = 2, OFTEN = 4, STACK_ODDS = 2, STARTED_SHIFT = 6 };
enum { SECOND_NS = 1000000000, SPIN_NS = 1000000 };

static struct {
    struct rti_rand rand;
    uint64_t hash, steps;
    uint32_t odds; /* a goroutine gives way at one point in so many */
    struct {
        struct rti_rand rand; /* not run.rand: what is drawn here changes no order */
        uint32_t odds;        /* stacks are taken at one look in so many; 0: never */
    } stacks;
    uint32_t yields;  /* of goroutines' own accord, since the clock moved or anybody was made ready */
    bool forced;      /* the yield that follows is a point's */
    uint32_t popped;  /* timers taken from their heaps and not fired yet: as if another thread were about to */
    int64_t now_ns;   /* the clock */
    const char *line; /* see replay_as */
    struct rti_timer_fire fire[POPPED_MAX];
} run;

static void mix(uint64_t what)
{
    run.hash = (run.hash ^ what) * UINT64_C(0x100000001b3); /* FNV-1a, a word at a time */
    run.hash ^= run.hash >> 29;
}

uint32_t rti_seeded_choose(uint32_t n)
{
    uint32_t chosen = rti_rand_below(&run.rand, n);
    mix(n * UINT64_C(0x100000000) + chosen);
    return chosen;
}

void rti_seeded_begin(uint64_t seed)
{
    static const uint8_t odds[] = {2, 3, 5, 10, 30, 100}, stack_odds[] = {0, 0, 0, OFTEN, 20, 100};
    const char *line = run.line;
    memset(&run, 0, sizeof run);
    run.line = line;
    run.hash = UINT64_C(0xcbf29ce484222325);
    run.rand.state = seed * UINT64_C(0x9e3779b97f4a7c15);
    run.odds = odds[rti_seeded_choose(ARRAY_LEN(odds))];
    run.stacks.rand.state = ~run.rand.state;
    run.stacks.odds = stack_odds[rti_rand_below(&run.stacks.rand, ARRAY_LEN(stack_odds))];
    if (rti_debugvars.hibernate >= EAGER)
        run.stacks.odds = OFTEN;
    run.now_ns = SECOND_NS;
    rti_clock_set_fake(run.now_ns);
}

void rti_seeded_end(void)
{
    rti_clock_set_fake(-1);
}

bool rti_seeded_gives_way(void)
{
    run.forced = rti_seeded_choose(run.odds) == 0;
    return run.forced;
}

void rti_seeded_yields(void)
{
    run.yields += !run.forced;
    run.forced = false;
}

/* --- which goroutine, and on which P --- */

/* m goes on with another P. */
static void change_p(struct m *m, struct p *to)
{
    struct p *from = m->p;
    if (from == to)
        return;
    rti_lock_acquire(&rti_world.lock);
    rti_world_unbind_locked(m);
    store_rlx(&from->state, RTI_P_IDLE); /* but on no list */
    rti_world_bind_locked(m, to);
    rti_lock_release(&rti_world.lock);
}

/* runnext, or any of the first ones of the ring. */
static struct rti_qnode *own(struct p *p)
{
    struct rti_runq *q = &p->runq;
    struct rti_qnode *n = rti_seeded_choose(2) ? rti_runq_take_next(q) : NULL;
    if (n)
        return n;
    uint32_t len = rti_runq_len(q) - (load_rlx(&q->next) != NULL);
    for (uint32_t turn = len ? rti_seeded_choose(len < ROTATE_MAX ? len : ROTATE_MAX) : 0; turn > 0; turn--) {
        struct rti_gqueue none = {0};
        CHECK(rti_runq_put(q, rti_runq_get(q), &none)); /* S2: there is the room of the one just taken */
    }
    n = rti_runq_get(q);
    return n ? n : rti_runq_take_next(q);
}

static struct rti_qnode *steal(struct p *p)
{
    uint32_t procs = rti_world_ps(), start = rti_seeded_choose(procs);
    bool room = rti_runq_len(&p->runq) <= rti_runq_room(&p->runq) / 2;
    for (uint32_t i = 0; i < procs; i++) {
        struct p *from = rti_world.allp[(start + i) % procs];
        if (from == p)
            continue;
        struct rti_qnode *n = rti_seeded_choose(2) ? rti_runq_steal_next(&from->runq) : NULL;
        if (!n && room)
            n = rti_runq_steal(&p->runq, &from->runq);
        if (!n)
            n = rti_runq_steal_next(&from->runq);
        if (n)
            return n;
    }
    return NULL;
}

static struct rti_qnode *global(struct p *p)
{
    return load_rlx(&rti_world.runq_len) ? (struct rti_qnode *)rti_findwork_global(p) : NULL;
}

/* NULL only if no queue holds anybody. */
static struct g *pick(struct m *m)
{
    change_p(m, rti_world.allp[rti_seeded_choose(load_rlx(&rti_world.procs))]);
    struct rti_qnode *n = NULL;
    uint32_t first = rti_seeded_choose(4);
    if (first == 0)
        n = global(m->p);
    else if (first == 1)
        n = steal(m->p);
    if (!n && !(n = own(m->p)) && !(n = global(m->p)))
        n = steal(m->p);
    struct g *g = (struct g *)n; /* link is the first member */
    if (g) {
        run.steps++;
        mix(g->id);
    }
    return g;
}

struct g *rti_seeded_fast(struct m *m)
{
    return rti_seeded_choose(2) ? pick(m) : NULL;
}

bool rti_seeded_place(struct p *p, struct g *g)
{
    struct rti_gqueue batch = {0};
    run.yields = 0;
    uint32_t where = rti_seeded_choose(4);
    if (where >= 2)
        return false;
    if (where == 0)
        rti_gqueue_push(&batch, &g->link);
    else
        (void)rti_runq_put(&p->runq, &g->link, &batch); /* what overflows is in the batch */
    if (batch.head)
        rti_round_submit_batch(&batch);
    return true;
}

/* --- timers and time --- */

/* Takes one that is due out of its heap. */
static bool pop_timer(void)
{
    if (run.popped == POPPED_MAX)
        return false;
    uint32_t procs = rti_world_ps(), start = rti_seeded_choose(procs);
    for (uint32_t i = 0; i < procs; i++) {
        struct p *p = rti_world.allp[(start + i) % procs];
        if (load_rlx(&p->timer_next) <= run.now_ns && rti_timers_pop(p, run.now_ns, &run.fire[run.popped])) {
            run.popped++;
            return true;
        }
    }
    return false;
}

/* Pops one, or fires one that was popped; false if there is neither. */
static bool step_timers(void)
{
    if ((run.popped == 0 || rti_seeded_choose(2)) && pop_timer())
        return true;
    if (run.popped == 0)
        return false;
    uint32_t i = rti_seeded_choose(run.popped);
    struct rti_timer_fire fire = run.fire[i];
    run.fire[i] = run.fire[--run.popped];
    rti_timers_fire(&fire);
    return true;
}

static void set_clock(int64_t now_ns)
{
    run.yields = 0;
    run.now_ns = now_ns;
    mix((uint64_t)now_ns);
    rti_clock_set_fake(now_ns);
}

bool rti_seeded_jump(void)
{
    int64_t next = rti_timers_next();
    if (next == INT64_MAX)
        return false;
    set_clock(next > run.now_ns ? next : run.now_ns);
    return true;
}

/* A look at all goroutines costs the more, the more there are. */
static void take_stacks(void)
{
    if (run.stacks.odds == 0)
        return;
    uint32_t rarer = 1 + (uint32_t)(load_rlx(&rti_world.id_next) >> STARTED_SHIFT);
    if (rti_rand_below(&run.stacks.rand, run.stacks.odds * rarer) == 0)
        (void)rti_hibernate_drawn(run.stacks.rand.state, STACK_ODDS);
}

struct g *rti_seeded_look(struct m *m)
{
    struct g *g;
    take_stacks();
    if (rti_netpoll_has_waiters() && rti_seeded_choose(POLL_ODDS) == 0 && (g = rti_netpoll_look(m)))
        return g;
    if (run.yields >= SPIN_YIELDS && !rti_seeded_jump())
        set_clock(run.now_ns + SPIN_NS);
    while (rti_seeded_choose(4) == 0 && step_timers())
        ;
    do
        g = pick(m);
    while (!g && step_timers());
    return g ? g : rti_netpoll_look(m);
}

/* --- telling --- */

uint64_t rti_seeded_hash(void)
{
    return run.hash;
}

uint64_t rti_seeded_steps(void)
{
    return run.steps;
}

void rti_seeded_replay_as(const char *command)
{
    run.line = command;
}

void rti_seeded_print_replay(void)
{
    char vars[128], line[320];
    if (rti_debugvars.seed == 0 || load_rlx(&rti_world.procs) == 0)
        return;
    rti_debugvars_format(&rti_debugvars, vars, sizeof vars);
    if (run.line) {
        rti_print_text("replay: GODEBUG=%s %s\n", vars, run.line);
        return;
    }
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, line, sizeof line - 1) : 0;
    for (ssize_t i = 0; i + 1 < n; i++)
        if (line[i] == '\0')
            line[i] = ' ';
    line[n > 0 ? n : 0] = '\0';
    rti_print_text("replay: GODEBUG=%s %s\n", vars, line);
}
