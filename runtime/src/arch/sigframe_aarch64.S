/* sigframe_aarch64.S - where a diverted handler returns to. See sigframe.h; the offsets are those of the kernel's struct
 * rt_sigframe (128 bytes of siginfo, then ucontext_t).
 * sp = the copy of the frame; x19 = the function to call; x29 = a record that names the interrupted code. As in the
 * kernel's own trampoline the CFI goes by that record. */
    .text

    .globl rti_sigframe_diverted
    .type rti_sigframe_diverted, %function
    .p2align 4
    nop
rti_sigframe_diverted:
    .cfi_startproc
    .cfi_signal_frame
    .cfi_def_cfa x29, 0
    .cfi_offset x29, 0
    .cfi_offset x30, 8
    blr x19
    mov x0, sp
    bl rti_sigframe_settle
    mov x8, #139                    /* rt_sigreturn: takes the frame at sp, and does not come back */
    svc #0
    brk #1
    .cfi_endproc
    .size rti_sigframe_diverted, . - rti_sigframe_diverted

    .section .note.GNU-stack, "", %progbits
