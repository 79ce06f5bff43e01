#include "boot/fork.h"

#include <errno.h>
#include <pthread.h>

#include "base/throw.h"
#include "proc/m.h"
#include "proc/world.h"
#include <rt/check.h>

/* On the child's only thread. From here it runs no goroutine, as a foreign thread would; and as the world's lock is
 * never given back, whoever wants something of the scheduler is told. */
static void in_child(void)
{
    if (load_rlx(&rti_world.procs) == 0)
        return;
    rti_m_current = NULL;
    store_rlx(&rti_world.procs, 0);
    rti_throw_set_dump(NULL); /* what the goroutines did is their parent's to tell */
    rti_throw_set_last(NULL);
    rti_lock_orphan(&rti_world.lock);
}

void rti_fork_install(void)
{
    static _Atomic(uint32_t) done;
    if (xchg_acq_rel(&done, 1)) /* pairs with itself */
        return;
    int err = pthread_atfork(NULL, NULL, in_child);
    if (err)
        rt_throw("pthread_atfork failed (errno %d)", err);
}

bool rti_fork_is_child(void)
{
    return rti_lock_orphans();
}
