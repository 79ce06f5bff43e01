/* registers.h - a function that holds a pattern in every register for a while and says what it found there afterwards:
 * for tests that interrupt it. It is RT_PREEMPTIBLE, uses its red zone, and keeps its own pointers on the stack.
 * Threads: any. Memory: the caller's. Include in one file of a binary. */
#ifndef TESTS_REGISTERS_H
#define TESTS_REGISTERS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <rt/attr.h>

enum { REGISTERS_RED_ZONE = 128 };

#if defined(__x86_64__)

/* Offsets known to the assembly below. */
struct registers {
    uint64_t general[16]; /* rax rcx rdx rbx rsi rdi rbp r8 - r15, and the flags */
    uint32_t mxcsr;
    uint16_t x87_control, unused;
    uint8_t pad[56];
    uint64_t mask[8];       /* k0 - k7 */
    uint8_t vector[32][64]; /* zmm0 - zmm31, or ymm or xmm 0 - 15 */
    uint8_t red[REGISTERS_RED_ZONE];
    uint8_t x87[2][16]; /* two values of the x87 stack; 10 bytes each */
};
enum { REGISTERS_FLAGS = 15, REGISTERS_COUNT_IN = 1 };
_Static_assert(offsetof(struct registers, mask) == 192 && offsetof(struct registers, vector) == 256 &&
                   offsetof(struct registers, red) == 2304 && offsetof(struct registers, x87) == 2432,
               "the assembly's offsets");

/* in, out; rounds to spin; 0: the counter is rcx and flags are held (out's rcx is 0), else it is in memory and the
 * flags are not held; vectors: 0 SSE, 1 AVX, 2 AVX-512. */
void registers_hold(const struct registers *in, struct registers *out, uint64_t rounds, int in_memory, int vectors);

/* Stack in the loop: 0 counter, 8 in, 16 out, 24 scratch, 32 vectors, 40 control words, 48 in_memory. */
__asm__(".pushsection rt_preemptible, \"ax\", @progbits\n"
        ".globl registers_hold\n.type registers_hold, @function\nregisters_hold:\n"
        "endbr64\n"
        "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
        "subq $56, %rsp\n"
        "movq %rdx, 0(%rsp)\nmovq %rdi, 8(%rsp)\nmovq %rsi, 16(%rsp)\n"
        "movslq %r8d, %r8\nmovq %r8, 32(%rsp)\nmovslq %ecx, %rcx\nmovq %rcx, 48(%rsp)\n"
        "stmxcsr 40(%rsp)\nfnstcw 44(%rsp)\n"
        "movq %rdi, %rax\n"
        "cmpq $1, %r8\njb 10f\nje 11f\n"
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7\nkmovq 192 + 8 * \\n(%rax), %k\\n\n.endr\n"
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, "
        "28, 29, 30, 31\nvmovdqu64 256 + 64 * \\n(%rax), %zmm\\n\n.endr\n"
        "jmp 12f\n"
        "11:\n.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
        "vmovdqu 256 + 64 * \\n(%rax), %ymm\\n\n.endr\njmp 12f\n"
        "10:\n.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
        "movdqu 256 + 64 * \\n(%rax), %xmm\\n\n.endr\n"
        "12:\n"
        "ldmxcsr 128(%rax)\nfldcw 132(%rax)\nfldt 2432(%rax)\nfldt 2448(%rax)\n"
        /* the red zone */
        ".irp n, 0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120\n"
        "movq 2304 + \\n(%rax), %rdx\nmovq %rdx, -128 + \\n(%rsp)\n.endr\n"
        /* the general registers, rax last */
        "movq 16(%rax), %rdx\nmovq 24(%rax), %rbx\nmovq 32(%rax), %rsi\nmovq 40(%rax), %rdi\nmovq 48(%rax), %rbp\n"
        "movq 56(%rax), %r8\nmovq 64(%rax), %r9\nmovq 72(%rax), %r10\nmovq 80(%rax), %r11\nmovq 88(%rax), %r12\n"
        "movq 96(%rax), %r13\nmovq 104(%rax), %r14\nmovq 112(%rax), %r15\n"
        "cmpq $0, 48(%rsp)\njne 20f\n"
        /* flags: all six arithmetic ones from the pattern's low byte but OF, then the direction */
        "movq 120(%rax), %rcx\nmovq %rax, 24(%rsp)\nmovq %rcx, %rax\nshlq $8, %rax\nsahf\nmovq 24(%rsp), %rax\n"
        "movq 0(%rsp), %rcx\nmovq 0(%rax), %rax\nstd\n"
        "1: loop 1b\n"
        "jmp 21f\n"
        "20: movq 8(%rax), %rcx\nmovq 0(%rax), %rax\n"
        "2: decq 0(%rsp)\njnz 2b\n"
        "21: movq %rax, 24(%rsp)\nmovq 16(%rsp), %rax\n"
        "movq %rcx, 8(%rax)\nmovq %rdx, 16(%rax)\nmovq %rbx, 24(%rax)\nmovq %rsi, 32(%rax)\nmovq %rdi, 40(%rax)\n"
        "movq %rbp, 48(%rax)\nmovq %r8, 56(%rax)\nmovq %r9, 64(%rax)\nmovq %r10, 72(%rax)\nmovq %r11, 80(%rax)\n"
        "movq %r12, 88(%rax)\nmovq %r13, 96(%rax)\nmovq %r14, 104(%rax)\nmovq %r15, 112(%rax)\n"
        "movq 24(%rsp), %rcx\nmovq %rcx, 0(%rax)\n"
        ".irp n, 0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120\n"
        "movq -128 + \\n(%rsp), %rdx\nmovq %rdx, 2304 + \\n(%rax)\n.endr\n"
        "pushfq\npopq 120(%rax)\ncld\n"
        "stmxcsr 128(%rax)\nfnstcw 132(%rax)\nfstpt 2448(%rax)\nfstpt 2432(%rax)\n"
        "cmpq $1, 32(%rsp)\njb 30f\nje 31f\n"
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7\nkmovq %k\\n, 192 + 8 * \\n(%rax)\n.endr\n"
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, "
        "28, 29, 30, 31\nvmovdqu64 %zmm\\n, 256 + 64 * \\n(%rax)\n.endr\nvzeroupper\njmp 32f\n"
        "31:\n.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
        "vmovdqu %ymm\\n, 256 + 64 * \\n(%rax)\n.endr\nvzeroupper\njmp 32f\n"
        "30:\n.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
        "movdqu %xmm\\n, 256 + 64 * \\n(%rax)\n.endr\n"
        "32:\n"
        "ldmxcsr 40(%rsp)\nfldcw 44(%rsp)\n"
        "addq $56, %rsp\n"
        "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n"
        ".size registers_hold, . - registers_hold\n"
        ".popsection\n");

