#include "battery.h"

KERNEL_BATTERY(kernel_portable, "portable");
