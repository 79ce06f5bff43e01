/* kernel_shani.h - 4 lanes with the SHA extensions (and AVX). Threads: any. Memory: none. */
#ifndef WORKER_KERNEL_KERNEL_SHANI_H
#define WORKER_KERNEL_KERNEL_SHANI_H

#include "worker/kernel/kernel.h"

extern const struct kernel kernel_shani;

#endif
