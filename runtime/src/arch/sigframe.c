#include "arch/sigframe.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "arch/stackhints.h"
#include "arch/ucontext.h"

enum { RED_ZONE = 128, ALIGNMENT = 64, WORD = sizeof(uint64_t), KERNEL_SIGSET = 8 };

/* sigframe_*.S: the handler returns to here, with its stack pointer at the copy. */
void rti_sigframe_diverted(void);
/* Called from there, before the copy goes to rt_sigreturn. */
void rti_sigframe_settle(void *frame);

/* What a walk by frame pointers finds: the interrupted function seems to have called us. */
struct record {
    uintptr_t fp, pc;
};

/* The copy, from its lowest byte: the frame as rt_sigreturn wants it, then this record, then what the architecture has
 * besides. */
struct layout {
    size_t record_at;
    size_t rest_at;    /* x86: the floating point state, aligned */
    size_t bytes_used; /* aarch64: of the ucontext_t and what belongs to it */
    size_t bytes;
};

/* Not memcpy: a sanitizer's would look into the shadow of the stack that we are a guest on. */
RTI_NO_SANITIZE static void copy(void *to, const void *from, size_t bytes)
{
    uint64_t *t = to;
    const uint64_t *f = from;
    for (size_t i = 0; i < bytes / WORD; i++) {
        t[i] = f[i];
        __asm__ volatile("" ::: "memory"); /* or the compiler makes a memcpy of it */
    }
}

