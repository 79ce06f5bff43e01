/* ucontext.h - where a thread was when a signal interrupted it. Threads: a signal handler. Memory: none. */
#ifndef RTI_UCONTEXT_H
#define RTI_UCONTEXT_H

#include <stdint.h>
#include <ucontext.h>

static inline uintptr_t rti_ucontext_pc(const void *context)
{
    const ucontext_t *u = context;
#if defined(__x86_64__)
    return (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (uintptr_t)u->uc_mcontext.pc;
#endif
}

static inline uintptr_t rti_ucontext_sp(const void *context)
{
    const ucontext_t *u = context;
#if defined(__x86_64__)
    return (uintptr_t)u->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
    return (uintptr_t)u->uc_mcontext.sp;
#endif
}

/* The frame pointer: whatever the register holds, in code that keeps none. */
static inline uintptr_t rti_ucontext_fp(const void *context)
{
    const ucontext_t *u = context;
#if defined(__x86_64__)
    return (uintptr_t)u->uc_mcontext.gregs[REG_RBP];
#elif defined(__aarch64__)
    return (uintptr_t)u->uc_mcontext.regs[29];
#endif
}

#endif
