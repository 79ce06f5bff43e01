#include "battery.h"

KERNEL_BATTERY(kernel_shani, "shani");