UNUSED static int registers_vectors(void)
{
    if (__builtin_cpu_supports("avx512bw"))
        return 2;
    return __builtin_cpu_supports("avx") ? 1 : 0;
}

/* Round towards zero, and signs that an instruction was inexact: as nobody else has them. */
UNUSED static void registers_control(struct registers *r)
{
    static const uint8_t pi[10] = {0x35, 0xc2, 0x68, 0x21, 0xa2, 0xda, 0x0f, 0xc9, 0x00, 0x40};
    static const uint8_t one[10] = {0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f};
    r->mxcsr = 0x7fa0;
    r->x87_control = 0x0f7f;
    memcpy(r->x87[0], pi, sizeof pi);
    memcpy(r->x87[1], one, sizeof one);
}

/* Six arithmetic flags less OF, which loading them leaves alone. */
enum { REGISTERS_FLAGS_HELD = 0xd5, REGISTERS_DIRECTION = 0x400 };

UNUSED static int registers_differ(const struct registers *in, const struct registers *out, int in_memory, int vectors)
{
    int bad = 0;
    for (int i = 0; i < REGISTERS_FLAGS; i++) {
        uint64_t want = i == REGISTERS_COUNT_IN && !in_memory ? 0 : in->general[i];
        bad += out->general[i] != want;
    }
    uint64_t flags = (in->general[REGISTERS_FLAGS] & REGISTERS_FLAGS_HELD) | REGISTERS_DIRECTION;
    bad += !in_memory && (out->general[REGISTERS_FLAGS] & (REGISTERS_FLAGS_HELD | REGISTERS_DIRECTION)) != flags;
    bad += out->mxcsr != in->mxcsr;
    bad += out->x87_control != in->x87_control;
    bad += memcmp(out->x87[0], in->x87[0], 10) != 0 || memcmp(out->x87[1], in->x87[1], 10) != 0;
    bad += memcmp(out->red, in->red, sizeof in->red) != 0;
    bad += vectors == 2 && memcmp(out->mask, in->mask, sizeof in->mask) != 0;
    for (int i = 0; i < (vectors == 2 ? 32 : 16); i++)
        bad += memcmp(out->vector[i], in->vector[i], (size_t)16 << vectors) != 0;
    return bad;
}

/* Whether string instructions would go downwards, which no function may be called with. */
UNUSED static int registers_backwards(void)
{
    return (__builtin_ia32_readeflags_u64() & REGISTERS_DIRECTION) != 0;
}

