#include "test.h"

#include "base/rand.h"

Test(rand, the_same_seed_gives_the_same_numbers)
{
    struct rti_rand a = {7}, b = {7}, c = {8};
    int same = 0;
    for (int i = 0; i < 100; i++) {
        uint32_t x = rti_rand_next(&a);
        cr_assert_eq(x, rti_rand_next(&b));
        same += x == rti_rand_next(&c);
    }
    cr_assert(same < 3);
}

Test(rand, below_hits_every_value_about_equally)
{
    struct rti_rand r = {1};
    int hits[7] = {0};
    for (int i = 0; i < 7000; i++) {
        uint32_t x = rti_rand_below(&r, 7);
        cr_assert(x < 7);
        hits[x]++;
    }
    for (int i = 0; i < 7; i++)
        cr_assert(hits[i] > 800 && hits[i] < 1200);
}
