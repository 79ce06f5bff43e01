/* sieve.c - the primes below N (default 1000), by a chain of goroutines: one per prime, each passing on to the next
 * what its prime does not divide (Hoare's and McIlroy's sieve; in Go's tour since its first days).
 *
 *     cc sieve.c -o sieve $(pkg-config --cflags --libs lode-rt) */
#include <stdio.h>
#include <stdlib.h>

#include <rt/chan.h>
#include <rt/rt.h>

static struct rt_chan *primes; /* what the stages find, smallest first */

/* One stage of the chain. The first number that comes in got past all smaller primes, so it is one itself. A channel
 * that is closed and drained has no other user left: who receives that frees it. */
static void stage(void *arg)
{
    struct rt_chan *in = arg;
    int prime, n;
    if (!rt_recv(in, &prime)) { /* nothing gets this far: the chain is complete */
        rt_close(primes);
    } else {
        rt_send(primes, &prime);
        struct rt_chan *out = rt_chan_new(sizeof(int), 0);
        rt_go(stage, out);
        while (rt_recv(in, &n))
            if (n % prime != 0)
                rt_send(out, &n);
        rt_close(out);
    }
    rt_chan_free(&in);
}

struct numbers {
    int below;
    struct rt_chan *out;
};

static void count_up(void *arg)
{
    const struct numbers *numbers = arg;
    for (int i = 2; i < numbers->below; i++)
        rt_send(numbers->out, &i);
    rt_close(numbers->out);
}

static int run(void *arg)
{
    struct numbers numbers = {.below = *(const int *)arg, .out = rt_chan_new(sizeof(int), 0)};
    int prime, last = 0, count = 0;
    primes = rt_chan_new(sizeof(int), 0);
    rt_go(stage, numbers.out);
    rt_go(count_up, &numbers);
    for (; rt_recv(primes, &prime); count++)
        last = prime;
    rt_chan_free(&primes);
    printf("%d primes below %d, the last is %d\n", count, numbers.below, last);
    return 0;
}

int main(int argc, char **argv)
{
    long below = argc > 1 ? strtol(argv[1], NULL, 10) : 1000;
    if (argc > 2 || below < 3 || below > 1000000) {
        fputs("usage: sieve [N]     3 to 1000000\n", stderr);
        return 2;
    }
    int n = (int)below, status = rt_main(NULL, run, &n);
    return status < 0 ? 1 : status;
}
