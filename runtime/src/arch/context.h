/* context.h - what of a stopped stack is not on the stack, and the switch. Threads: a context belongs to whoever runs
 * or resumes it. Memory: none.
 * Saved: callee-saved integer registers (on aarch64 also d8-d15). Not saved: the floating-point control words, which
 * are the process's, not a goroutine's. The switch is assembly in its own object, opaque to the compiler. */
#ifndef RTI_CONTEXT_H
#define RTI_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

struct rti_context { /* offsets known to context_*.S and to debuggers */
    void *sp;
    void *pc;
    void *fp;
};

/* Saves the caller into *from and goes on where *to was saved. Returns when somebody switches to *from. */
void rti_context_switch(struct rti_context *from, const struct rti_context *to);
/* Makes ctx start entry() on the stack whose end (exclusive, 16-aligned) is top. The chain of frame pointers ends
 * there; entry must not return. */
void rti_context_init(struct rti_context *ctx, void *top, void (*entry)(void));

#endif
