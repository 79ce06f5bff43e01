/* forkjoin.c - what does it cost to split work among goroutines and collect it? Rows spawn_chan, fib, skynet, nqueens.
 * Peers: the same programs in Go (bench/go/forkjoin.go). */
#include "bench/inside.h"

#include <rt/chan.h>
#include <rt/check.h>
#include <rt/rt.h>
#include <rt/sync.h>

/* --- spawn_chan: one goroutine at a time, which answers over a channel --- */

static void answer(void *arg)
{
    int64_t v = 1;
    rt_send(arg, &v);
}

static void spawn_and_receive(void *arg UNUSED, int64_t n)
{
    struct rt_chan *c = rt_chan_new(sizeof(int64_t), 0);
    int64_t v = 0;
    for (int64_t i = 0; i < n; i++) {
        rt_go(answer, c);
        CHECK(rt_recv(c, &v) && v == 1);
    }
    rt_chan_free(&c);
}

static int run_spawn_chan(const struct bench_options *o)
{
    return bench_inside_repeat(o, &(struct bench_inside_row){"spawn_chan", spawn_and_receive, NULL, 1});
}
BENCH_ROW(spawn_chan, "start one goroutine and receive its answer over an unbuffered channel", BENCH_N | BENCH_SECONDS,
          run_spawn_chan);

/* --- fib: every call starts a goroutine for one half, which answers over a channel of its own --- */

enum { FIB = 20, FIB_VALUE = 6765, FIB_SPAWNS = 10945 };

struct half {
    int n;
    struct rt_chan *out;
};

static int64_t fib(int n);

static void fib_half(void *arg)
{
    struct half *h = arg;
    int64_t v = fib(h->n);
    rt_send(h->out, &v);
}

static int64_t fib(int n)
{
    if (n < 2)
        return n;
    struct half h = {.n = n - 1, .out = rt_chan_new(sizeof(int64_t), 1)};
    rt_go(fib_half, &h);
    int64_t right = fib(n - 2), left;
    CHECK(rt_recv(h.out, &left));
    rt_chan_free(&h.out);
    return left + right;
}

static void fibs(void *arg UNUSED, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        CHECK(fib(FIB) == FIB_VALUE);
}

static int run_fib(const struct bench_options *o)
{
    return bench_inside_repeat(o, &(struct bench_inside_row){"fib", fibs, NULL, FIB_SPAWNS});
}
BENCH_ROW(fib, "fib(20) with a goroutine and a channel per call: per spawn", BENCH_N | BENCH_SECONDS, run_fib);

/* --- skynet: a tree of goroutines, ten children each, a million leaves that send their number up --- */

enum { SKYNET_LEAVES = 1000000, SKYNET_WAYS = 10 };
static const int64_t skynet_sum = (int64_t)SKYNET_LEAVES * (SKYNET_LEAVES - 1) / 2;

struct node {
    struct rt_chan *up;
    int64_t first, leaves;
};

/* Takes the channel and the numbers of its own node from the parent's array: the parent waits for it. */
static void skynet(void *arg)
{
    const struct node *self = arg;
    struct node child[SKYNET_WAYS];
    int64_t sum = self->first, v;
    if (self->leaves > 1) {
        struct rt_chan *c = rt_chan_new(sizeof(int64_t), 0);
        int64_t each = self->leaves / SKYNET_WAYS;
        for (int i = 0; i < SKYNET_WAYS; i++) {
            child[i] = (struct node){.up = c, .first = self->first + i * each, .leaves = each};
            rt_go(skynet, &child[i]);
        }
        sum = 0;
        for (int i = 0; i < SKYNET_WAYS; i++) {
            CHECK(rt_recv(c, &v));
            sum += v;
        }
        rt_chan_free(&c);
    }
    rt_send(self->up, &sum);
}

static void skynets(void *arg UNUSED, int64_t n)
{
    struct rt_chan *c = rt_chan_new(sizeof(int64_t), 0);
    struct node root = {.up = c, .leaves = SKYNET_LEAVES};
    for (int64_t i = 0, sum = 0; i < n; i++) {
        rt_go(skynet, &root);
        CHECK(rt_recv(c, &sum) && sum == skynet_sum);
    }
    rt_chan_free(&c);
}

static int run_skynet(const struct bench_options *o)
{
    return bench_inside_repeat(o, &(struct bench_inside_row){"skynet", skynets, NULL, SKYNET_LEAVES});
}
BENCH_ROW(skynet, "a ten-way tree of goroutines with a million leaves: per leaf", BENCH_N | BENCH_SECONDS, run_skynet);

/* --- nqueens: a goroutine per placement of the first rows, plain recursion below --- */

enum { QUEENS = 12, QUEENS_FORKED = 3, QUEENS_SOLUTIONS = 14200 };

struct board {
    int row;
    uint32_t columns, left, right; /* attacked squares of this row */
    int64_t found;
};

static int64_t place_plain(int row, uint32_t columns, uint32_t left, uint32_t right)
{
    if (row == QUEENS)
        return 1;
    int64_t found = 0;
    for (uint32_t open = ~(columns | left | right) & ((1u << QUEENS) - 1); open; open &= open - 1) {
        uint32_t bit = open & -open;
        found += place_plain(row + 1, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return found;
}

struct placement {
    struct board board;
    struct rt_waitgroup *done;
};

static void place(struct board *b);

static void place_forked(void *arg)
{
    struct placement *p = arg;
    place(&p->board);
    rt_waitgroup_done(p->done);
}

static void place(struct board *b)
{
    if (b->row == QUEENS_FORKED) {
        b->found = place_plain(b->row, b->columns, b->left, b->right);
        return;
    }
    struct placement next[QUEENS];
    struct rt_waitgroup done = {0};
    int n = 0;
    for (uint32_t open = ~(b->columns | b->left | b->right) & ((1u << QUEENS) - 1); open; open &= open - 1, n++) {
        uint32_t bit = open & -open;
        next[n].done = &done;
        next[n].board = (struct board){.row = b->row + 1, .columns = b->columns | bit};
        next[n].board.left = (b->left | bit) << 1;
        next[n].board.right = (b->right | bit) >> 1;
        rt_waitgroup_add(&done, 1);
        rt_go(place_forked, &next[n]);
    }
    rt_waitgroup_wait(&done);
    for (int i = 0; i < n; i++)
        b->found += next[i].board.found;
}

static void queens(void *arg UNUSED, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        struct board b = {0};
        place(&b);
        CHECK(b.found == QUEENS_SOLUTIONS);
    }
}

static int run_nqueens(const struct bench_options *o)
{
    return bench_inside_repeat(o, &(struct bench_inside_row){"nqueens", queens, NULL, 1});
}
BENCH_ROW(nqueens, "all 14200 solutions of 12 queens, forked at the first three rows; its speed-up with --procs 2",
          BENCH_N | BENCH_SECONDS, run_nqueens);
