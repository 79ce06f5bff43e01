/* context_x86_64.S - the switch for the System V ABI. See context.h for the contract and the offsets.
 * It leaves by a jump through the saved pc, not by ret: another goroutine's return address is never what the return
 * stack predicts. rti_context_switch is entered by call, so the saved pc is the return address it was called with. */
    .text

    .globl rti_context_switch
    .type rti_context_switch, @function
    .p2align 5
rti_context_switch:                 /* rdi = from, rsi = to */
    .cfi_startproc
    endbr64
    popq %rdx
    .cfi_adjust_cfa_offset -8
    .cfi_register %rip, %rdx
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    pushq %r12
    .cfi_adjust_cfa_offset 8
    pushq %r13
    .cfi_adjust_cfa_offset 8
    pushq %r14
    .cfi_adjust_cfa_offset 8
    pushq %r15
    .cfi_adjust_cfa_offset 8
    movq %rsp, 0(%rdi)
    movq %rdx, 8(%rdi)
    movq %rbp, 16(%rdi)
    movq 0(%rsi), %rsp              /* the other stack has the same shape, so the CFA rule goes on holding */
    movq 8(%rsi), %rdx
    movq 16(%rsi), %rbp
    popq %r15
    .cfi_adjust_cfa_offset -8
    popq %r14
    .cfi_adjust_cfa_offset -8
    popq %r13
    .cfi_adjust_cfa_offset -8
    popq %r12
    .cfi_adjust_cfa_offset -8
    popq %rbx
    .cfi_adjust_cfa_offset -8
    jmpq *%rdx
    .cfi_endproc
    .size rti_context_switch, . - rti_context_switch

/* A new goroutine starts here with rbx = entry (put there by rti_context_init). No caller: walks end. */
    .globl rti_context_start
    .type rti_context_start, @function
    .p2align 4
rti_context_start:
    .cfi_startproc
    .cfi_undefined %rip
    endbr64
    xorl %ebp, %ebp
    callq *%rbx
    ud2
    .cfi_endproc
    .size rti_context_start, . - rti_context_start

/* void rti_context_init(struct rti_context *ctx, void *top, void (*entry)(void)) */
    .globl rti_context_init
    .type rti_context_init, @function
    .p2align 4
rti_context_init:
    .cfi_startproc
    endbr64
    leaq -40(%rsi), %rax            /* five registers; rsp is top, 16-aligned, at the call of entry */
    movq $0, 0(%rax)                /* r15 */
    movq $0, 8(%rax)                /* r14 */
    movq $0, 16(%rax)               /* r13 */
    movq $0, 24(%rax)               /* r12 */
    movq %rdx, 32(%rax)             /* rbx */
    movq %rax, 0(%rdi)
    leaq rti_context_start(%rip), %rdx
    movq %rdx, 8(%rdi)
    movq $0, 16(%rdi)
    ret
    .cfi_endproc
    .size rti_context_init, . - rti_context_init

    .section .note.GNU-stack, "", @progbits
