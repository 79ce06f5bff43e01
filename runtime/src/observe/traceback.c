#include "observe/traceback.h"

#include <string.h>

#include "base/clock.h"
#include "base/outbuf.h"
#include "base/pages.h"
#include "observe/shot.h"
#include "proc/g.h"
#include "sched/deadlock.h"
#include "sched/preempt.h"
#include "sched/stopworld.h"
#include "sched/symbol.h"

enum { FREEZE_NS = 50000000 }; /* a dying process waits no longer */
enum { NS_PER_S = 1000000000, MINUTE = 60, STATICS = 3, MADE_MEANWHILE = 4096 };

/* One dump. */
struct traceback {
    struct rti_outbuf *out;
    bool system;
    bool empty; /* nothing printed yet */
    struct rti_symbol_cache symbols;
    struct rti_shot_taker taker;
    struct rti_shot shot; /* the one that is printed */
};

/* An address inside the instruction: a return address may already be another function's. */
static uintptr_t inside(const struct traceback *t, size_t i)
{
    return rti_shot_frame(&t->shot, i) - (i == 0 && t->shot.interrupted ? 0 : 1);
}

/* Halves of public functions that optimisers jump to (api/chan.c): known by the name of the whole. */
static const char *whole(const char *name)
{
    static const char *const halves[][2] = {{"recv_waiting", "rt_recv"}, {"send_waiting", "rt_send"}};
    for (size_t i = 0; i < ARRAY_LEN(halves); i++)
        if (strcmp(name, halves[i][0]) == 0)
            return halves[i][1];
    return name;
}

static const char *name_of(struct traceback *t, size_t i)
{
    const char *name = rti_symbol_cached(&t->symbols, inside(t, i))->name;
    return name ? whole(name) : "";
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
    size_t n = end < RTI_SHOT_INNER ? end : RTI_SHOT_INNER, last = 0;
    for (size_t i = 0; i < n && i <= last + STATICS; i++) {
        if (public(t, i)) /* of two halves, the one that was called */
            return i + 1 < end && strcmp(name_of(t, i), name_of(t, i + 1)) == 0 ? i + 1 : i;
        if (internal(t, i))
            last = i + 1;
    }
    return last;
}

/* The frames in which every goroutine starts. */
static size_t skip_outer(struct traceback *t)
{
    static const char *const start[] = {"rti_context_start", "arrive_new", "rti_spawn_body"};
    size_t end = t->shot.frames;
    for (size_t i = 0; i < ARRAY_LEN(start); i++)
        if (end > 0 && strcmp(name_of(t, end - 1), start[i]) == 0)
            end--;
    if (t->shot.id == 1 && end < t->shot.frames && end > 0 && strcmp(name_of(t, end - 1), "main_goroutine") == 0)
        end--;
    return end;
}

/* at: an address inside the instruction that is shown; pc: what the distance is counted to. */
static void print_frame(struct traceback *t, uintptr_t at, uintptr_t pc)
{
    const struct rti_symbol *s = rti_symbol_cached(&t->symbols, at);
    if (s->name)
        rti_outbuf_text(t->out, "%s(...)\n", whole(s->name));
    else
        rti_outbuf_text(t->out, "0x%lx(...)\n", (unsigned long)at);
    if (!s->file)
        return;
    rti_outbuf_text(t->out, "\t%s+0x%lx", s->file, (unsigned long)(at - s->base));
    if (s->name)
        rti_outbuf_text(t->out, " +0x%lx", (unsigned long)(pc - s->start));
    rti_outbuf_text(t->out, "\n");
}

static bool programs_inside(struct traceback *t)
{
    if (t->shot.inside == RTI_SHOT_ANYBODY) /* interrupted anywhere */
        return !internal(t, 0) && !public(t, 0);
    return t->shot.inside == RTI_SHOT_PROGRAM;
}

static void print_frames(struct traceback *t)
{
    size_t frames = t->shot.frames, most = RTI_SHOT_INNER + RTI_SHOT_OUTER;
    size_t end = t->system ? frames : skip_outer(t);
    size_t first = t->system || programs_inside(t) ? 0 : skip_inner(t, end);
    size_t gap = frames > most ? frames - most : 0;
    for (size_t i = first; i < end; i++) {
        if (gap && i == RTI_SHOT_INNER) {
            rti_outbuf_text(t->out, "...%zu frames elided...\n", gap);
            i += gap;
        }
        print_frame(t, inside(t, i), rti_shot_frame(&t->shot, i));
    }
}

static void print_header(struct rti_outbuf *o, const struct rti_shot *s)
{
    uint32_t state = s->status & RTI_G_STATE_MASK;
    bool waits = state == RTI_G_WAITING;
    const char *what = waits ? rti_deadlock_reason(s->wait) : rti_g_state_name(state);
    rti_outbuf_text(o, "goroutine %lu [%s", (unsigned long)s->id, what);
    if (s->status & RTI_G_SCAN)
        rti_outbuf_text(o, " (scan)");
    uint32_t now_s = (uint32_t)(rti_clock_monotonic() / NS_PER_S);
    uint32_t waited_s = now_s - s->since_s;
    if (waits && waited_s >= MINUTE && waited_s <= INT32_MAX)
        rti_outbuf_text(o, ", %u minutes", waited_s / MINUTE);
    if (s->locked)
        rti_outbuf_text(o, ", locked to thread");
    if (s->named)
        rti_outbuf_text(o, ", \"%s\"", s->name);
    rti_outbuf_text(o, "]:\n");
}

