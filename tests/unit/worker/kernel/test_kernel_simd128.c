#include "battery.h"

KERNEL_BATTERY(kernel_simd128, "simd128");
