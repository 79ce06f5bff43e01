/* context_x86_64.S - where a context starts, for the System V ABI. See context.h for the contract.
 * entry is called and returns, done is jumped to: so nothing is left on the processor's return stack by a goroutine that
 * has ended, and whoever runs next finds its own returns predicted. */
    .text

    .globl rti_context_start
    .type rti_context_start, @function
    .p2align 4
rti_context_start:
    .cfi_startproc
    .cfi_undefined %rip
    endbr64
    xorl %ebp, %ebp
    popq %rax                       /* entry */
    popq %rax                       /* again; rsp is 16-aligned now */
    callq *%rax
    popq %rax                       /* done; above it a return address that ends walks */
    jmpq *%rax
    .cfi_endproc
    .size rti_context_start, . - rti_context_start

/* What RTI_RETURNS_BY_JUMP makes of a ret; the name is the compilers'. */
    .weak __x86_return_thunk
    .hidden __x86_return_thunk
    .type __x86_return_thunk, @function
    .p2align 4
__x86_return_thunk:
    .cfi_startproc
    popq %rcx
    .cfi_adjust_cfa_offset -8
    .cfi_register %rip, %rcx
    jmpq *%rcx
    .cfi_endproc
    .size __x86_return_thunk, . - __x86_return_thunk

    .section .note.GNU-stack, "", @progbits
