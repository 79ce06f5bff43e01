/* kernel_table_other.c - kernels of any architecture. */
#include "worker/kernel/kernel_table.h"

#include "worker/kernel/kernel_portable.h"
#include "worker/kernel/kernel_simd128.h"

#include <stddef.h>

const struct kernel *const kernel_table[] = {&kernel_simd128, &kernel_portable, NULL};
