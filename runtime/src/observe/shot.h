/* shot.h - one goroutine at one instant: what a dump tells about it, before it is text. Threads: any, signal handlers;
 * nothing is locked. Memory: the caller's; 3 KiB of its stack.
 * A stack is walked by its frame pointers, from where its goroutine was switched away, entered a blocking call or was
 * interrupted, and never outside its own bounds, so a walk cannot fault even when the goroutine runs on meanwhile; a
 * state or context that changed during the walk makes it void. */
#ifndef RTI_SHOT_H
#define RTI_SHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parts/stackcode.h"

struct g;

/* Where the goroutine of the calling thread stands. */
struct rti_traceback_at {
    uintptr_t pc; /* an interrupted instruction; 0: fp is the frame of a function that it called */
    uintptr_t fp;
    bool programs; /* the innermost frame is the program's, so nothing is left out before it */
};

/* As Go: of a deep stack the innermost and the outermost frames. */
enum { RTI_SHOT_INNER = 50, RTI_SHOT_OUTER = 50, RTI_SHOT_NAME = 64 };
enum rti_shot_stack {
    RTI_SHOT_FRAMES,
    RTI_SHOT_NEW,       /* it has not run yet: no stack */
    RTI_SHOT_ELSEWHERE, /* it runs on another thread */
    RTI_SHOT_FOREIGN,   /* it is the caller's, which stands on another stack */
    RTI_SHOT_MOVED      /* it ran while it was read */
};
/* Whose the innermost frames are: those of the runtime are left out. */
enum rti_shot_inside { RTI_SHOT_RUNTIME, RTI_SHOT_PROGRAM, RTI_SHOT_ANYBODY };

struct rti_shot {
    uint64_t id, parent;
    uintptr_t created_at, fn;
    uint32_t status, since_s;
    uint8_t wait;
    bool locked, named;
    bool interrupted; /* the innermost program counter is not a return address */
    enum rti_shot_stack stack;
    enum rti_shot_inside inside;
    size_t frames; /* in all */
    char name[RTI_SHOT_NAME + 1];
    /* program counters, from the inside out; of outer the last ones, as a ring */
    uintptr_t inner[RTI_SHOT_INNER], outer[RTI_SHOT_OUTER];
};

enum rti_shot_others {
    RTI_SHOT_RUN,     /* they do not */
    RTI_SHOT_STOPPED, /* the caller has stopped the world (sched/stopworld.h) */
    RTI_SHOT_FROZEN   /* or frozen them (sched/preempt.h) */
};
struct rti_shot_taker {
    const struct g *self;                /* the caller's; NULL: none */
    const struct rti_traceback_at *here; /* where it stands; NULL: not known */
    enum rti_shot_others others;         /* how those stand that run on other threads */
    struct {
        uintptr_t at; /* where these bytes belong, while a stack is copied out */
        size_t bytes;
        uint64_t words[RTI_STACKCODE_MAX / sizeof(uint64_t)];
    } copy; /* its own */
};

/* False for a G that is in a pool. */
bool rti_shot_take(struct rti_shot_taker *self, struct g *g, struct rti_shot *out);
/* The i-th program counter from the inside, of those that were kept. */
static inline uintptr_t rti_shot_frame(const struct rti_shot *s, size_t i)
{
    return i < RTI_SHOT_INNER ? s->inner[i] : s->outer[(i - RTI_SHOT_INNER) % RTI_SHOT_OUTER];
}

/* Many of them side by side: packs into to, 8-aligned, with room bytes; returns how many it took, 0: no room. */
size_t rti_shot_pack(const struct rti_shot *s, char *to, size_t room);
/* The other way round; returns as many. */
size_t rti_shot_unpack(struct rti_shot *s, const char *from);

#endif
