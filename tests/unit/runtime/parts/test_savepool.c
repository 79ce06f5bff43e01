#include "test.h"

#include "base/pages.h"
#include "parts/savepool.h"

enum { MANY = 5000 };
static struct rti_savepool pool;

static void up(void)
{
    rti_savepool_init(&pool, 16 << 20);
}

static void down(void)
{
    rti_savepool_destroy(&pool);
}

Test(savepool, buffers_of_all_sizes_keep_apart, .init = up, .fini = down)
{
    static unsigned char *at[MANY];
    static size_t size[MANY];
    for (size_t i = 0; i < MANY; i++) {
        size[i] = 1 + i * 7 % RTI_SAVEPOOL_MAX;
        at[i] = rti_savepool_take(&pool, size[i]);
        cr_assert_not_null(at[i]);
        cr_assert_eq((uintptr_t)at[i] % 16, 0);
        memset(at[i], (int)(i % 251), size[i]);
    }
    for (size_t i = 0; i < MANY; i++) {
        for (size_t k = 0; k < size[i]; k++)
            cr_assert_eq(at[i][k], i % 251);
        rti_savepool_give(&pool, at[i]);
    }
    cr_assert_eq(pool.used_bytes, 0);
}

Test(savepool, what_is_given_back_is_used_again_by_other_sizes_too, .init = up, .fini = down)
{
    static void *at[64 * 1024];
    size_t n = 0;
    while (n < ARRAY_LEN(at) && (at[n] = rti_savepool_take(&pool, 512)) != NULL)
        n++;
    cr_assert(n > 30000 && n < ARRAY_LEN(at), "16 MiB hold %zu", n);
    cr_assert_null(rti_savepool_take(&pool, 100), "used up");
    for (size_t i = 0; i < n; i++)
        rti_savepool_give(&pool, at[i]);
    size_t again = 0;
    while (rti_savepool_take(&pool, 1024))
        again++;
    cr_assert(again > n / 2 - 200, "%zu of %zu", again, n / 2);
}

Test(savepool, a_chunk_that_is_all_free_gives_its_pages_back, .init = up, .fini = down)
{
    static char *at[1000];
    for (int i = 0; i < 1000; i++) {
        at[i] = rti_savepool_take(&pool, 320);
        memset(at[i], 1, 320);
    }
    for (int i = 0; i < 1000; i++)
        rti_savepool_give(&pool, at[i]);
    int zero = 0;
    for (int i = 0; i < 1000; i++)
        zero += at[i][319] == 0;
    cr_assert(zero > 500, "%d buffers read as zero", zero);
}

Test(savepool, too_big_and_nothing_are_refused, .init = up, .fini = down)
{
    cr_assert_null(rti_savepool_take(&pool, 0));
    cr_assert_null(rti_savepool_take(&pool, RTI_SAVEPOOL_MAX + 1));
    cr_assert_not_null(rti_savepool_take(&pool, RTI_SAVEPOOL_MAX));
    struct rti_savepool none = {0};
    cr_assert_null(rti_savepool_take(&none, 32));
}
