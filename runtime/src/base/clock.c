#include "base/clock.h"

#include <time.h>

#include "base/atomic.h"
#include <rt/attr.h>

static _Atomic(int64_t) fake_ns = -1; /* written by a test, read by all; no other data hangs on it */

int64_t rti_clock_monotonic(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * (int64_t)1000000000 + ts.tv_nsec;
}

int64_t rti_clock_now(void)
{
    int64_t fake = load_rlx(&fake_ns);
    return UNLIKELY(fake >= 0) ? fake : rti_clock_monotonic();
}

void rti_clock_set_fake(int64_t now_ns)
{
    store_rlx(&fake_ns, now_ns);
}
