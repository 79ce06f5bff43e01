#include "test.h"

#include "base/atomic.h"
#include "base/cpu.h"

Test(cpu, pausing_and_fencing_change_nothing)
{
    _Atomic(uint32_t) v = 1;
    rti_cpu_pause();
    fence_full();
    fence_full_after_rmw();
    cr_assert_eq(load_seq(&v), 1);
    uint32_t expected = 2;
    cr_assert_not(cas_acq_rel(&v, &expected, 3));
    cr_assert_eq(expected, 1, "a failed compare leaves what was there");
    cr_assert(cas_seq(&v, &expected, 3));
    cr_assert_eq(xchg_seq(&v, 4), 3);
    cr_assert_eq(add_seq(&v, 2), 4);
    cr_assert_eq(sub_seq(&v, 1), 6);
    cr_assert_eq(or_acq_rel(&v, 8), 5);
    cr_assert_eq(load_acq(&v), 13);
}
