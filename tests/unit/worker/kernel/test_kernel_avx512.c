#include "battery.h"

KERNEL_BATTERY(kernel_avx512, "avx512");
