#include "ctl/chainreplay.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/chain/tree.h"
#include "ctl/chainopts.h"

struct replay {
    struct tree *tree;
    bool genesis_seen; /* the tree has it from the start: its first appearance is told as connected */
};

static json_t *hash_text(const uint8_t hash[HEADER_HASH_LEN])
{
    char text[2 * HEADER_HASH_LEN + 1];
    bytes_to_hex_reversed(text, hash, HEADER_HASH_LEN);
    return json_string(text);
}

static void print_line(json_t *o)
{
    json_dumpf(o, stdout, 0);
    putchar('\n');
    json_decref(o);
}

static void print_event(const struct tree_event *e)
{
    static const char *const names[] = {
        [TREE_CONNECTED] = "connected", [TREE_SIDE] = "side",       [TREE_REORG] = "reorg",
        [TREE_ORPHAN] = "orphan",       [TREE_REFUSED] = "refused", [TREE_UNCHANGED] = "unchanged",
    };
    json_t *o = json_pack("{s:s, s:o}", "event", names[e->kind], "hash", hash_text(e->hash));
    if (e->node)
        json_object_set_new(o, "height", json_integer((json_int_t)e->height));
    if (e->kind == TREE_REORG) {
        json_object_set_new(o, "depth", json_integer((json_int_t)e->depth));
        json_object_set_new(o, "old_tip", hash_text(e->old_tip->hash));
        json_object_set_new(o, "new_tip", hash_text(e->new_tip->hash));
    }
    if (e->evicted)
        json_object_set_new(o, "evicted", hash_text(e->evicted_hash));
    if (e->kind == TREE_REFUSED)
        json_object_set_new(o, "code", json_string(err_code(e->code)));
    print_line(o);
}

static void feed(struct replay *self, const struct header *header)
{
    struct tree_event event;
    (void)!tree_insert(self->tree, header, NETWORK_NO_CLOCK, &event);
    const struct tree_node *genesis = tree_start(self->tree);
    if (!self->genesis_seen && memcmp(event.hash, genesis->hash, HEADER_HASH_LEN) == 0) {
        self->genesis_seen = true;
        event.kind = TREE_CONNECTED;
        event.node = genesis;
    }
    print_event(&event);
    while (tree_adopt(self->tree, NETWORK_NO_CLOCK, NULL, &event))
        print_event(&event);
}

static void print_summary(const struct tree *tree)
{
    char work[U256_HEX_SIZE];
    const struct tree_node *tip = tree_tip(tree);
    u256_to_hex(work, &tip->work);
    print_line(
        json_pack("{s:o, s:I, s:s}", "tip", hash_text(tip->hash), "height", (json_int_t)tip->height, "work", work));
}

/* All files are read and measured before the first event is printed: a wrong one leaves nothing half-told. */
static int load_all(const struct chainopts *opts, struct chainopts_file *files)
{
    for (int i = 0; i < opts->file_count; i++) {
        TRY(chainopts_load(&files[i], opts->files[i]));
        TRY(chainopts_check_length(&files[i], opts->files[i]));
    }
    return 0;
}

static void replay_all(const struct chainopts *opts, const struct chainopts_file *files)
{
    struct tree_config config = {.network = &opts->network};
    struct replay self = {.tree = tree_new(&config)};
    for (int i = 0; i < opts->file_count; i++) {
        for (size_t at = 0; at < files[i].len; at += HEADER_LEN) {
            struct header header;
            header_parse(&header, files[i].bytes + at);
            feed(&self, &header);
        }
    }
    print_summary(self.tree);
    tree_free(&self.tree);
}

int chainreplay_main(int argc, char **argv)
{
    struct chainopts opts;
    struct chainopts_file files[CHAINOPTS_FILES_MAX] = {{0}};
    int status = chainopts_parse(&opts, argc, argv, false);
    if (status != CHAINOPTS_OK)
        return status == CHAINOPTS_HELP ? 0 : status;
    int err = load_all(&opts, files);
    if (err == 0)
        replay_all(&opts, files);
    for (int i = 0; i < opts.file_count; i++)
        free(files[i].bytes);
    if (fflush(stdout) != 0) {
        fprintf(stderr, "lodectl: standard output: %s\n", err_text(-errno));
        return 1;
    }
    return err < 0 ? 1 : 0;
}
