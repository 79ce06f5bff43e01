#include "battery.h"

KERNEL_BATTERY(kernel_avx2, "avx2");
