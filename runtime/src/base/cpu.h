/* cpu.h - the few instructions that C cannot say. Threads: any. Memory: none. */
#ifndef RTI_CPU_H
#define RTI_CPU_H

#include <stdint.h>

/* Inside a spin loop: lets the other hyper-thread run. */
static inline void rti_cpu_pause(void)
{
#if defined(__x86_64__)
    __asm__ volatile("pause");
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
