#include "ctl/chainverify.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/chain/pow.h"
#include "common/chain/target.h"
#include "common/chain/tree.h"
#include "ctl/chainopts.h"

struct verdict {
    uint64_t first_height;
    size_t headers; /* good ones */
    int code;       /* of the first that is not, or 0 */
    uint8_t tip[HEADER_HASH_LEN];
    struct u256 work;
};

/* The first header stands for all that comes before it: it is the genesis, or it is trusted. */
static int start(const struct chainopts *opts, const struct header *header, struct verdict *v, struct tree **tree)
{
    bool trusted = opts->from_height > 0;
    uint8_t hash[HEADER_HASH_LEN];
    header_hash(hash, header);
    if (!trusted && memcmp(hash, opts->network.genesis_hash, sizeof hash) != 0)
        return ERR_GENESIS;
    TRY(pow_check(hash, header->bits, &opts->network.limit));
    struct tree_config config = {.network = &opts->network};
    if (trusted) {
        config.start = header;
        config.start_height = opts->from_height;
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

static void verify(const struct chainopts *opts, const struct chainopts_file *file, struct verdict *v)
{
    AUTO(tree_free) struct tree *tree = NULL;
    for (size_t at = 0; at + HEADER_LEN <= file->len && v->code == 0; at += HEADER_LEN) {
        struct header header;
        header_parse(&header, file->bytes + at);
        v->code = at == 0 ? start(opts, &header, v, &tree) : extend(tree, &header, v);
        v->code = v->code > 0 ? 0 : v->code;
    }
    if (tree)
        v->work = tree_tip(tree)->work;
}

static void print_verdict(const struct verdict *v)
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
    json_dumpf(o, stdout, 0);
    putchar('\n');
    json_decref(o);
}

int chainverify_main(int argc, char **argv)
{
    struct chainopts opts;
    struct chainopts_file file;
    int status = chainopts_parse(&opts, argc, argv, true);
    if (status != CHAINOPTS_OK)
        return status == CHAINOPTS_HELP ? 0 : status;
    if (chainopts_load(&file, opts.files[0]) < 0)
        return 1;
    struct verdict v = {.first_height = opts.from_height};
    verify(&opts, &file, &v);
    if (v.code == 0)
        v.code = chainopts_check_length(&file, opts.files[0]);
    free(file.bytes);
    print_verdict(&v);
    if (fflush(stdout) != 0) {
        fprintf(stderr, "lodectl: standard output: %s\n", err_text(-errno));
        return 1;
    }
    return v.code == 0 ? 0 : 1;
}
