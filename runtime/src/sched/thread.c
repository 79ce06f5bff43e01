#include "sched/thread.h"

#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/pages.h"
#include "proc/m.h"
#include "sched/preempt.h"
#include "sched/round.h"
#include "sched/safepoint.h"
#include <rt/check.h>

enum { SYSTEM_STACK = 1 << 20, SIGNAL_ROOM = 32 << 10 };
#ifndef AT_MINSIGSTKSZ
enum { AT_MINSIGSTKSZ = 51 };
#endif

/* The signal frame alone can be 11 KiB (AVX-512, AMX), so its size comes from the kernel, not from MINSIGSTKSZ. The old
 * one is put back at the end: ASan unmaps whatever it finds there. */
static void signal_stack_on(struct m *m)
{
    size_t frame = getauxval(AT_MINSIGSTKSZ);
    m->sigstack.bytes = ((frame ? frame : 4096) + SIGNAL_ROOM + RTI_PAGE - 1) & ~(size_t)(RTI_PAGE - 1);
    m->sigstack.at = rti_pages_take(m->sigstack.bytes);
    stack_t ours = {.ss_sp = m->sigstack.at, .ss_size = m->sigstack.bytes}, old;
    CHECK(sigaltstack(&ours, &old) == 0);
    m->sigstack.old_at = old.ss_sp;
    m->sigstack.old_bytes = old.ss_size;
    m->sigstack.old_flags = old.ss_flags;
}

static void signal_stack_off(struct m *m)
{
    stack_t old = {.ss_sp = m->sigstack.old_at, .ss_size = m->sigstack.old_bytes, .ss_flags = m->sigstack.old_flags};
    sigaltstack(&old, NULL);
    rti_pages_release(m->sigstack.at, m->sigstack.bytes);
}

static void *run(void *arg)
{
    struct m *m = arg;
    rti_m_current = m;
    m->tid = gettid();
    rti_stackhints_thread(&m->hints);
    signal_stack_on(m);
    rti_preempt_thread(m);
    rti_round_loop(m);
    if (m->p)
        rti_safepoint_done(m->p, RTI_SAFEPOINT_END);
    signal_stack_off(m);
    rti_m_current = NULL;
    if (!m->left) /* else whoever comes by joins it */
        rti_note_wake(&m->done);
    return NULL;
}

struct m *rti_thread_new_locked(void)
{
    if (rti_world.m_count >= RTI_MAX_MS)
        rt_throw("thread exhaustion: program exceeds %d-thread limit", RTI_MAX_MS);
    struct m *m = rti_world.free_m;
    if (m) {
        rti_world.free_m = m->idle_next;
        rti_m_reset(m, ++rti_world.m_made);
    } else {
        m = rti_m_new(++rti_world.m_made); /* 0 is the thread of rt_main, which runs sysmon */
    }
    rti_world.m_count++;
    m->all_next = rti_world.all_m;
    rti_world.all_m = m;
    return m;
}

int rti_thread_try_start(struct m *m)
{
    pthread_attr_t attr;
    int err = pthread_attr_init(&attr);
    if (err)
        return -err;
    pthread_attr_setstacksize(&attr, SYSTEM_STACK);
    err = pthread_create(&m->thread, &attr, run, m);
    pthread_attr_destroy(&attr);
    return -err;
}

void rti_thread_start(struct m *m)
{
    int err = rti_thread_try_start(m);
    if (err < 0)
        rt_throw("cannot start a thread (errno %d); %u run", -err, rti_world.m_count);
}

void rti_thread_leave_locked(struct m *m)
{
    struct m **at = &rti_world.all_m;
    while (*at != m)
        at = &(*at)->all_next;
    *at = m->all_next;
    rti_world.m_count--;
    m->left = true;
    m->idle_next = load_rlx(&rti_world.dead_m);
    store_rlx(&rti_world.dead_m, m);
}

void rti_thread_reap(bool wait)
{
    if (LIKELY(!load_rlx(&rti_world.dead_m)))
        return;
    rti_lock_acquire(&rti_world.lock);
    struct m *m = load_rlx(&rti_world.dead_m), *next;
    store_rlx(&rti_world.dead_m, NULL);
    rti_lock_release(&rti_world.lock);
    for (; m; m = next) {
        next = m->idle_next;
        int err = wait ? pthread_join(m->thread, NULL) : pthread_tryjoin_np(m->thread, NULL);
        rti_lock_acquire(&rti_world.lock);
        if (err == 0) {
            m->idle_next = rti_world.free_m;
            rti_world.free_m = m;
        } else {
            m->idle_next = load_rlx(&rti_world.dead_m);
            store_rlx(&rti_world.dead_m, m);
        }
        rti_lock_release(&rti_world.lock);
    }
}
