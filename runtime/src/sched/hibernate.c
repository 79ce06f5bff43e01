#include "sched/hibernate.h"

#include <string.h>

#include "base/debugvars.h"
#include "base/lock.h"
#include "base/membarrier.h"
#include "base/pages.h"
#include "base/peek.h"
#include "base/rand.h"
#include "parts/savepool.h"
#include "parts/stackcode.h"
#include "proc/g.h"
#include "proc/m.h"
#include "proc/p.h"
#include "proc/world.h"
#include "sched/round.h"
#include "sched/sched.h"
#include "sched/spawn.h"
#include <rt/check.h>

enum { BATCH = 64, LOOKS = 512, MANY = 256, RED_ZONE = 128, EAGER = 2 };
enum { EAGER_NS = 1000000 };
static const int64_t PERIOD_NS = 10000000000;

struct claim {
    struct g *g;
    uint32_t status; /* as it was when claimed */
    void *copy;      /* NULL: only what is dead is dropped */
    char *from, *to; /* the pages to drop */
};

/* Where a look at all goroutines has come to. */
struct walk {
    struct g *at; /* the next one; NULL: at the end */
    size_t saved; /* stacks copied out so far */
};

static struct {
    struct rti_lock lock; /* rank HIBERNATE; guards the rest, and hib from CLAIMED to SAVED */
    struct rti_savepool pool;
    uint32_t packed[RTI_STACKCODE_ROOM / sizeof(uint32_t)];
    struct claim claims[BATCH];
    size_t claimed;
    struct walk background; /* of rti_hibernate_step */
    bool trimming;          /* it has come to the free stacks; sysmon's */
    int64_t next_ns;        /* when its next look begins; sysmon's */
    uint64_t switches;      /* of all Ps when the last one began; sysmon's */
    int quiet;              /* looks in a row in which nobody had run; sysmon's */
    _Atomic(uint64_t) saved, restored, trimmed, refused;
} hib = {.lock = RTI_LOCK_INIT(RTI_RANK_HIBERNATE)};

static bool enabled(void)
{
    return rti_world.membarrier && rti_debugvars.hibernate > 0;
}

void rti_hibernate_init(void)
{
    hib.background = (struct walk){0};
    hib.claimed = 0;
    hib.next_ns = 0;
    hib.quiet = 0;
    hib.trimming = false;
    store_rlx(&hib.saved, 0);
    store_rlx(&hib.restored, 0);
    store_rlx(&hib.trimmed, 0);
    store_rlx(&hib.refused, 0);
    if (enabled())
        rti_savepool_init(&hib.pool, rti_world.stacks.bytes / 16); /* a copy is a small part of a stack */
}

void rti_hibernate_destroy(void)
{
    rti_savepool_destroy(&hib.pool);
}

/* --- copying --- */

static char *page_of(const char *at)
{
    return (char *)((uintptr_t)at & ~(uintptr_t)(RTI_PAGE - 1));
}

/* In these waits nobody but the goroutine itself touches its stack; a wait that is not known to be so is left alone. */
static bool waits_off_stack(uint8_t why)
{
    switch (why) {
    case RTI_WAIT_CHAN_RECEIVE:
    case RTI_WAIT_CHAN_SEND:
    case RTI_WAIT_CHAN_RECEIVE_NIL:
    case RTI_WAIT_CHAN_SEND_NIL:
    case RTI_WAIT_SELECT:
    case RTI_WAIT_SELECT_NO_CASES:
    case RTI_WAIT_MUTEX:
    case RTI_WAIT_COND:
    case RTI_WAIT_GROUP:
    case RTI_WAIT_SLEEP:
    case RTI_WAIT_IO:
        return true;
    default:
        return false;
    }
}

/* By way of packed. NULL: too many bytes, or no room for them. */
static void *copy_out(uint32_t packed[], const char *sp, size_t bytes)
{
    if (bytes > RTI_STACKCODE_MAX)
        return NULL;
    size_t size = rti_stackcode_pack(packed, sp, bytes);
    void *copy = rti_savepool_take(&hib.pool, size);
    if (copy)
        memcpy(copy, packed, size);
    return copy;
}

/* Copies the stack out if that is wanted, and says which pages go. g may have been started since: then what is read
 * here is nonsense, and thrown away; so every address is derived from one reading of sp and checked. */
