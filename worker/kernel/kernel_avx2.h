/* kernel_avx2.h - 8 lanes with AVX2. Threads: any. Memory: none. */
#ifndef WORKER_KERNEL_KERNEL_AVX2_H
#define WORKER_KERNEL_KERNEL_AVX2_H

#include "worker/kernel/kernel.h"

extern const struct kernel kernel_avx2;

#endif
