#include "test.h"

#include "base/slab.h"

Test(slab, objects_are_zero_aligned_and_apart)
{
    struct rti_slab slab = RTI_SLAB_INIT(192);
    char *last = NULL;
    for (int i = 0; i < 2000; i++) { /* several chunks */
        char *p = rti_slab_take(&slab);
        cr_assert_eq((uintptr_t)p % 64, 0);
        for (int k = 0; k < 192; k++)
            cr_assert_eq(p[k], 0);
        memset(p, 0xff, 192);
        cr_assert(p != last);
        last = p;
    }
    cr_assert_eq(slab.taken, 2000);
}

Test(slab, an_object_larger_than_a_chunk_is_fatal, .exit_code = 2)
{
    struct rti_slab slab = RTI_SLAB_INIT(1 << 20);
    rti_slab_take(&slab);
}
