/* kernel_avx512.h - 16 lanes with AVX-512 (F, BW): rotates and three-input logic in one instruction. Threads: any.
 * Memory: none. */
#ifndef WORKER_KERNEL_KERNEL_AVX512_H
#define WORKER_KERNEL_KERNEL_AVX512_H

#include "worker/kernel/kernel.h"

extern const struct kernel kernel_avx512;

#endif
