/* kernel_table.h - the kernels of this architecture; CMake picks the file that defines it. Threads: any, read-only.
 * Memory: static. */
#ifndef WORKER_KERNEL_KERNEL_TABLE_H
#define WORKER_KERNEL_KERNEL_TABLE_H

#include "worker/kernel/kernel.h"

/* Best first as far as one can say without measuring; NULL-terminated. */
extern const struct kernel *const kernel_table[];

#endif
