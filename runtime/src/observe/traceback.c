#include "observe/traceback.h"

#include <string.h>

#include "base/clock.h"
#include "base/outbuf.h"
#include "base/peek.h"
#include "proc/g.h"
#include "proc/world.h"
#include "parts/stackcode.h"
#include "sched/deadlock.h"
#include "sched/hibernate.h"
#include "sched/symbol.h"

/* As Go: of a deep stack the innermost and the outermost frames. */
enum { INNER = 50, OUTER = 50, TRIES = 3, NAME_MAX_SHOWN = 64, NS_PER_S = 1000000000, MINUTE = 60, STATICS = 3 };

/* One dump. */
struct traceback {
    struct rti_outbuf *out;
    const struct g *self;
    const struct rti_traceback_at *here;
    bool system;
    bool empty; /* nothing printed yet */
    struct rti_symbol_cache symbols;
    uintptr_t inner[INNER]; /* program counters, from the inside out */
    uintptr_t outer[OUTER]; /* the last ones, as a ring */
    size_t frames;
    struct {
        uintptr_t at; /* where these bytes belong, while the stack is copied out */
        size_t bytes;
        uint64_t words[RTI_STACKCODE_MAX / sizeof(uint64_t)];
    } copy;
    bool interrupted; /* the innermost is not a return address */
};

static void add_frame(struct traceback *t, uintptr_t pc)
{
    if (t->frames < INNER)
        t->inner[t->frames] = pc;
    else
        t->outer[(t->frames - INNER) % OUTER] = pc;
    t->frames++;
}

static uintptr_t frame(const struct traceback *t, size_t i)
{
    return i < INNER ? t->inner[i] : t->outer[(i - INNER) % OUTER];
}

struct bounds {
    uintptr_t lo, hi;
};

/* A word of a stack, or of its copy. */
static uintptr_t word(const struct traceback *t, uintptr_t at)
{
    uintptr_t offset = at - t->copy.at;
    if (offset < t->copy.bytes)
        return t->copy.words[offset / sizeof(uint64_t)];
    return (uintptr_t)rti_peek_pointer((const void *)at);
}

