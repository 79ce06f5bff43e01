/* context_aarch64.S - the switch for AAPCS64. See context.h for the contract and the offsets.
 * Saved on the stack: x19-x28 and d8-d15; sp, pc (lr) and fp in the context. It leaves by br through x16, an indirect
 * jump that a bti c landing pad accepts. */
    .text

    .globl rti_context_switch
    .type rti_context_switch, %function
    .p2align 5
rti_context_switch:                 /* x0 = from, x1 = to */
    .cfi_startproc
    hint #34                        /* bti c */
    sub sp, sp, #144
    .cfi_adjust_cfa_offset 144
    stp x19, x20, [sp, #0]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp d8, d9, [sp, #80]
    stp d10, d11, [sp, #96]
    stp d12, d13, [sp, #112]
    stp d14, d15, [sp, #128]
    mov x9, sp
    str x9, [x0, #0]
    str x30, [x0, #8]
    str x29, [x0, #16]
    ldr x9, [x1, #0]
    ldr x16, [x1, #8]
    ldr x29, [x1, #16]
    mov sp, x9                      /* the other stack has the same shape, so the CFA rule goes on holding */
    ldp x19, x20, [sp, #0]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp d8, d9, [sp, #80]
    ldp d10, d11, [sp, #96]
    ldp d12, d13, [sp, #112]
    ldp d14, d15, [sp, #128]
    add sp, sp, #144
    .cfi_adjust_cfa_offset -144
    mov x30, x16
    br x16
    .cfi_endproc
    .size rti_context_switch, . - rti_context_switch

/* A new goroutine starts here with x19 = entry (put there by rti_context_init). No caller: walks end. */
    .globl rti_context_start
    .type rti_context_start, %function
    .p2align 4
rti_context_start:
    .cfi_startproc
    .cfi_undefined x30
    hint #36                        /* bti j */
    mov x29, xzr
    mov x30, xzr
    blr x19
    brk #1
    .cfi_endproc
    .size rti_context_start, . - rti_context_start

/* void rti_context_init(struct rti_context *ctx, void *top, void (*entry)(void)) */
    .globl rti_context_init
    .type rti_context_init, %function
    .p2align 4
rti_context_init:
    .cfi_startproc
    hint #34
    sub x9, x1, #144
    mov x10, #0
1:  str xzr, [x9, x10]
    add x10, x10, #8
    cmp x10, #144
    b.ne 1b
    str x2, [x9, #0]                /* x19 */
    str x9, [x0, #0]
    adr x10, rti_context_start
    str x10, [x0, #8]
    str xzr, [x0, #16]
    ret
    .cfi_endproc
    .size rti_context_init, . - rti_context_init

    .section .note.GNU-stack, "", %progbits
