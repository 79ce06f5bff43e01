/* kernel_cpu.c - cpuid by hand, as gcc 12's __builtin_cpu_supports does not know "sha". */
#include "worker/kernel/kernel_cpu.h"

#include <cpuid.h>
#include <stdint.h>

/* State components the system saves (Intel SDM volume 1, 13.1): SSE and AVX; then mask registers, upper halves,
 * zmm16-31.
 */
enum { XCR0_AVX = 0x06, XCR0_AVX512 = 0xe6 };

static uint32_t leaf1_ecx(void)
{
    uint32_t a, b, c = 0, d;
    return __get_cpuid(1, &a, &b, &c, &d) ? c : 0;
}

static uint32_t leaf7_ebx(void)
{
    uint32_t a, b = 0, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) ? b : 0;
}

static uint64_t enabled_states(void)
{
    if (!(leaf1_ecx() & bit_OSXSAVE))
        return 0;
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

bool kernel_cpu_avx2(void)
{
    return (enabled_states() & XCR0_AVX) == XCR0_AVX && (leaf7_ebx() & bit_AVX2);
}

bool kernel_cpu_avx512(void)
{
    const uint32_t wanted = bit_AVX512F | bit_AVX512BW;
    return (enabled_states() & XCR0_AVX512) == XCR0_AVX512 && (leaf7_ebx() & wanted) == wanted;
}

bool kernel_cpu_shani(void)
{
    return (enabled_states() & XCR0_AVX) == XCR0_AVX && (leaf1_ecx() & bit_AVX) && (leaf7_ebx() & bit_SHA);
}
