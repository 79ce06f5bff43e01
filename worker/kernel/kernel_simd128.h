/* kernel_simd128.h - 4 lanes in the 128-bit vectors that the architecture always has (SSE2, NEON). Threads: any.
 * Memory: none. */
#ifndef WORKER_KERNEL_KERNEL_SIMD128_H
#define WORKER_KERNEL_KERNEL_SIMD128_H

#include "worker/kernel/kernel.h"

extern const struct kernel kernel_simd128;

#endif
