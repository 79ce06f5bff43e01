#include "test.h"

#include <signal.h>

#include "common/base/check.h"

Test(check, a_broken_invariant_aborts, .signal = SIGABRT)
{
    int zero = 0;
    CHECK(zero == 1);
}

Test(check, a_kept_invariant_is_silent)
{
    CHECK(1 + 1 == 2);
    DCHECK(1 + 1 == 2);
}