RTI_NO_SANITIZE static void prepare(struct claim *c)
{
    struct g *g = c->g;
    struct rti_stack s;
    char *sp = g->ctx.sp;
    fence_compiler(); /* one reading */
    c->copy = NULL;
    c->from = c->to = NULL;
    if (!rti_stackpool_find(&rti_world.stacks, sp, &s) || sp < s.lo)
        return;
    char *top = rti_spawn_top(g, s.hi);
    c->from = g->guarded ? s.lo : s.lo + RTI_PAGE; /* the canary stays */
    if (g->may_hibernate && load_rlx(&g->pins) == 0 && waits_off_stack(load_rlx(&g->wait)) && sp < top)
        c->copy = copy_out(hib.packed, sp, (size_t)(top - sp));
    /* If it stays: one more page, which it will touch at once. */
    c->to = c->copy ? s.hi : page_of(sp - RED_ZONE) - RTI_PAGE;
}

static void restore(struct g *g)
{
    char *sp = g->ctx.sp;
    rti_stackcode_unpack(sp, sp, (size_t)(rti_spawn_top(g, rti_g_stack_hi(g)) - sp), g->saved);
    rti_savepool_give(&hib.pool, g->saved);
    add_rlx(&hib.restored, 1);
}

void rti_hibernate_start(struct g *g)
{
    for (;;) {
        uint8_t seen = load_acq(&g->hib); /* pairs with the store_rel in drop */
        switch (seen) {
        case RTI_HIB_NONE:
            return;
        case RTI_HIB_CLAIMED:
            if (cas_acq_rel(&g->hib, &seen, RTI_HIB_NONE)) /* pairs with the cas in settle */
                return;
            break;
        case RTI_HIB_DROPPING: /* a few microseconds */
            rti_lock_acquire(&hib.lock);
            rti_lock_release(&hib.lock);
            break;
        default:
            restore(g);
            store_rlx(&g->hib, RTI_HIB_NONE); /* g is ours, and claimed again only once it has parked */
            return;
        }
    }
}

bool rti_hibernate_works(void)
{
    return enabled() && hib.pool.region;
}

bool rti_hibernate_save(struct g *g, uint32_t packed[], bool parks)
{
    char *sp = g->ctx.sp;
    if (load_rlx(&g->pins) > 0 || (parks && !waits_off_stack(load_rlx(&g->wait))))
        return false;
    void *copy = copy_out(packed, sp, (size_t)(rti_spawn_top(g, rti_g_stack_hi(g)) - sp));
    if (!copy)
        return false;
    g->saved = copy;
    uint8_t seen = RTI_HIB_NONE; /* or CLAIMED, by a look that took it for the goroutine whose record it was before */
    while (!cas_acq_rel(&g->hib, &seen, RTI_HIB_SAVED))         /* pairs with load_acq in rti_hibernate_start */
        CHECK(seen == RTI_HIB_NONE || seen == RTI_HIB_CLAIMED); /* S6 */
    add_rlx(&hib.saved, 1);
    return true;
}

/* --- one batch, under the lock --- */

/* Has g waited since the last look? Remembers what it saw. */
static bool wanted_locked(struct g *g, uint32_t status)
{
    /* Seven bits of its generation tell waits apart; a wait taken for another one is only taken too early. */
    uint8_t seen = (uint8_t)(status / RTI_G_GENERATION << 1), done = seen | 1; /* done: dealt with in this wait */
    if (rti_g_is_lite(g)) /* looked at after the status: what was a lite one then is one now */
        return false;
    bool idle = g->seen == seen || (rti_debugvars.hibernate >= EAGER && g->seen != done);
    if ((status & RTI_G_STATE_MASK) != RTI_G_WAITING || load_rlx(&g->hib) != RTI_HIB_NONE)
        return false;
    if (g->seen != done)
        g->seen = idle ? done : seen;
    return idle;
}

static void claim_locked(struct g *g, uint32_t status)
{
    uint8_t none = RTI_HIB_NONE; /* else it has become a lite one and is saved; published by the membarrier in settle */
    if (cas_acq_rel(&g->hib, &none, RTI_HIB_CLAIMED))
        hib.claims[hib.claimed++] = (struct claim){.g = g, .status = status};
}

static void unclaim(struct claim *c)
{
    uint8_t claimed = RTI_HIB_CLAIMED;
    (void)cas_acq_rel(&c->g->hib, &claimed, RTI_HIB_NONE); /* or whoever started it did so itself */
    if (c->copy)
        rti_savepool_give(&hib.pool, c->copy);
    c->g = NULL;
    add_rlx(&hib.refused, 1);
}

