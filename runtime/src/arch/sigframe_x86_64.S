/* sigframe_x86_64.S - where a diverted handler returns to. See sigframe.h; the offsets are those of ucontext_t.
 * rsp = the copy of the frame, 64-aligned; rbx = the function to call; rbp = a record that names the interrupted code.
 * The CFI makes the caller of what we are into the interrupted code with all its registers. */
    .text

    .globl rti_sigframe_diverted
    .type rti_sigframe_diverted, @function
    .p2align 4
    nop                             /* a return address less one must still be ours */
rti_sigframe_diverted:
    .cfi_startproc
    .cfi_signal_frame
    .cfi_def_cfa %rsp, 0
    .cfi_offset %r8, 40
    .cfi_offset %r9, 48
    .cfi_offset %r10, 56
    .cfi_offset %r11, 64
    .cfi_offset %r12, 72
    .cfi_offset %r13, 80
    .cfi_offset %r14, 88
    .cfi_offset %r15, 96
    .cfi_offset %rdi, 104
    .cfi_offset %rsi, 112
    .cfi_offset %rbp, 120
    .cfi_offset %rbx, 128
    .cfi_offset %rdx, 136
    .cfi_offset %rax, 144
    .cfi_offset %rcx, 152
    .cfi_offset %rsp, 160
    .cfi_offset %rip, 168
    callq *%rbx
    movq %rsp, %rdi
    callq rti_sigframe_settle
    movl $15, %eax                  /* rt_sigreturn: takes the frame at rsp, and does not come back */
    syscall
    ud2
    .cfi_endproc
    .size rti_sigframe_diverted, . - rti_sigframe_diverted

    .section .note.GNU-stack, "", @progbits
