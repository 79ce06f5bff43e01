/* After Go's sync/rwmutex.go: a writer first shuts out other writers, then subtracts RWMUTEX_MAX from the count of
 * readers, which sends new readers to sleep, and waits for those that were inside. */
#include <rt/sync.h>

#include "api/sema.h"
#include "base/atomic.h"
#include <rt/check.h>

enum { READERS_MAX = 1 << 30 };

void rt_rwmutex_rlock(struct rt_rwmutex *self)
{
    rti_sched_point();
    if (add_seq(&self->readers, 1) + 1 < 0) /* a writer holds or waits */
        rti_sema_acquire(&self->reader_sema, false, RTI_WAIT_RLOCK);
}

bool rt_rwmutex_try_rlock(struct rt_rwmutex *self)
{
    int32_t n = load_rlx(&self->readers);
    while (n >= 0)
        if (cas_acq(&self->readers, &n, n + 1))
            return true;
    return false;
}

static NOINLINE void runlock_slow(struct rt_rwmutex *rw, int32_t left)
{
    rti_sched_point();
    if (left + 1 == 0 || left + 1 == -READERS_MAX)
        rt_throw("sync: RUnlock of unlocked RWMutex");
    if (sub_seq(&rw->readers_ahead, 1) == 1) /* the last one the writer waits for */
        rti_sema_release(&rw->writer_sema);
}

void rt_rwmutex_runlock(struct rt_rwmutex *self)
{
    rti_sched_point();
    int32_t left = sub_seq(&self->readers, 1) - 1;
    if (UNLIKELY(left < 0))
        runlock_slow(self, left);
}

void rt_rwmutex_lock(struct rt_rwmutex *self)
{
    rt_mutex_lock(&self->writers);
    int32_t inside = sub_seq(&self->readers, READERS_MAX);
    rti_sched_point();
    if (inside != 0 && add_seq(&self->readers_ahead, inside) + inside != 0)
        rti_sema_acquire(&self->writer_sema, false, RTI_WAIT_WLOCK);
}

bool rt_rwmutex_try_lock(struct rt_rwmutex *self)
{
    if (!rt_mutex_try_lock(&self->writers))
        return false;
    int32_t none = 0;
    if (cas_acq_rel(&self->readers, &none, -READERS_MAX))
        return true;
    rt_mutex_unlock(&self->writers);
    return false;
}

void rt_rwmutex_unlock(struct rt_rwmutex *self)
{
    int32_t waiting = add_seq(&self->readers, READERS_MAX) + READERS_MAX;
    if (UNLIKELY(waiting >= READERS_MAX))
        rt_throw("sync: Unlock of unlocked RWMutex");
    for (int32_t i = 0; i < waiting; i++)
        rti_sema_release(&self->reader_sema);
    rt_mutex_unlock(&self->writers);
}
