/* context.h - what of a stopped stack is not on the stack, and the switch. Threads: a context belongs to whoever runs
 * or resumes it. Memory: none.
 * The switch is an asm statement that says it clobbers every register: so the compiler saves those that matter, in the
 * frame of the function that switches, and the context holds three words. Not a call: a call that is left by a jump
 * leaves a wrong address on the processor's return stack, and every return after it is mispredicted (10 ns a yield).
 * Not saved: the floating-point control words, which are the process's, not a goroutine's.
 * Rules for a function that switches: NOINLINE, not a leaf (the red zone below sp is not kept), RTI_NO_SANITIZE; and no
 * mutable static variable in its file: gcc takes it that an asm statement does not change one whose address nobody
 * has. */
#ifndef RTI_CONTEXT_H
#define RTI_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

struct rti_context { /* offsets known to the asm and to debuggers */
    void *sp;
    void *pc;
    void *fp;
};

/* Where a new context starts: pops entry and calls it, then pops done and jumps to it. No caller: walks end. */
void rti_context_start(void);

#if defined(__AVX512F__) || defined(__ARM_FEATURE_SVE)
#error "the runtime is built for the baseline: the switch does not name the registers of AVX-512 or SVE"
#endif

/* Saves the caller into *from and goes on where *to was saved. Returns when somebody switches to *from. */
#if defined(__x86_64__)
#define RTI_CONTEXT_CLOBBERS                                                                                           \
    "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3",  \
        "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc",    \
        "memory"
static ALWAYS_INLINE void rti_context_switch(struct rti_context *from, const struct rti_context *to)
{
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\t"
                     "movq %%rsp, 0(%0)\n\t"
                     "movq %%rax, 8(%0)\n\t"
                     "movq %%rbp, 16(%0)\n\t"
                     "movq 8(%1), %%rax\n\t"
                     "movq 0(%1), %%rsp\n\t"
                     "movq 16(%1), %%rbp\n\t"
                     "jmpq *%%rax\n"
                     "1:\tendbr64"
                     : "+D"(from), "+S"(to)
                     :
                     : RTI_CONTEXT_CLOBBERS);
}
#elif defined(__aarch64__)
#define RTI_CONTEXT_CLOBBERS                                                                                           \
    "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18",     \
        "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "v0", "v1", "v2", "v3", "v4",     \
        "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20",     \
        "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "cc", "memory"
static ALWAYS_INLINE void rti_context_switch(struct rti_context *from, const struct rti_context *to)
{
    register struct rti_context *from_in_x0 __asm__("x0") = from;
    register const struct rti_context *to_in_x1 __asm__("x1") = to;
    __asm__ volatile("adr x16, 1f\n\t"
                     "mov x9, sp\n\t"
                     "str x9, [%0, #0]\n\t"
                     "str x16, [%0, #8]\n\t"
                     "str x29, [%0, #16]\n\t"
                     "ldr x9, [%1, #0]\n\t"
                     "ldr x16, [%1, #8]\n\t"
                     "ldr x29, [%1, #16]\n\t"
                     "mov sp, x9\n\t"
                     "br x16\n"
                     "1:\thint #36" /* bti j */
                     : "+r"(from_in_x0), "+r"(to_in_x1)
                     :
                     : RTI_CONTEXT_CLOBBERS);
}
#endif

/* On a function whose callers are not the ones that called it on this thread: after a switch the address on top of the
 * processor's return stack is another goroutine's, so a ret is mispredicted, and an indirect jump (which is predicted
 * by what went before) is not: 6 ns. On the outermost function of the way through a switch only, since a return that is
 * a jump leaves the return stack one too deep. Such a function must call others that the compiler cannot see into: the
 * return clobbers rcx. */
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define RTI_RETURNS_BY_JUMP __attribute__((function_return("thunk-extern")))
#else
#define RTI_RETURNS_BY_JUMP
#endif

/* Makes ctx call entry() on the stack whose end (exclusive, 16-aligned) is top, and go on in done() when that has
 * returned; done must not return. Three words below top are written. */
static inline void rti_context_init(struct rti_context *ctx, void *top, void (*entry)(void), void (*done)(void))
{
    void **sp = (void **)top - 4;
    sp[0] = sp[1] = (void *)(uintptr_t)entry; /* twice: sp stays aligned on aarch64 */
    sp[2] = (void *)(uintptr_t)done;
    sp[3] = NULL; /* done's return address */
    *ctx = (struct rti_context){.sp = sp, .pc = (void *)(uintptr_t)rti_context_start};
}

/* What a context made so would do, done at once on this thread: whatever is on the present stack is forgotten, and top
 * may well be on it. */
NORETURN static ALWAYS_INLINE void rti_context_enter(void *top, void (*entry)(void), void (*done)(void))
{
#if defined(__x86_64__)
    __asm__ volatile("movq %0, %%rsp\n\t"
                     "pushq $0\n\t"
                     "pushq %2\n\t"
                     "pushq %1\n\t"
                     "pushq %1\n\t"
                     "jmp rti_context_start"
                     :
                     : "r"(top), "r"(entry), "r"(done)
                     : "memory");
#elif defined(__aarch64__)
    __asm__ volatile("mov sp, %0\n\t"
                     "stp %2, xzr, [sp, #-16]!\n\t"
                     "stp %1, %1, [sp, #-16]!\n\t"
                     "b rti_context_start"
                     :
                     : "r"(top), "r"(entry), "r"(done)
                     : "memory");
#endif
    __builtin_unreachable();
}

#endif
