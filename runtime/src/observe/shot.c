#include "observe/shot.h"

#include <string.h>

#include "arch/ucontext.h"
#include "base/atomic.h"
#include "base/peek.h"
#include "proc/g.h"
#include "proc/m.h"
#include "proc/world.h"
#include "sched/hibernate.h"

enum { TRIES = 3 };

/* --- walking --- */

static void add_frame(struct rti_shot *s, uintptr_t pc)
{
    if (s->frames < RTI_SHOT_INNER)
        s->inner[s->frames] = pc;
    else
        s->outer[(s->frames - RTI_SHOT_INNER) % RTI_SHOT_OUTER] = pc;
    s->frames++;
}

struct bounds {
    uintptr_t lo, hi;
};

/* A word of a stack, or of its copy. */
static uintptr_t word(const struct rti_shot_taker *t, uintptr_t at)
{
    uintptr_t offset = at - t->copy.at;
    if (offset < t->copy.bytes)
        return t->copy.words[offset / sizeof(uint64_t)];
    return (uintptr_t)rti_peek_pointer((const void *)at);
}

/* A record [older frame pointer, return address] lies at fp on both architectures. */
static void walk(const struct rti_shot_taker *t, struct rti_shot *s, struct bounds b, struct rti_traceback_at at)
{
    s->frames = 0;
    if (at.pc)
        add_frame(s, at.pc);
    uintptr_t fp = at.fp;
    while (fp >= b.lo && fp <= b.hi - 2 * sizeof(uintptr_t) && fp % sizeof(uintptr_t) == 0) {
        uintptr_t older = word(t, fp);
        uintptr_t pc = word(t, fp + sizeof(uintptr_t));
        if (!pc)
            return;
        add_frame(s, pc);
        if (older <= fp)
            return;
        fp = older;
    }
}

/* The stack of g, if it has one; its bounds are taken from the pool, since g may just be getting another. */
static bool find_stack(const struct g *g, struct bounds *b)
{
    struct rti_stack s;
    char *lo = rti_peek_pointer(&g->stack_lo);
    if (!lo || !rti_stackpool_find(&rti_world.stacks, lo, &s))
        return false;
    *b = (struct bounds){(uintptr_t)s.lo, (uintptr_t)s.hi};
    return true;
}

static struct rti_traceback_at saved(const struct g *g)
{
    uintptr_t pc = (uintptr_t)rti_peek_pointer(&g->ctx.pc);
    return (struct rti_traceback_at){.pc = pc, .fp = (uintptr_t)rti_peek_pointer(&g->ctx.fp)};
}

/* Walks a stack that nobody runs on. False if it was not so all the time. */
static bool walk_parked(struct rti_shot_taker *t, struct rti_shot *s, const struct g *g, uint32_t state)
{
    struct bounds b, b2;
    struct rti_traceback_at at = saved(g);
    if (!find_stack(g, &b))
        return false;
    t->copy.at = (uintptr_t)rti_peek_pointer(&g->ctx.sp);
    t->copy.bytes = rti_hibernate_peek(g, t->copy.words);
    bool copied_out = t->copy.bytes > 0;
    walk(t, s, b, at);
    t->copy.bytes = 0;
    fence_compiler();
    struct rti_traceback_at now = saved(g);
    uint8_t hib = load_acq(&((struct g *)(uintptr_t)g)->hib); /* pairs with the stores of the hibernator */
    bool still_so = hib != RTI_HIB_DROPPING && (hib == RTI_HIB_SAVED) == copied_out;
    return still_so && rti_g_state(g) == state && now.pc == at.pc && now.fp == at.fp && find_stack(g, &b2) &&
           b2.lo == b.lo;
}

/* --- those that run --- */

static enum rti_shot_stack take_own(struct rti_shot_taker *t, struct rti_shot *s, const struct g *g)
{
    struct bounds b;
    if (t->here && find_stack(g, &b))
        walk(t, s, b, *t->here);
    s->interrupted = t->here && t->here->pc;
    s->inside = t->here && t->here->programs ? RTI_SHOT_PROGRAM : RTI_SHOT_RUNTIME;
    return s->frames > 0 ? RTI_SHOT_FRAMES : RTI_SHOT_FOREIGN;
}

