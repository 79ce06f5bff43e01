#include "ctl/chainverify.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/chain/pow.h"
#include "common/chain/target.h"
#include "common/chain/tree.h"
#include "ctl/args.h"
#include "ctl/chainopts.h"
#include "ctl/session.h"

/* What to judge by. */
struct question {
    struct network network;
    uint64_t from_height; /* of the first header; above 0 it is trusted */
};

struct verdict {
    uint64_t first_height;
    size_t headers; /* good ones */
    int code;       /* of the first that is not, or 0 */
    uint8_t tip[HEADER_HASH_LEN];
    struct u256 work;
};

/* The first header stands for all that comes before it: it is the genesis, or it is trusted. */
static int start(const struct question *q, const struct header *header, struct verdict *v, struct tree **tree)
{
    bool trusted = q->from_height > 0;
    uint8_t hash[HEADER_HASH_LEN];
    header_hash(hash, header);
    if (!trusted && memcmp(hash, q->network.genesis_hash, sizeof hash) != 0)
        return ERR_GENESIS;
    TRY(pow_check(hash, header->bits, &q->network.limit));
    struct tree_config config = {.network = &q->network};
    if (trusted) {
        config.start = header;
        config.start_height = q->from_height;
    }
    *tree = tree_new(&config);
    memcpy(v->tip, hash, sizeof hash);
    v->headers = 1;
    return 0;
}

static int extend(struct tree *tree, const struct header *header, struct verdict *v)
{
    struct tree_event event;
    if (memcmp(header->prev, v->tip, sizeof v->tip) != 0)
        return ERR_LINK;
    TRY(tree_insert(tree, header, NETWORK_NO_CLOCK, &event));
    memcpy(v->tip, event.hash, sizeof v->tip);
    v->headers++;
    return 0;
}

static void verify(const struct question *q, const struct chainopts_file *file, struct verdict *v)
{
    AUTO(tree_free) struct tree *tree = NULL;
    for (size_t at = 0; at + HEADER_LEN <= file->len && v->code == 0; at += HEADER_LEN) {
        struct header header;
        header_parse(&header, file->bytes + at);
        v->code = at == 0 ? start(q, &header, v, &tree) : extend(tree, &header, v);
        v->code = v->code > 0 ? 0 : v->code;
    }
    if (tree)
        v->work = tree_tip(tree)->work;
}

/* A chain says nowhere what its spacing and half-life are. */
static void say_hint(struct session *s, const struct question *q, json_t *verdict)
{
    char hint[200];
    snprintf(hint, sizeof hint,
             "it was judged by --spacing %us --half-life %us; lodectl status shows what the chain was made with",
             q->network.spacing_s, q->network.half_life_s);
    json_object_set_new(verdict, "hint", json_string(hint));
    if (!s->json)
        fprintf(s->err, "lodectl: %s\n", hint);
}

static void print_verdict(struct session *s, const struct question *q, const struct verdict *v)
{
    char tip[2 * HEADER_HASH_LEN + 1], work[U256_HEX_SIZE];
    bytes_to_hex_reversed(tip, v->tip, sizeof v->tip);
    u256_to_hex(work, &v->work);
    json_t *o =
        json_pack("{s:I, s:I, s:s?, s:s, s:b}", "headers", (json_int_t)v->headers, "first_height",
                  (json_int_t)v->first_height, "tip", v->headers ? tip : NULL, "work", work, "ok", v->code == 0);
    if (v->code != 0) {
        json_object_set_new(o, "height", json_integer((json_int_t)v->first_height + (json_int_t)v->headers));
        json_object_set_new(o, "code", json_string(err_code(v->code)));
        json_object_set_new(o, "text", json_string(err_text(v->code)));
    }
    if (v->code == ERR_BITS_WRONG && q->network.rule == NETWORK_ASERT)
        say_hint(s, q, o);
    json_dumpf(o, s->out, 0);
    fputc('\n', s->out);
    json_decref(o);
}

int chainverify_run(struct session *s, const struct args *args)
{
    struct question q = {.from_height = args->from_height > 0 ? (uint64_t)args->from_height : 0};
    struct chainopts_file file;
    int status = chainopts_network(&q.network, s, args);
    if (status != ARGS_OK)
        return status;
    int err = chainopts_load(&file, s, args->rest[0], CHAINOPTS_BYTES_MAX);
    if (err < 0)
        return session_status(err);
    struct verdict v = {.first_height = q.from_height};
    verify(&q, &file, &v);
    if (v.code == 0)
        v.code = chainopts_check_length(&file, s, args->rest[0]);
    free(file.bytes);
    print_verdict(s, &q, &v);
    return v.code == 0 ? ARGS_OK : ARGS_FAILED;
}