static void print_maker(struct traceback *t)
{
    uintptr_t at = t->shot.created_at;
    if (!at)
        return;
    rti_outbuf_text(t->out, "created by ");
    const struct rti_symbol *s = rti_symbol_cached(&t->symbols, at - 1);
    if (s->name)
        rti_outbuf_text(t->out, "%s", s->name);
    else
        rti_outbuf_text(t->out, "0x%lx", (unsigned long)at);
    if (t->shot.parent)
        rti_outbuf_text(t->out, " in goroutine %lu", (unsigned long)t->shot.parent);
    rti_outbuf_text(t->out, "\n");
    if (s->file)
        rti_outbuf_text(t->out, "\t%s+0x%lx +0x%lx\n", s->file, (unsigned long)(at - 1 - s->base),
                        (unsigned long)(s->name ? at - s->start : 0));
}

static void print_stack(struct traceback *t)
{
    switch (t->shot.stack) {
    case RTI_SHOT_FRAMES:
        print_frames(t);
        break;
    case RTI_SHOT_NEW:
        print_frame(t, t->shot.fn, t->shot.fn);
        break;
    case RTI_SHOT_ELSEWHERE:
        rti_outbuf_text(t->out, "\tgoroutine running on other thread; stack unavailable\n");
        break;
    case RTI_SHOT_FOREIGN:
        rti_outbuf_text(t->out, "\tgoroutine's thread is on another stack; stack unavailable\n");
        break;
    case RTI_SHOT_MOVED:
        rti_outbuf_text(t->out, "\tgoroutine ran while its stack was read; stack unavailable\n");
        break;
    }
}

static void print_shot(struct traceback *t)
{
    if (!t->empty)
        rti_outbuf_text(t->out, "\n");
    t->empty = false;
    print_header(t->out, &t->shot);
    print_stack(t);
    print_maker(t);
}

/* --- as they are found --- */

static void print_goroutine(struct traceback *t, struct g *g)
{
    if (rti_shot_take(&t->taker, g, &t->shot))
        print_shot(t);
}

static void print_other(struct g *g, void *arg)
{
    struct traceback *t = arg;
    if (g != t->taker.self)
        print_goroutine(t, g);
}

void rti_traceback_one(struct rti_outbuf *o, struct g *g, const struct rti_traceback_at *here, bool system)
{
    struct traceback t = {.out = o, .taker = {.self = here ? g : NULL, .here = here}, .system = system, .empty = true};
    print_goroutine(&t, g);
}

void rti_traceback_all(struct rti_outbuf *o, struct g *self, const struct rti_traceback_at *here, bool system)
{
    struct traceback t = {.out = o, .taker = {.self = self, .here = here}, .system = system, .empty = true};
    if (self)
        print_goroutine(&t, self);
    rti_g_each(print_other, &t);
}

/* --- all at one instant: taken with the world stopped, printed after, since names are looked up under locks of the C
 * library, which a stopped goroutine may hold --- */

struct album {
    struct traceback *t;
    char *at;
    size_t bytes, used;
};

static void keep_one(struct album *a, struct g *g)
{
    if (rti_shot_take(&a->t->taker, g, &a->t->shot))
        a->used += rti_shot_pack(&a->t->shot, a->at + a->used, a->bytes - a->used);
}

static void keep_other(struct g *g, void *arg)
{
    struct album *a = arg;
    if (g != a->t->taker.self)
        keep_one(a, g);
}

static bool album_open(struct album *a, struct traceback *t)
{
    a->t = t;
    a->used = 0;
    a->bytes = ((size_t)rti_g_made() + MADE_MEANWHILE) * sizeof t->shot;
    a->at = rti_pages_reserve(a->bytes);
    return a->at != NULL;
}

static void album_fill(struct album *a, struct g *self)
{
    if (self)
        keep_one(a, self);
    rti_g_each(keep_other, a);
}

static void album_print(struct album *a)
{
    for (size_t at = 0; at < a->used;) {
        at += rti_shot_unpack(&a->t->shot, a->at + at);
        print_shot(a->t);
    }
    rti_pages_release(a->at, a->bytes);
}

bool rti_traceback_stopped(struct rti_outbuf *o, struct g *self, const struct rti_traceback_at *here)
{
    struct traceback t = {.out = o, .taker = {.self = self, .here = here, .others = RTI_SHOT_STOPPED}, .empty = true};
    struct album a;
    if (!album_open(&a, &t))
        return false;
    bool stopped = rti_stopworld_try_briefly(RTI_STOP_DUMP);
    if (stopped) {
        album_fill(&a, self);
        rti_stopworld_start();
    }
    album_print(&a);
    return stopped;
}

bool rti_traceback_frozen(struct rti_outbuf *o, struct g *self, const struct rti_traceback_at *here, bool system)
{
    struct traceback t = {
        .out = o, .taker = {.self = self, .here = here, .others = RTI_SHOT_FROZEN}, .system = system, .empty = true};
    struct album a;
    if (!album_open(&a, &t))
        return false;
    bool frozen = rti_preempt_freeze(FREEZE_NS);
    if (frozen) {
        album_fill(&a, self);
        rti_preempt_thaw();
    }
    album_print(&a);
    return frozen;
}
