/* fib.c - a Fibonacci number (default the 32nd) by goroutines that fork and join, to show what one costs. Each call
 * down to CUTOFF starts a goroutine for one half and does the other itself; idle Ps steal what is waiting.
 *
 *     cc fib.c -o fib $(pkg-config --cflags --libs lode-rt) */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <rt/rt.h>
#include <rt/sync.h>

enum { CUTOFF = 12 };

/* Lives on the stack of whoever waits for it: nothing is allocated. */
struct call {
    int n;
    uint64_t value;
    struct rt_waitgroup done;
};

static uint64_t fib(int n);

static void run_call(void *arg)
{
    struct call *call = arg;
    call->value = fib(call->n);
    rt_waitgroup_done(&call->done); /* the last use of *call: its owner goes on and takes it away */
}

static uint64_t fib(int n)
{
    if (n < 2)
        return (uint64_t)n;
    if (n < CUTOFF)
        return fib(n - 1) + fib(n - 2);
    struct call left = {.n = n - 1};
    rt_waitgroup_add(&left.done, 1);
    rt_go(run_call, &left);
    uint64_t right = fib(n - 2);
    rt_waitgroup_wait(&left.done);
    return left.value + right;
}

static int run(void *arg)
{
    int n = *(const int *)arg;
    printf("fib(%d) = %llu, on %d Ps\n", n, (unsigned long long)fib(n), rt_procs());
    return 0;
}

int main(int argc, char **argv)
{
    long n = argc > 1 ? strtol(argv[1], NULL, 10) : 32;
    if (argc > 2 || n < 0 || n > 50) {
        fputs("usage: fib [N]     0 to 50\n", stderr);
        return 2;
    }
    int which = (int)n, status = rt_main(NULL, run, &which);
    return status < 0 ? 1 : status;
}
