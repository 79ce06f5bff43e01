#include "arch/stackhints.h"

#include <pthread.h>

#include "base/lock.h"

#if defined(RTI_HAVE_TSAN)
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);

/* A fiber costs TSan 800 KiB and 100 us, so dead ones are used again: the oldest first and only when many wait, since
 * TSan takes two goroutines on one fiber for ordered and would miss a race between them. A fiber keeps the frames that
 * the dead goroutine never left on its shadow stack, hence the limit of uses. */
enum { FIBERS = 256, FIBERS_MIN = 64, FIBER_USES = 1000 };
static struct {
    struct rti_lock lock;
    void *fiber[FIBERS];
    int uses[FIBERS];
    unsigned head, len;
} dead;

static void take_fiber(struct rti_stackhints *h)
{
    h->tsan_fiber = NULL;
    rti_lock_acquire(&dead.lock);
    if (dead.len > FIBERS_MIN) {
        h->tsan_fiber = dead.fiber[dead.head];
        h->tsan_uses = dead.uses[dead.head] + 1;
        dead.head = (dead.head + 1) % FIBERS;
        dead.len--;
    }
    rti_lock_release(&dead.lock);
    if (h->tsan_fiber)
        return;
    h->tsan_fiber = __tsan_create_fiber(0);
    h->tsan_uses = 1;
}

static void give_fiber(struct rti_stackhints *h)
{
    bool kept = false;
    rti_lock_acquire(&dead.lock);
    if (dead.len < FIBERS && h->tsan_uses < FIBER_USES) {
        unsigned at = (dead.head + dead.len++) % FIBERS;
        dead.fiber[at] = h->tsan_fiber;
        dead.uses[at] = h->tsan_uses;
        kept = true;
    }
    rti_lock_release(&dead.lock);
    if (!kept)
        __tsan_destroy_fiber(h->tsan_fiber);
}
#endif
#if defined(RTI_HAVE_ASAN)
void __asan_unpoison_memory_region(void const volatile *addr, size_t size);
#endif

#if defined(RTI_HAVE_TSAN) || defined(RTI_HAVE_ASAN)
static void thread_bounds(struct rti_stackhints *h)
{
    pthread_attr_t attr;
    void *lo = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attr) == 0) {
        pthread_attr_getstack(&attr, &lo, &size);
        pthread_attr_destroy(&attr);
    }
    h->lo = lo;
    h->size = size;
}

void rti_stackhints_thread(struct rti_stackhints *h)
{
    thread_bounds(h);
#if defined(RTI_HAVE_TSAN)
    h->tsan_fiber = __tsan_get_current_fiber();
#endif
}

void rti_stackhints_bind(struct rti_stackhints *h, void *lo, size_t size)
{
    h->lo = lo;
    h->size = size;
    h->asan_fake = NULL;
#if defined(RTI_HAVE_TSAN)
    take_fiber(h);
#endif
#if defined(RTI_HAVE_ASAN)
    __asan_unpoison_memory_region(lo, size);
#endif
}

void rti_stackhints_unbind(struct rti_stackhints *h)
{
#if defined(RTI_HAVE_TSAN)
    if (h->tsan_fiber)
        give_fiber(h);
#endif
#if defined(RTI_HAVE_ASAN)
    __asan_unpoison_memory_region(h->lo, h->size);
#endif
    h->tsan_fiber = NULL;
    h->lo = NULL;
}
#else
void rti_stackhints_thread(struct rti_stackhints *h)
{
    (void)h;
}

void rti_stackhints_bind(struct rti_stackhints *h, void *lo, size_t size)
{
    (void)h, (void)lo, (void)size;
}

void rti_stackhints_unbind(struct rti_stackhints *h)
{
    (void)h;
}
#endif
