#include "base/membarrier.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rt/check.h>

static long membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0);
}

bool rti_membarrier_register(void)
{
    long has = membarrier(MEMBARRIER_CMD_QUERY);
    return has > 0 && (has & MEMBARRIER_CMD_PRIVATE_EXPEDITED) &&
           membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
}

void rti_membarrier_all(void)
{
    if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0)
        rt_throw("membarrier failed (errno %d)", errno);
}