static size_t align_up(size_t n)
{
    return (n + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

#if defined(__x86_64__)

/* Of the kernel's: its ucontext ends with a signal set of eight bytes; the first word of what XSAVE writes after the
 * 512 bytes of FXSAVE says which parts are not in their initial state; and 48 bytes before that, how much there is. */
enum { CONTEXT_BYTES = offsetof(ucontext_t, uc_sigmask) + KERNEL_SIGSET, FXSAVE_BYTES = 512, SOFTWARE_AT = 464 };
enum { CONTEXT_AT = 0 };
enum { XSTATE_MAGIC = 0x46505853, XSTATE_VECTORS = 0x600e4 }; /* AVX, AVX-512, AMX */
enum { FLAG_DIRECTION = 1 << 10, FLAG_ALIGNMENT_CHECK = 1 << 18 };
enum { ARCH_SHSTK_STATUS = 0x5005 };

static bool has_shadow_stack(void)
{
    unsigned long on = 0;
    return syscall(SYS_arch_prctl, ARCH_SHSTK_STATUS, &on) == 0 && (on & 1);
}

static bool has_xstate(const void *fp)
{
    const uint32_t *software = (const void *)((const char *)fp + SOFTWARE_AT);
    return software[0] == XSTATE_MAGIC;
}

static struct layout lay_out(const void *context)
{
    const ucontext_t *u = context;
    const void *fp = u->uc_mcontext.fpregs;
    size_t fp_bytes = fp ? FXSAVE_BYTES : 0;
    if (fp && has_xstate(fp))
        fp_bytes = ((const uint32_t *)(const void *)((const char *)fp + SOFTWARE_AT))[1];
    struct layout l = {.record_at = CONTEXT_AT + CONTEXT_BYTES};
    l.rest_at = align_up(l.record_at + sizeof(struct record));
    l.bytes = align_up(l.rest_at + fp_bytes);
    return l;
}

static void copy_frame(char *to, const ucontext_t *u, const struct layout *l)
{
    copy(to, u, CONTEXT_BYTES);
    if (!u->uc_mcontext.fpregs)
        return;
    copy(to + l->rest_at, u->uc_mcontext.fpregs, l->bytes - l->rest_at);
    ((ucontext_t *)(void *)to)->uc_mcontext.fpregs = (void *)(to + l->rest_at);
}

/* No value on the x87 stack, no upper halves in use (they would slow down whatever runs next), the words of control. */
static void freshen(ucontext_t *u, const struct rti_sigframe_control *control)
{
    struct _libc_fpstate *fp = u->uc_mcontext.fpregs;
    if (!fp)
        return;
    if (has_xstate(fp))
        *(uint64_t *)(void *)((char *)fp + FXSAVE_BYTES) &= ~(uint64_t)XSTATE_VECTORS;
    fp->cwd = control->x87;
    fp->swd = 0;
    fp->ftw = 0;
    fp->mxcsr = control->mxcsr;
}

static void go_to(ucontext_t *u, char *frame, char *record, void (*then)(void))
{
    greg_t *r = u->uc_mcontext.gregs;
    r[REG_RIP] = (greg_t)(uintptr_t)rti_sigframe_diverted;
    r[REG_RSP] = (greg_t)(uintptr_t)frame;
    r[REG_RBP] = (greg_t)(uintptr_t)record;
    r[REG_RBX] = (greg_t)(uintptr_t)then;
    r[REG_EFL] &= ~(greg_t)(FLAG_DIRECTION | FLAG_ALIGNMENT_CHECK);
}

void rti_sigframe_control(struct rti_sigframe_control *out)
{
    *out = (struct rti_sigframe_control){0};
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(out->mxcsr), "=m"(out->x87));
}

#elif defined(__aarch64__)

/* The kernel's struct rt_sigframe: a siginfo_t, then the ucontext. In it, records of floating point and vector state;
 * one of them may say that there is more behind the frame. */
enum { CONTEXT_AT = 128, MAGIC_FPSIMD = 0x46508001, MAGIC_EXTRA = 0x45585401, STATE_JUMPED = 0xc00 };
enum { SHADOW_STACK_STATUS = 74 }; /* PR_GET_SHADOW_STACK_STATUS */

struct state_record { /* the head of each, and what of two kinds we touch */
    uint32_t magic, bytes;
    union {
        struct {
            uint32_t fpsr, fpcr;
        };
        struct {
            uint64_t data;
            uint32_t data_bytes;
        };
    };
};

static bool has_shadow_stack(void)
{
    unsigned long on = 0;
    return prctl(SHADOW_STACK_STATUS, &on, 0, 0, 0) == 0 && (on & 1);
}

enum { HEAD_BYTES = 8 }; /* magic and bytes; both 0 in the last record */

/* The first record of that kind; of kind 0: the end. NULL: there is none. */
static struct state_record *find_record(const ucontext_t *u, uint32_t magic)
{
    const char *at = (const char *)u->uc_mcontext.__reserved, *end = at + sizeof u->uc_mcontext.__reserved;
    while (at + HEAD_BYTES <= end) {
        struct state_record *r = (struct state_record *)(uintptr_t)at;
        if (r->magic == magic)
            return r;
        if (r->magic == 0 || r->bytes < HEAD_BYTES)
            return NULL;
        at += r->bytes;
    }
    return NULL;
}

/* Only what is in use of the frame: what the C library thinks of as its end may lie beyond the signal stack's. */
static struct layout lay_out(const void *context)
{
    const ucontext_t *u = context;
    const struct state_record *last = find_record(u, 0), *extra = find_record(u, MAGIC_EXTRA);
    const char *from = context, *end = from + sizeof *u;
    if (last)
        end = (const char *)last + HEAD_BYTES;
    if (extra) /* it follows that last record, and one more */
        end = (const char *)(uintptr_t)extra->data + extra->data_bytes;
    struct layout l = {.bytes_used = (size_t)(end - from)};
    /* all of it must be there, though not all is read: qemu looks */
    l.record_at = CONTEXT_AT + align_up(l.bytes_used > sizeof *u ? l.bytes_used : sizeof *u);
    l.bytes = align_up(l.record_at + sizeof(struct record));
    return l;
}

/* The extra state lies at a fixed distance from the frame, which the kernel checks. */
static void copy_frame(char *to, const ucontext_t *u, const struct layout *l)
{
    char *context = to + CONTEXT_AT;
    copy(context, u, l->bytes_used);
    struct state_record *extra = find_record((ucontext_t *)(void *)context, MAGIC_EXTRA);
    if (extra)
        extra->data += (uint64_t)(context - (const char *)u);
}

static void freshen(ucontext_t *u, const struct rti_sigframe_control *control)
{
    struct state_record *fp = find_record(u, MAGIC_FPSIMD);
    if (fp)
        fp->fpcr = control->fpcr;
}

static void go_to(ucontext_t *u, char *frame, char *record, void (*then)(void))
{
    u->uc_mcontext.pc = (uintptr_t)rti_sigframe_diverted;
    u->uc_mcontext.sp = (uintptr_t)frame;
    u->uc_mcontext.regs[29] = (uintptr_t)record;
    u->uc_mcontext.regs[19] = (uintptr_t)then;
    u->uc_mcontext.pstate &= ~(uint64_t)STATE_JUMPED; /* no landing pad is looked for */
}

void rti_sigframe_control(struct rti_sigframe_control *out)
{
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    *out = (struct rti_sigframe_control){.fpcr = (uint32_t)fpcr};
}

#endif

#if defined(RTI_HAVE_TSAN)
enum { LATE_HANDLERS = 1 };
#else
enum { LATE_HANDLERS = 0 };
#endif

bool rti_sigframe_can_divert(void)
{
    return !LATE_HANDLERS && !has_shadow_stack();
}

size_t rti_sigframe_room(const void *context)
{
    return RED_ZONE + lay_out(context).bytes + ALIGNMENT;
}

RTI_NO_SANITIZE void rti_sigframe_divert(void *context, const struct rti_sigframe_control *control, void (*then)(void))
{
    ucontext_t *u = context;
    struct layout l = lay_out(u);
    char *frame = (char *)((rti_ucontext_sp(u) - RED_ZONE - l.bytes) & ~(uintptr_t)(ALIGNMENT - 1));
    copy_frame(frame, u, &l);
    struct record *record = (void *)(frame + l.record_at);
    record->fp = rti_ucontext_fp(u);
    record->pc = rti_ucontext_pc(u);
    freshen(u, control);
    go_to(u, frame, (char *)record, then);
}

/* Raw calls: the C library's set is larger than the kernel's. Neither fails with such arguments. */
RTI_NO_SANITIZE void rti_sigframe_settle(void *frame)
{
    ucontext_t *u = (void *)((char *)frame + CONTEXT_AT);
    stack_t stack;
    uint64_t mask;
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, KERNEL_SIGSET);
    sigaltstack(NULL, &stack);
    u->uc_stack = stack;
    copy(&u->uc_sigmask, &mask, KERNEL_SIGSET);
}
