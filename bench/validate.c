/* validate.c - what does it cost to judge a header and put it into the block tree, and to check a whole block?
 *
 * The headers are a chain of lode-regtest, mined before the clock starts. A sample is a piece of that chain inserted at
 * the tip; ns_per_op holds everything (double hash, proof of work, link, median time, nBits, store). */
#include "bench/bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/chain/block.h"
#include "common/chain/pow.h"
#include "common/chain/tree.h"

enum { HEADERS = 1000000, HEADERS_MAX = 10000000, PIECES = 200, PAYLOADS = 16, PAYLOAD_BYTES = 1024 };

struct chain {
    struct header *headers;
    uint8_t (*hashes)[HEADER_HASH_LEN];
    size_t count;
};

static void mine_chain(struct chain *c, size_t count)
{
    const struct network *net = network_find("lode-regtest");
    struct header h = net->genesis;
    *c = (struct chain){.count = count};
    c->headers = malloc(count * sizeof c->headers[0]);
    c->hashes = malloc(count * sizeof c->hashes[0]);
    CHECK(c->headers != NULL && c->hashes != NULL);
    memcpy(h.prev, net->genesis_hash, sizeof h.prev);
    for (size_t i = 0; i < count; i++) {
        h.time += 10;
        for (h.nonce = 0;; h.nonce++) {
            header_hash(c->hashes[i], &h);
            if (pow_check(c->hashes[i], h.bits, &net->limit) == 0)
                break;
        }
        c->headers[i] = h;
        memcpy(h.prev, c->hashes[i], sizeof h.prev);
    }
}

/* Inserts the whole chain in pieces, each a sample; the bytes a header takes in *bytes. */
static void insert_chain(const struct chain *c, bool hashed, struct bench_run *r, double *bytes)
{
    struct tree *tree = tree_new(&(struct tree_config){.network = network_find("lode-regtest"), .seed = 1});
    struct tree_event e;
    size_t piece = c->count / PIECES ? c->count / PIECES : 1;
    for (size_t at = 0; at < c->count;) {
        size_t end = c->count - at < piece ? c->count : at + piece, n = end - at;
        int64_t wall = bench_wall_ns(), cpu = bench_cpu_ns();
        for (; at < end; at++) {
            int kind = hashed ? tree_insert_hashed(tree, &c->headers[at], c->hashes[at], NETWORK_NO_CLOCK, &e)
                              : tree_insert(tree, &c->headers[at], NETWORK_NO_CLOCK, &e);
            CHECK(kind == TREE_CONNECTED);
        }
        bench_run_add(r, (int64_t)n, bench_wall_ns() - wall, bench_cpu_ns() - cpu);
    }
    *bytes = (double)tree_bytes(tree) / (double)tree_count(tree);
    tree_free(&tree);
}

static uint8_t payload[PAYLOADS][PAYLOAD_BYTES], block_bytes[BLOCK_MAX];
static struct block block;

/* A found block as the coordinator judges it: bytes to block, merkle root, hash and proof of work. */
static void check_block(void *arg, int64_t n)
{
    int64_t len = *(const int64_t *)arg;
    for (int64_t i = 0; i < n; i++) {
        uint8_t hash[HEADER_HASH_LEN];
        int err = block_parse(&block, block_bytes, (size_t)len);
        CHECK(err == 0 && block_check(&block, 1) == 0);
        header_hash_raw(hash, block_bytes);
        CHECK(pow_check(hash, block.header.bits, &network_find("lode-regtest")->limit) == 0);
    }
}

static int64_t build_block(unsigned payloads)
{
    const struct network *net = network_find("lode-regtest");
    uint8_t hash[HEADER_HASH_LEN];
    block = (struct block){.header = net->genesis, .coinbase = {.height = 1}, .payload_count = (uint16_t)payloads};
    for (unsigned i = 0; i < payloads; i++) {
        memset(payload[i], (int)i, PAYLOAD_BYTES);
        block.payloads[i] = (struct block_payload){.bytes = payload[i], .len = PAYLOAD_BYTES};
    }
    CHECK(block_root(block.header.merkle, &block) == 0);
    for (header_hash(hash, &block.header); pow_check(hash, block.header.bits, &net->limit) < 0;
         header_hash(hash, &block.header))
        block.header.nonce++;
    int64_t len = block_serialize(block_bytes, sizeof block_bytes, &block);
    CHECK(len > 0);
    return len;
}

static double block_ns(const struct bench_options *o, unsigned payloads)
{
    struct bench_options own = *o;
    own.n = 0;
    own.seconds = o->seconds > 0 ? o->seconds : 0.3;
    int64_t len = build_block(payloads);
    static struct bench_run r;
    bench_repeat(&r, &own, check_block, &len);
    return bench_run_quantile(&r, 0.5);
}

static int run(const struct bench_options *o)
{
    static struct bench_run whole, hashed;
    static struct bench_line line;
    struct chain c;
    double bytes;
    if (o->n < 0 || o->n > HEADERS_MAX) {
        fprintf(stderr, "validate: -n is the count of headers, 1 to %d\n", HEADERS_MAX);
        return 2;
    }
    mine_chain(&c, o->n ? (size_t)o->n : HEADERS);
    bench_run_init(&whole, o, 1);
    bench_run_init(&hashed, o, 1);
    insert_chain(&c, false, &whole, &bytes);
    insert_chain(&c, true, &hashed, &bytes);
    free(c.headers);
    free(c.hashes);
    bench_line_open(&line, "validate", &whole);
    bench_line_int(&line, "headers", (int64_t)c.count);
    bench_line_num(&line, "insert_ns", bench_run_quantile(&hashed, 0.5));
    bench_line_num(&line, "insert_p99_ns", bench_run_quantile(&hashed, 0.99));
    bench_line_num(&line, "bytes_per_header", bytes);
    bench_line_num(&line, "empty_block_ns", block_ns(o, 0));
    bench_line_num(&line, "block_16k_ns", block_ns(o, PAYLOADS));
    return bench_line_close(&line);
}
BENCH_ROW(validate, "a header is judged and stored in the block tree; a block is checked", BENCH_N | BENCH_SECONDS,
          run);
