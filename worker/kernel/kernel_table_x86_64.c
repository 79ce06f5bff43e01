/* kernel_table_x86_64.c - kernels of x86-64. */
#include "worker/kernel/kernel_table.h"

#include "worker/kernel/kernel_avx2.h"
#include "worker/kernel/kernel_avx512.h"
#include "worker/kernel/kernel_portable.h"
#include "worker/kernel/kernel_shani.h"
#include "worker/kernel/kernel_simd128.h"

#include <stddef.h>

const struct kernel *const kernel_table[] = {&kernel_avx512,  &kernel_shani,    &kernel_avx2,
                                             &kernel_simd128, &kernel_portable, NULL};