/* Sure that nobody starts it unseen: CLAIMED becomes DROPPING, or the claim is given up. */
static void settle_locked(struct claim *c)
{
    uint8_t claimed = RTI_HIB_CLAIMED;
    c->copy = NULL;
    if (load_acq(&c->g->status) == c->status) { /* pairs with the store_rel of rti_g_move when it parked */
        prepare(c);
        if ((c->copy || c->from < c->to) && cas_acq_rel(&c->g->hib, &claimed, RTI_HIB_DROPPING))
            return; /* pairs with the cas in rti_hibernate_start: from here on it waits */
    }
    unclaim(c);
}

/* By address: goroutines started one after the other mostly have neighbouring stacks. */
static void sort_claims_locked(void)
{
    for (size_t i = 1; i < hib.claimed; i++) {
        struct claim c = hib.claims[i];
        size_t k = i;
        for (; k > 0 && hib.claims[k - 1].from > c.from; k--)
            hib.claims[k] = hib.claims[k - 1];
        hib.claims[k] = c;
    }
}

/* Gives the pages back, those of neighbours in one call: guard pages in between stay what they are. */
static void drop_locked(void)
{
    for (size_t i = 0; i < hib.claimed;) {
        char *from = hib.claims[i].from, *to = hib.claims[i].to;
        while (++i < hib.claimed && rti_stackpool_adjacent(&rti_world.stacks, to, hib.claims[i].from))
            to = hib.claims[i].to;
        rti_pages_discard(from, (size_t)(to - from));
    }
}

static size_t publish_locked(void)
{
    size_t saved = 0;
    for (size_t i = 0; i < hib.claimed; i++) {
        struct claim *c = &hib.claims[i];
        if (c->copy)
            c->g->saved = c->copy;
        saved += c->copy != NULL;
        /* pairs with load_acq in rti_hibernate_start */
        store_rel(&c->g->hib, c->copy ? RTI_HIB_SAVED : RTI_HIB_NONE);
    }
    add_rlx(&hib.saved, saved);
    add_rlx(&hib.trimmed, hib.claimed - saved);
    return saved;
}

static size_t settle_all_locked(void)
{
    if (hib.claimed == 0)
        return 0;
    rti_membarrier_all(); /* who wakes one of them from here on sees the claim; pairs with the plain load in round.c */
    size_t kept = 0;
    for (size_t i = 0; i < hib.claimed; i++) {
        struct claim c = hib.claims[i];
        settle_locked(&c);
        if (c.g)
            hib.claims[kept++] = c;
    }
    hib.claimed = kept;
    sort_claims_locked();
    drop_locked();
    size_t saved = publish_locked();
    hib.claimed = 0;
    return saved;
}

/* Looks at up to LOOKS goroutines. */
static void look(struct walk *w)
{
    rti_lock_acquire(&hib.lock);
    for (int i = 0; w->at && i < LOOKS && hib.claimed < BATCH; i++, w->at = rti_g_after(w->at)) {
        uint32_t status = load_acq(&w->at->status);
        if (wanted_locked(w->at, status))
            claim_locked(w->at, status);
    }
    w->saved += settle_all_locked();
    rti_lock_release(&hib.lock);
}

size_t rti_hibernate_cycle(void)
{
    struct walk w = {.at = rti_g_first()};
    if (!enabled() || load_acq(&rti_world.procs) == 0) /* pairs with the store at boot */
        return 0;
    while (w.at) {
        look(&w);
        rti_round_yield();
    }
    rti_stackpool_mark(&rti_world.stacks);
    while (rti_stackpool_trim(&rti_world.stacks, LOOKS))
        rti_round_yield();
    return w.saved;
}

/* Not the order of the list, which tells of goroutines of earlier runs. */
static bool is_drawn(uint64_t draw, const struct g *g, uint32_t odds)
{
    struct rti_rand r = {.state = draw ^ g->id * UINT64_C(0x9e3779b97f4a7c15)};
    return rti_rand_below(&r, odds) == 0;
}

