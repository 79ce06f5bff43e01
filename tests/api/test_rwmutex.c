#include "goroutines.h"

#include <rt/chan.h>
#include <rt/sync.h>

/* --- readers and writers --- */

struct shared {
    struct rt_rwmutex rw;
    struct rt_waitgroup left;
    int64_t plain, copy; /* equal whenever nobody writes */
};
enum { WORKERS = 8, TURNS = 3000 };

static void read_often(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < TURNS; i++) {
        if (i % 5 != 0 || !rt_rwmutex_try_rlock(&s->rw))
            rt_rwmutex_rlock(&s->rw);
        EXPECT(s->plain == s->copy);
        if (i % 64 == 0)
            rt_yield();
        rt_rwmutex_runlock(&s->rw);
    }
    rt_waitgroup_done(&s->left);
}

static void write_often(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < TURNS / 4; i++) {
        if (i % 5 != 0 || !rt_rwmutex_try_lock(&s->rw))
            rt_rwmutex_lock(&s->rw);
        s->plain++;
        if (i % 16 == 0)
            rt_yield();
        s->copy++;
        rt_rwmutex_unlock(&s->rw);
    }
    rt_waitgroup_done(&s->left);
}

static void readers_and_writers(void)
{
    struct shared s = {0};
    rt_waitgroup_add(&s.left, WORKERS + 2);
    for (int i = 0; i < WORKERS; i++)
        rt_go(read_often, &s);
    rt_go(write_often, &s);
    rt_go(write_often, &s);
    rt_waitgroup_wait(&s.left);
    EXPECT(s.plain == TURNS / 4 * 2);
}

Test(rwmutex, a_reader_never_sees_a_half_done_write)
{
    run_everywhere(readers_and_writers);
}

static void write_once(void *arg)
{
    struct shared *s = arg;
    rt_rwmutex_lock(&s->rw);
    s->plain = 1;
    rt_rwmutex_unlock(&s->rw);
}

static void waiting_writer(void)
{
    struct shared s = {0};
    rt_rwmutex_rlock(&s.rw);
    EXPECT(rt_rwmutex_try_rlock(&s.rw));
    rt_rwmutex_runlock(&s.rw);
    EXPECT(!rt_rwmutex_try_lock(&s.rw));
    rt_go(write_once, &s);
    rt_yield(); /* one P: it waits by now */
    EXPECT(!rt_rwmutex_try_rlock(&s.rw));
    EXPECT(s.plain == 0);
    rt_rwmutex_runlock(&s.rw);
    rt_rwmutex_rlock(&s.rw);
    EXPECT(s.plain == 1);
    rt_rwmutex_runlock(&s.rw);
    EXPECT(rt_rwmutex_try_lock(&s.rw));
    EXPECT(!rt_rwmutex_try_rlock(&s.rw));
    rt_rwmutex_unlock(&s.rw);
}

Test(rwmutex, a_waiting_writer_keeps_new_readers_out)
{
    not_under_a_seed("the order of coming");
    run_on(1, waiting_writer);
}

struct hall {
    struct rt_rwmutex rw;
    struct rt_chan *inside, *leave, *left;
};

static void read_until_told(void *arg)
{
    struct hall *h = arg;
    rt_rwmutex_rlock(&h->rw);
    rt_send(h->inside, NULL);
    EXPECT(!rt_recv(h->leave, NULL));
    rt_rwmutex_runlock(&h->rw);
    rt_send(h->left, NULL);
}

static void runlock_for_another(void *arg)
{
    struct hall *h = arg;
    rt_rwmutex_runlock(&h->rw);
    rt_send(h->left, NULL);
}

static void unlock_rw_for_another(void *arg)
{
    struct hall *h = arg;
    rt_rwmutex_unlock(&h->rw);
    rt_send(h->left, NULL);
}

static void readers_together(void)
{
    struct hall h = {.inside = rt_chan_new(0, 0), .leave = rt_chan_new(0, 0), .left = rt_chan_new(0, 0)};
    for (int i = 0; i < WORKERS; i++)
        rt_go(read_until_told, &h);
    for (int i = 0; i < WORKERS; i++)
        EXPECT(rt_recv(h.inside, NULL)); /* nobody has left yet */
    EXPECT(!rt_rwmutex_try_lock(&h.rw));
    rt_close(h.leave);
    rt_rwmutex_lock(&h.rw);
    EXPECT(!rt_rwmutex_try_lock(&h.rw) && !rt_rwmutex_try_rlock(&h.rw));
    for (int i = 0; i < WORKERS; i++)
        EXPECT(rt_recv(h.left, NULL));
    rt_go(unlock_rw_for_another, &h); /* it belongs to no goroutine */
    EXPECT(rt_recv(h.left, NULL));
    rt_rwmutex_rlock(&h.rw);
    rt_go(runlock_for_another, &h);
    EXPECT(rt_recv(h.left, NULL));
    EXPECT(rt_rwmutex_try_lock(&h.rw));
    rt_rwmutex_unlock(&h.rw);
    rt_chan_free(&h.inside);
    rt_chan_free(&h.leave);
    rt_chan_free(&h.left);
}

Test(rwmutex, holds_many_readers_at_once_and_may_be_unlocked_by_another_goroutine)
{
    run_everywhere(readers_together);
}

static void runlock_while_written(void)
{
    struct rt_rwmutex m = {0};
    rt_rwmutex_lock(&m);
    rt_rwmutex_runlock(&m);
}

static void upgrade(void)
{
    struct rt_rwmutex m = {0};
    rt_rwmutex_rlock(&m);
    rt_rwmutex_lock(&m);
}

static void downgrade(void)
{
    struct rt_rwmutex m = {0};
    rt_rwmutex_lock(&m);
    rt_rwmutex_rlock(&m);
}

static void runlock_unlocked(void)
{
    struct rt_rwmutex m = {0};
    rt_rwmutex_runlock(&m);
}

static void wunlock_unlocked(void)
{
    struct rt_rwmutex m = {0};
    rt_rwmutex_rlock(&m);
    rt_rwmutex_unlock(&m);
}

Test(rwmutex, misuse_is_fatal)
{
    dies_saying(runlock_unlocked, "RUnlock of unlocked RWMutex");
    dies_saying(wunlock_unlocked, "Unlock of unlocked RWMutex");
    dies_saying(runlock_while_written, "RUnlock of unlocked RWMutex");
    dies_saying(upgrade, "asleep");
    dies_saying(downgrade, "asleep");
}