/* A record [older frame pointer, return address] lies at fp on both architectures. */
static void walk(struct traceback *t, struct bounds b, struct rti_traceback_at at)
{
    t->frames = 0;
    t->interrupted = false;
    if (at.pc)
        add_frame(t, at.pc);
    uintptr_t fp = at.fp;
    while (fp >= b.lo && fp <= b.hi - 2 * sizeof(uintptr_t) && fp % sizeof(uintptr_t) == 0) {
        uintptr_t older = word(t, fp);
        uintptr_t pc = word(t, fp + sizeof(uintptr_t));
        if (!pc)
            return;
        add_frame(t, pc);
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
static bool walk_stopped(struct traceback *t, const struct g *g, uint32_t state)
{
    struct bounds b, b2;
    struct rti_traceback_at at = saved(g);
    if (!find_stack(g, &b))
        return false;
    t->copy.at = (uintptr_t)rti_peek_pointer(&g->ctx.sp);
    t->copy.bytes = rti_hibernate_peek(g, t->copy.words);
    bool copied_out = t->copy.bytes > 0;
    walk(t, b, at);
    t->copy.bytes = 0;
    fence_compiler();
    struct rti_traceback_at now = saved(g);
    uint8_t hib = load_acq(&((struct g *)(uintptr_t)g)->hib); /* pairs with the stores of the hibernator */
    bool still_so = hib != RTI_HIB_DROPPING && (hib == RTI_HIB_SAVED) == copied_out;
    return still_so && rti_g_state(g) == state && now.pc == at.pc && now.fp == at.fp && find_stack(g, &b2) &&
           b2.lo == b.lo;
}

/* An address inside the instruction: a return address may already be another function's. */
static uintptr_t inside(const struct traceback *t, size_t i)
{
    return frame(t, i) - (i == 0 && t->interrupted ? 0 : 1);
}

static const char *name_of(struct traceback *t, size_t i)
{
    const char *name = rti_symbol_cached(&t->symbols, inside(t, i))->name;
    return name ? name : "";
}

static bool internal(struct traceback *t, size_t i)
{
    return strncmp(name_of(t, i), "rti_", 4) == 0;
}

static bool public(struct traceback *t, size_t i)
{
    return strncmp(name_of(t, i), "rt_", 3) == 0;
}

/* The frames of the runtime that are younger than the function which the program called: up to the first rt_..., and if
 * the compiler made a jump of that call, up to the last rti_... . Static functions of the runtime lie between them,
 * never more than STATICS in a row. */
static size_t skip_inner(struct traceback *t, size_t end)
{
    size_t n = end < INNER ? end : INNER, last = 0;
    for (size_t i = 0; i < n && i <= last + STATICS; i++) {
        if (public(t, i))
            return i;
        if (internal(t, i))
            last = i + 1;
    }
    return last;
}

/* The frames in which every goroutine starts. */
static size_t skip_outer(struct traceback *t, const struct g *g)
{
    static const char *const start[] = {"rti_context_start", "arrive_new", "rti_spawn_body"};
    size_t end = t->frames;
    for (size_t i = 0; i < ARRAY_LEN(start); i++)
        if (end > 0 && strcmp(name_of(t, end - 1), start[i]) == 0)
            end--;
    if (rti_peek_u64(&g->id) == 1 && end < t->frames && end > 0 && strcmp(name_of(t, end - 1), "main_goroutine") == 0)
        end--;
    return end;
}

/* at: an address inside the instruction that is shown; pc: what the distance is counted to. */
static void print_frame(struct traceback *t, uintptr_t at, uintptr_t pc)
{
    const struct rti_symbol *s = rti_symbol_cached(&t->symbols, at);
    if (s->name)
        rti_outbuf_text(t->out, "%s(...)\n", s->name);
    else
        rti_outbuf_text(t->out, "0x%lx(...)\n", (unsigned long)at);
    if (!s->file)
        return;
    rti_outbuf_text(t->out, "\t%s+0x%lx", s->file, (unsigned long)(at - s->base));
    if (s->name)
        rti_outbuf_text(t->out, " +0x%lx", (unsigned long)(pc - s->start));
    rti_outbuf_text(t->out, "\n");
}

static void print_frames(struct traceback *t, const struct g *g, bool user_code_inside)
{
    size_t end = t->system ? t->frames : skip_outer(t, g);
    size_t first = t->system || user_code_inside ? 0 : skip_inner(t, end);
    size_t gap = t->frames > INNER + OUTER ? t->frames - INNER - OUTER : 0;
    for (size_t i = first; i < end; i++) {
        if (gap && i == INNER) {
            rti_outbuf_text(t->out, "...%zu frames elided...\n", gap);
            i += gap;
        }
        print_frame(t, inside(t, i), frame(t, i));
    }
}

static void print_name(struct rti_outbuf *o, const char *name)
{
    rti_outbuf_text(o, ", \"");
    for (size_t i = 0; name[i] && i < NAME_MAX_SHOWN; i++)
        rti_outbuf_text(o, "%c", name[i]);
    rti_outbuf_text(o, "\"");
}

static void print_header(struct rti_outbuf *o, const struct g *g, uint32_t status)
{
    uint32_t state = status & RTI_G_STATE_MASK;
    bool waits = state == RTI_G_WAITING;
    const char *what =
        waits ? rti_deadlock_reason(load_rlx(&((struct g *)(uintptr_t)g)->wait)) : rti_g_state_name(state);
    const char *name = rti_peek_pointer(&g->name);
    rti_outbuf_text(o, "goroutine %lu [%s", (unsigned long)rti_peek_u64(&g->id), what);
    if (status & RTI_G_SCAN)
        rti_outbuf_text(o, " (scan)");
    uint32_t now_s = (uint32_t)(rti_clock_monotonic() / NS_PER_S);
    uint32_t waited_s = now_s - rti_peek_u32(&g->since_s);
    if (waits && waited_s >= MINUTE && waited_s <= INT32_MAX)
        rti_outbuf_text(o, ", %u minutes", waited_s / MINUTE);
    if (rti_g_is_locked(g))
        rti_outbuf_text(o, ", locked to thread");
    if (name)
        print_name(o, name);
    rti_outbuf_text(o, "]:\n");
}

static void print_maker(struct traceback *t, const struct g *g)
{
    uintptr_t at = (uintptr_t)rti_peek_pointer(&g->created_at);
    unsigned long parent = (unsigned long)rti_peek_u64(&g->parent);
    if (!at)
        return;
    rti_outbuf_text(t->out, "created by ");
    const struct rti_symbol *s = rti_symbol_cached(&t->symbols, at - 1);
    if (s->name)
        rti_outbuf_text(t->out, "%s", s->name);
    else
        rti_outbuf_text(t->out, "0x%lx", (unsigned long)at);
    if (parent)
        rti_outbuf_text(t->out, " in goroutine %lu", parent);
    rti_outbuf_text(t->out, "\n");
    if (s->file)
        rti_outbuf_text(t->out, "\t%s+0x%lx +0x%lx\n", s->file, (unsigned long)(at - 1 - s->base),
                        (unsigned long)(s->name ? at - s->start : 0));
}

static void print_running(struct traceback *t, const struct g *g)
{
    struct bounds b;
    if (g != t->self) {
        rti_outbuf_text(t->out, "\tgoroutine running on other thread; stack unavailable\n");
        return;
    }
    t->frames = 0;
    if (t->here && find_stack(g, &b))
        walk(t, b, *t->here);
    t->interrupted = t->here && t->here->pc;
    if (t->frames == 0)
        rti_outbuf_text(t->out, "\tgoroutine's thread is on another stack; stack unavailable\n");
    else
        print_frames(t, g, t->here && t->here->programs);
}

static void print_stack(struct traceback *t, const struct g *g, uint32_t state)
{
    if (g == t->self || state == RTI_G_RUNNING) {
        print_running(t, g);
        return;
    }
    if (state == RTI_G_RUNNABLE && !rti_peek_pointer(&g->stack_lo)) { /* it never ran */
        uintptr_t fn = (uintptr_t)rti_peek_pointer(&g->fn);
        print_frame(t, fn, fn);
        return;
    }
    for (int i = 0; i < TRIES; i++)
        if (walk_stopped(t, g, state)) {
            print_frames(t, g, state == RTI_G_BLOCKING);
            return;
        }
    rti_outbuf_text(t->out, "\tgoroutine ran while its stack was read; stack unavailable\n");
}

static void print_goroutine(struct traceback *t, struct g *g)
{
    uint32_t status = load_acq(&g->status); /* pairs with rti_g_move */
    uint32_t state = status & RTI_G_STATE_MASK;
    if (state == RTI_G_IDLE || state == RTI_G_DEAD)
        return;
    if (!t->empty)
        rti_outbuf_text(t->out, "\n");
    t->empty = false;
    print_header(t->out, g, status);
    print_stack(t, g, state);
    print_maker(t, g);
}

static void print_other(struct g *g, void *arg)
{
    struct traceback *t = arg;
    if (g != t->self)
        print_goroutine(t, g);
}

void rti_traceback_one(struct rti_outbuf *o, struct g *g, const struct rti_traceback_at *here, bool system)
{
    struct traceback t = {.out = o, .self = here ? g : NULL, .here = here, .system = system, .empty = true};
    print_goroutine(&t, g);
}

void rti_traceback_all(struct rti_outbuf *o, struct g *self, const struct rti_traceback_at *here, bool system)
{
    struct traceback t = {.out = o, .self = self, .here = here, .system = system, .empty = true};
    if (self)
        print_goroutine(&t, self);
    rti_g_each(print_other, &t);
}
