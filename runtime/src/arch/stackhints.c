#include "arch/stackhints.h"

#include <pthread.h>

#if defined(RTI_HAVE_TSAN)
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
#endif
#if defined(RTI_HAVE_ASAN)
void __asan_unpoison_memory_region(void const volatile *addr, size_t size);
#endif

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
    h->tsan_fiber = __tsan_create_fiber(0);
#endif
#if defined(RTI_HAVE_ASAN)
    __asan_unpoison_memory_region(lo, size);
#endif
}

void rti_stackhints_unbind(struct rti_stackhints *h)
{
#if defined(RTI_HAVE_TSAN)
    if (h->tsan_fiber)
        __tsan_destroy_fiber(h->tsan_fiber);
#endif
#if defined(RTI_HAVE_ASAN)
    __asan_unpoison_memory_region(h->lo, h->size);
#endif
    h->tsan_fiber = NULL;
    h->lo = NULL;
}
