/* kernel_portable.h - plain C, one nonce at a time: runs everywhere, and is what the others are compared with. Threads:
 * any. Memory: none. */
#ifndef WORKER_KERNEL_KERNEL_PORTABLE_H
#define WORKER_KERNEL_KERNEL_PORTABLE_H

#include "worker/kernel/kernel.h"

extern const struct kernel kernel_portable;

#endif
