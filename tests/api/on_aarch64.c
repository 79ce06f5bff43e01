/* A program for the other architecture, built and run by on_aarch64.sh: switches that keep integers and doubles across
 * a yield, channels, timers, a blocking call, and threads that wake each other. 0 when all came out right. */
#include <stdatomic.h>
#include <stdio.h>
#include <poll.h>

#include <rt/chan.h>
#include <rt/rt.h>
#include <rt/sync.h>
#include <rt/time.h>

enum { WORKERS = 8, EACH = 200 };

static struct rt_waitgroup left;
static struct rt_chan *numbers;
static _Atomic(long) sum, wrong;

static void add_up(void *arg)
{
    double halves = *(double *)arg, expected = halves;
    for (int i = 0, n; i < EACH; i++) {
        if (rt_recv(numbers, &n))
            sum += n;
        halves += 0.5;
        rt_yield();
        expected += 0.5;
        wrong += halves != expected;
    }
    rt_waitgroup_done(&left);
}

static void call(void *arg)
{
    wrong += RT_BLOCKING(poll(NULL, 0, 20)) != 0;
    rt_waitgroup_done(arg);
}

static int app(void *arg)
{
    static double start[WORKERS];
    (void)arg;
    numbers = rt_chan_new(sizeof(int), 3);
    rt_waitgroup_add(&left, WORKERS + 1);
    rt_go(call, &left);
    for (int i = 0; i < WORKERS; i++) {
        start[i] = i;
        rt_go(add_up, &start[i]);
    }
    for (int i = 0; i < WORKERS * EACH; i++)
        rt_send(numbers, &i);
    rt_sleep(1000000);
    rt_waitgroup_wait(&left);
    rt_chan_free(&numbers);
    return 0;
}

int main(void)
{
    const long all = WORKERS * EACH;
    for (int procs = 1; procs <= 3; procs++) {
        sum = 0;
        int result = rt_main(&(struct rt_config){.procs = procs}, app, NULL);
        printf("%d procs: result %d, sum %ld, wrong %ld\n", procs, result, sum, wrong);
        if (result != 0 || sum != all * (all - 1) / 2 || wrong != 0)
            return 1;
    }
    return 0;
}
