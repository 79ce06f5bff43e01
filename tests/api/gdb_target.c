/* What gdb.sh looks at: goroutines that stand in known functions, and gdb_here() where it stops. */
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <rt/attr.h>
#include <rt/chan.h>
#include <rt/debug.h>
#include <rt/rt.h>

#define STAY() __asm__ volatile("") /* the call before it must not become a jump */

static struct rt_chan *never;

NOINLINE void gdb_here(void);
NOINLINE void gdb_here(void)
{
    STAY();
}

static NOINLINE int wait_for_a_value(int answer)
{
    int v = 0;
    (void)!rt_recv(never, &v);
    STAY();
    return answer + v;
}

static void receiver(void *arg)
{
    wait_for_a_value(*(int *)arg);
    STAY();
}

static void caller(void *arg)
{
    (void)arg;
    RT_BLOCKING(poll(NULL, 0, -1));
}

static void never_run(void *arg)
{
    (void)arg;
}

static int app(void *arg)
{
    static char text[16384];
    static int answer = 42;
    struct rt_go_attr attr = {.name = "the receiver"}, asleep = {.name = "asleep", .hibernate = true};
    (void)arg;
    never = rt_chan_new(sizeof(int), 0);
    rt_go_attr(&attr, receiver, &answer);
    rt_go(caller, NULL);
    rt_go_attr(&asleep, receiver, &answer);
    do {
        rt_yield();
        rt_stack(text, sizeof text, true);
    } while (!strstr(text, "[chan receive, \"the receiver\"]") || !strstr(text, "[syscall]") ||
             !strstr(text, "[chan receive, \"asleep\"]"));
    for (int i = 0; i < 20 && rt_stacks_trim() == 0; i++) /* without membarrier(2) none ever is */
        ;
    rt_go(never_run, NULL);
    gdb_here();
    return 0;
}

int main(void)
{
    struct rt_config config = {.procs = 1};
    return rt_main(&config, app, NULL);
}
