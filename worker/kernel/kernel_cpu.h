/* kernel_cpu.h - what this x86-64 CPU has and its operating system keeps across switches: cpuid leaves 1 and 7, and
 * xgetbv. Compiled without vector flags; not built on other architectures. Threads: any. Memory: none; asks each time,
 * since nothing may be kept (about 100 ns, at start only). */
#ifndef WORKER_KERNEL_KERNEL_CPU_H
#define WORKER_KERNEL_KERNEL_CPU_H

#include <stdbool.h>

bool kernel_cpu_avx2(void);
/* AVX-512 F and BW. */
bool kernel_cpu_avx512(void);
/* SHA extensions, and AVX for what stands between them (all cores with SHA but a few small ones have it). */
bool kernel_cpu_shani(void);

#endif
