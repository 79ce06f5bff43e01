/* context_aarch64.S - where a context starts, for AAPCS64. See context.h for the contract.
 * It is entered and leaves by br through x16, an indirect jump that a bti c landing pad accepts. */
    .text

    .globl rti_context_start
    .type rti_context_start, %function
    .p2align 4
rti_context_start:
    .cfi_startproc
    .cfi_undefined x30
    hint #36                        /* bti j */
    mov x29, xzr
    mov x30, xzr
    ldr x16, [sp], #16              /* entry */
    blr x16
    ldr x16, [sp], #16              /* done */
    mov x29, xzr
    mov x30, xzr
    br x16
    .cfi_endproc
    .size rti_context_start, . - rti_context_start

    .section .note.GNU-stack, "", %progbits
