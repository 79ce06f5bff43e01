/* sigframe.h - makes a signal handler's return lead elsewhere, and the interrupted code go on later, on any thread.
 * Threads: said at each. Memory: the interrupted stack, below the red zone.
 *
 * The kernel has put all that the interrupted code had in registers into the signal frame: general, floating point and
 * vector registers, control words, flags, of whatever extensions the CPU has. rti_sigframe_divert copies that frame
 * onto the interrupted stack, 128 bytes below its end (the red zone of the System V ABI), and changes the original so
 * that the handler's return calls a function there, with fresh floating point state. When that function returns, on
 * whatever thread, the copy is given to rt_sigreturn(2), which puts everything back. So there is no state that we would
 * have to know of to save it, and no register that is needed to jump back.
 *
 * The thread's own, its signal mask and its signal stack, are in the frame too: those of the thread that goes on are
 * written into the copy first. Unwinders see the interrupted function as the caller, by CFI and by frame pointers. */
#ifndef RTI_SIGFRAME_H
#define RTI_SIGFRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The control words of floating point arithmetic (rounding, exceptions); zero where the architecture has no such. */
struct rti_sigframe_control {
    uint32_t mxcsr;
    uint16_t x87;
    uint32_t fpcr;
};

/* Whether handlers may be diverted at all: not under TSan, which calls handlers late, with a copy of the frame, and not
 * with a shadow stack, which cannot be switched like this. Any thread. */
bool rti_sigframe_can_divert(void);
/* The calling thread's control words. */
void rti_sigframe_control(struct rti_sigframe_control *out);
/* Bytes that divert takes below the interrupted stack pointer. context: the handler's ucontext_t. In the handler. */
size_t rti_sigframe_room(const void *context);
/* When the handler returns, then() is called on the interrupted stack, with the control words of `control`; when then()
 * returns the interrupted code goes on. In the handler, which runs on a signal stack. */
void rti_sigframe_divert(void *context, const struct rti_sigframe_control *control, void (*then)(void));

#endif