size_t rti_hibernate_drawn(uint64_t draw, uint32_t odds)
{
    size_t saved = 0;
    if (!enabled())
        return 0;
    rti_lock_acquire(&hib.lock);
    for (struct g *g = rti_g_first(); g; g = rti_g_after(g)) {
        uint32_t status = load_acq(&g->status); /* pairs with rti_g_move */
        if ((status & RTI_G_STATE_MASK) != RTI_G_WAITING || load_rlx(&g->hib) != RTI_HIB_NONE || rti_g_is_lite(g))
            continue;
        if (is_drawn(draw, g, odds))
            claim_locked(g, status);
        if (hib.claimed == BATCH)
            saved += settle_all_locked();
    }
    saved += settle_all_locked();
    rti_lock_release(&hib.lock);
    return saved;
}

/* --- in the background --- */

static uint64_t count_switches(void)
{
    uint64_t sum = 0;
    uint32_t procs = load_rlx(&rti_world.procs);
    for (uint32_t i = 0; i < procs; i++)
        sum += load_rlx(&rti_world.allp[i]->count.switches);
    return sum;
}

/* A program of few goroutines has nothing to gain that is worth waking up for. */
static bool worth_it(void)
{
    return enabled() && (rti_debugvars.hibernate >= EAGER || rti_g_made() >= MANY);
}

bool rti_hibernate_step(int64_t now)
{
    if (!worth_it())
        return false;
    if (hib.trimming)
        return hib.trimming = rti_stackpool_trim(&rti_world.stacks, LOOKS);
    if (!hib.background.at) {
        if (now < hib.next_ns)
            return false;
        uint64_t switches = count_switches();
        hib.quiet = switches == hib.switches ? hib.quiet + 1 : 0;
        hib.switches = switches;
        hib.next_ns = now + (rti_debugvars.hibernate >= EAGER ? EAGER_NS : PERIOD_NS);
        hib.background = (struct walk){.at = rti_g_first()};
    }
    look(&hib.background);
    if (!hib.background.at) {
        rti_stackpool_mark(&rti_world.stacks);
        hib.trimming = true;
    }
    return true;
}

int64_t rti_hibernate_next(void)
{
    if (!worth_it())
        return INT64_MAX;
    if (hib.background.at || hib.trimming)
        return 0;
    return hib.quiet >= 2 && count_switches() == hib.switches ? INT64_MAX : hib.next_ns;
}

/* --- for readers of parked stacks --- */

size_t rti_hibernate_copy(struct g *g, void *to)
{
    if (load_acq(&g->hib) != RTI_HIB_SAVED) /* pairs with store_rel in publish_locked */
        return 0;
    size_t bytes = (size_t)(rti_spawn_top(g, rti_g_stack_hi(g)) - (char *)g->ctx.sp);
    rti_stackcode_unpack(to, g->ctx.sp, bytes, g->saved);
    return bytes;
}

static bool is_saved(const struct g *g)
{
    return load_acq(&((struct g *)(uintptr_t)g)->hib) == RTI_HIB_SAVED; /* pairs with store_rel in publish_locked */
}

size_t rti_hibernate_peek(const struct g *g, void *to)
{
    if (!is_saved(g))
        return 0;
    const char *packed = rti_peek_pointer(&g->saved), *sp = rti_peek_pointer(&g->ctx.sp);
    char *low = rti_peek_pointer(&g->stack_lo);
    size_t usable = rti_stackpool_usable((enum rt_stack)(rti_peek_u8(&g->stack_class) % RT_STACK_COUNT));
    size_t bytes = (size_t)(rti_spawn_top(g, low + usable) - sp);
    /* A buffer that is used again may pack more than it has room for: read on then, up to the end of the region. */
    const char *lo = rti_peek_pointer(&hib.pool.region), *hi = rti_peek_pointer(&hib.pool.end);
    if (!is_saved(g) || bytes > RTI_STACKCODE_MAX || bytes % sizeof(uint64_t) != 0 || !lo || packed < lo ||
        packed + RTI_STACKCODE_ROOM > hi)
        return 0;
    rti_stackcode_unpack(to, sp, bytes, packed);
    return bytes;
}

void rti_hibernate_hold(void)
{
    rti_lock_acquire(&hib.lock);
}

void rti_hibernate_resume(void)
{
    rti_lock_release(&hib.lock);
}

struct rti_hibernate_counts rti_hibernate_counts(void)
{
    return (struct rti_hibernate_counts){.saved = load_rlx(&hib.saved),
                                         .restored = load_rlx(&hib.restored),
                                         .trimmed = load_rlx(&hib.trimmed),
                                         .refused = load_rlx(&hib.refused)};
}