#elif defined(__aarch64__)

struct registers {
    uint64_t general[32]; /* x0 (the counter), x1 - x30, the flags */
    uint64_t fpcr, unused;
    uint8_t vector[32][16];
    uint8_t red[REGISTERS_RED_ZONE]; /* there is none here: not looked at */
};
enum { REGISTERS_FLAGS = 31 };
_Static_assert(offsetof(struct registers, fpcr) == 256 && offsetof(struct registers, vector) == 272,
               "the assembly's offsets");

void registers_hold(const struct registers *in, struct registers *out, uint64_t rounds, int in_memory, int vectors);

/* Stack in the loop: 0 out, 8 fpcr, 16 scratch. */
__asm__(
    ".pushsection rt_preemptible, \"ax\", %progbits\n"
    ".globl registers_hold\n.type registers_hold, %function\nregisters_hold:\n"
    "sub sp, sp, #192\n"
    "stp x19, x20, [sp, #32]\nstp x21, x22, [sp, #48]\nstp x23, x24, [sp, #64]\nstp x25, x26, [sp, #80]\n"
    "stp x27, x28, [sp, #96]\nstp x29, x30, [sp, #112]\n"
    "stp d8, d9, [sp, #128]\nstp d10, d11, [sp, #144]\nstp d12, d13, [sp, #160]\nstp d14, d15, [sp, #176]\n"
    "mrs x9, fpcr\nstp x1, x9, [sp]\n"
    "str x2, [sp, #16]\n"
    "ldr x9, [x0, #256]\nmsr fpcr, x9\n"
    "add x9, x0, #272\n"
    ".irp n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30\n"
    "ldr q\\n, [x9, #16 * \\n]\n.endr\n"
    ".irp n, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31\n"
    "ldr q\\n, [x9, #16 * \\n]\n.endr\n"
    "ldr x9, [x0, #248]\nmsr nzcv, x9\n"
    ".irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, "
    "29, 30\nldr x\\n, [x0, #8 * \\n]\n.endr\n"
    "ldr x0, [sp, #16]\n"
    "1: sub x0, x0, #1\ncbnz x0, 1b\n"
    "ldr x0, [sp]\n"
    ".irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, "
    "29, 30\nstr x\\n, [x0, #8 * \\n]\n.endr\n"
    "mrs x9, nzcv\nstr x9, [x0, #248]\nmrs x9, fpcr\nstr x9, [x0, #256]\n"
    "add x9, x0, #272\n"
    ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, "
    "28, 29, 30, 31\nstr q\\n, [x9, #16 * \\n]\n.endr\n"
    "ldr x9, [sp, #8]\nmsr fpcr, x9\n"
    "ldp x19, x20, [sp, #32]\nldp x21, x22, [sp, #48]\nldp x23, x24, [sp, #64]\nldp x25, x26, [sp, #80]\n"
    "ldp x27, x28, [sp, #96]\nldp x29, x30, [sp, #112]\n"
    "ldp d8, d9, [sp, #128]\nldp d10, d11, [sp, #144]\nldp d12, d13, [sp, #160]\nldp d14, d15, [sp, #176]\n"
    "add sp, sp, #192\nret\n"
    ".size registers_hold, . - registers_hold\n"
    ".popsection\n");

UNUSED static int registers_vectors(void)
{
    return 0;
}

UNUSED static void registers_control(struct registers *r)
{
    r->fpcr = 3 << 22; /* round towards zero */
    r->general[REGISTERS_FLAGS] &= UINT64_C(0xf0000000);
}

UNUSED static int registers_differ(const struct registers *in, const struct registers *out, int in_memory, int vectors)
{
    int bad = 0;
    (void)in_memory, (void)vectors;
    for (int i = 1; i <= REGISTERS_FLAGS; i++)
        bad += out->general[i] != in->general[i];
    bad += out->fpcr != in->fpcr;
    for (int i = 0; i < 32; i++)
        bad += memcmp(out->vector[i], in->vector[i], sizeof in->vector[i]) != 0;
    return bad;
}

UNUSED static int registers_backwards(void)
{
    return 0;
}

#endif

/* A pattern that differs from every other seed's in every byte's neighbourhood. */
UNUSED static void registers_fill(struct registers *r, uint64_t seed)
{
    uint64_t *word = (uint64_t *)(void *)r;
    for (size_t i = 0; i < sizeof *r / sizeof *word; i++)
        word[i] = (seed + i + 1) * UINT64_C(0x9e3779b97f4a7c15); /* the golden ratio: no two alike */
    registers_control(r);
}

#endif