/* What the thread of g, another one's, was interrupted with; it stands still since. NULL: it runs. */
static const void *context_of(const struct rti_shot_taker *t, const struct g *g)
{
    struct m *m = rti_peek_pointer(&rti_world.all_m);
    for (; m; m = rti_peek_pointer(&m->all_next))
        if (rti_peek_pointer(&m->curg) == g)
            break;
    if (!m || t->others == RTI_SHOT_RUN)
        return NULL;
    if (t->others == RTI_SHOT_STOPPED)
        return m->stopped_context;
    return (const void *)load_acq(&m->frozen); /* pairs with store_rel in freeze_here_sig */
}

static enum rti_shot_stack take_running(struct rti_shot_taker *t, struct rti_shot *s, const struct g *g)
{
    struct bounds b;
    const void *context = context_of(t, g);
    if (!context || !find_stack(g, &b))
        return RTI_SHOT_ELSEWHERE;
    walk(t, s, b, (struct rti_traceback_at){.pc = rti_ucontext_pc(context), .fp = rti_ucontext_fp(context)});
    s->interrupted = true;
    s->inside = RTI_SHOT_ANYBODY;
    return RTI_SHOT_FRAMES;
}

/* --- one goroutine --- */

static enum rti_shot_stack take_stack(struct rti_shot_taker *t, struct rti_shot *s, const struct g *g, uint32_t state)
{
    if (g == t->self)
        return take_own(t, s, g);
    if (state == RTI_G_RUNNING)
        return take_running(t, s, g);
    if (state == RTI_G_RUNNABLE && !rti_peek_pointer(&g->stack_lo))
        return RTI_SHOT_NEW;
    s->inside = state == RTI_G_BLOCKING ? RTI_SHOT_PROGRAM : RTI_SHOT_RUNTIME;
    for (int i = 0; i < TRIES; i++)
        if (walk_parked(t, s, g, state))
            return RTI_SHOT_FRAMES;
    return RTI_SHOT_MOVED;
}

/* name: of a literal, or of memory that lives as long as the goroutine. */
static void take_name(struct rti_shot *s, const char *name)
{
    size_t n = 0;
    for (; name && n < RTI_SHOT_NAME && name[n]; n++)
        s->name[n] = name[n];
    s->name[n] = '\0';
    s->named = name != NULL;
}

bool rti_shot_take(struct rti_shot_taker *self, struct g *g, struct rti_shot *out)
{
    uint32_t status = load_acq(&g->status); /* pairs with rti_g_move */
    uint32_t state = status & RTI_G_STATE_MASK;
    if (state == RTI_G_IDLE || state == RTI_G_DEAD)
        return false;
    out->id = rti_peek_u64(&g->id);
    out->parent = rti_peek_u64(&g->parent);
    out->created_at = (uintptr_t)rti_peek_pointer(&g->created_at);
    out->fn = (uintptr_t)rti_peek_pointer(&g->fn);
    out->status = status;
    out->since_s = rti_peek_u32(&g->since_s);
    out->wait = load_rlx(&g->wait);
    out->locked = rti_g_is_locked(g);
    take_name(out, rti_peek_pointer(&g->name));
    out->frames = 0;
    out->interrupted = false;
    out->inside = RTI_SHOT_RUNTIME;
    out->stack = take_stack(self, out, g, state);
    return true;
}

/* --- side by side --- */

static size_t words_kept(const struct rti_shot *s, size_t most)
{
    return s->frames < most ? s->frames : most;
}

static size_t packed_bytes(const struct rti_shot *s)
{
    return offsetof(struct rti_shot, inner) + words_kept(s, RTI_SHOT_INNER + RTI_SHOT_OUTER) * sizeof(uintptr_t);
}

size_t rti_shot_pack(const struct rti_shot *s, char *to, size_t room)
{
    size_t bytes = packed_bytes(s);
    if (bytes > room)
        return 0;
    memcpy(to, s, bytes); /* outer follows inner, which is full when outer is in use */
    return bytes;
}

size_t rti_shot_unpack(struct rti_shot *s, const char *from)
{
    memcpy(s, from, offsetof(struct rti_shot, inner));
    size_t bytes = packed_bytes(s);
    memcpy(s, from, bytes);
    return bytes;
}
