#include "test.h"

#include <pthread.h>

#include "base/atomic.h"
#include "base/membarrier.h"

/* The pattern it is for: x and y never both read as 0, though one side has no fence. */
enum { ROUNDS = 2000 };
static _Atomic(int) x[ROUNDS], y[ROUNDS], saw_y[ROUNDS], go;

static void *fast_side(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        while (load_acq(&go) < i) /* pairs with store_rel below */
            ;
        store_rlx(&x[i], 1);
        fence_compiler();
        store_rlx(&saw_y[i], load_rlx(&y[i]));
    }
    return arg;
}

Test(membarrier, orders_a_plain_store_then_load_on_other_threads)
{
    if (!rti_membarrier_register())
        test_skip("no membarrier(2) here");
    pthread_t t;
    static int saw_x[ROUNDS];
    pthread_create(&t, NULL, fast_side, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        store_rel(&go, i); /* pairs with load_acq in fast_side */
        store_rlx(&y[i], 1);
        rti_membarrier_all();
        saw_x[i] = load_rlx(&x[i]);
    }
    pthread_join(t, NULL);
    for (int i = 0; i < ROUNDS; i++)
        cr_assert(saw_x[i] || load_rlx(&saw_y[i]), "both sides missed each other");
}
