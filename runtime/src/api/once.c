#include <rt/sync.h>

#include "base/atomic.h"

static NOINLINE void first(struct rt_once *o, void (*fn)(void *arg), void *arg)
{
    rt_mutex_lock(&o->mutex);
    if (!load_rlx(&o->done)) {
        fn(arg);
        store_rel(&o->done, 1); /* after fn: who sees it may use what fn made; pairs with load_acq in rt_once_do */
    }
    rt_mutex_unlock(&o->mutex);
}

void rt_once_do(struct rt_once *self, void (*fn)(void *arg), void *arg)
{
    if (!load_acq(&self->done)) /* pairs with store_rel in first */
        first(self, fn, arg);
}
