#include "ctl/chainreplay.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/chain/tree.h"
#include "ctl/args.h"
#include "ctl/chainopts.h"
#include "ctl/session.h"

struct replay {
    struct session *s;
    struct tree *tree;
    bool genesis_seen; /* the tree has it from the start: its first appearance is told as connected */
};

static json_t *hash_text(const uint8_t hash[HEADER_HASH_LEN])
{
    char text[2 * HEADER_HASH_LEN + 1];
    bytes_to_hex_reversed(text, hash, HEADER_HASH_LEN);
    return json_string(text);
}

static void print_line(struct session *s, json_t *o)
{
    json_dumpf(o, s->out, 0);
    fputc('\n', s->out);
    json_decref(o);
}

static void print_event(struct session *s, const struct tree_event *e)
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
    print_line(s, o);
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
    print_event(self->s, &event);
    while (tree_adopt(self->tree, NETWORK_NO_CLOCK, NULL, &event))
        print_event(self->s, &event);
}

static void print_summary(struct session *s, const struct tree *tree)
{
    char work[U256_HEX_SIZE];
    const struct tree_node *tip = tree_tip(tree);
    u256_to_hex(work, &tip->work);
    print_line(
        s, json_pack("{s:o, s:I, s:s}", "tip", hash_text(tip->hash), "height", (json_int_t)tip->height, "work", work));
}

/* All files are read and measured before the first event is printed: a wrong one leaves nothing half-told. */
static int load_all(struct session *s, const struct args *args, struct chainopts_file *files)
{
    size_t left = CHAINOPTS_BYTES_MAX;
    for (int i = 0; i < args->rest_count; i++) {
        TRY(chainopts_load(&files[i], s, args->rest[i], left));
        TRY(chainopts_check_length(&files[i], s, args->rest[i]));
        left -= files[i].len;
    }
    return 0;
}

static void replay_all(struct session *s, const struct network *network, const struct chainopts_file *files, int count)
{
    struct tree_config config = {.network = network};
    struct replay self = {.s = s, .tree = tree_new(&config)};
    for (int i = 0; i < count; i++) {
        for (size_t at = 0; at < files[i].len; at += HEADER_LEN) {
            struct header header;
            header_parse(&header, files[i].bytes + at);
            feed(&self, &header);
        }
    }
    print_summary(s, self.tree);
    tree_free(&self.tree);
}

int chainreplay_run(struct session *s, const struct args *args)
{
    struct network network;
    struct chainopts_file files[CHAINOPTS_FILES_MAX] = {{0}};
    int status = chainopts_network(&network, s, args);
    if (status != ARGS_OK)
        return status;
    if (args->rest_count > CHAINOPTS_FILES_MAX)
        return session_usage(s, "FILE: %d files are more than %d", args->rest_count, CHAINOPTS_FILES_MAX);
    int err = load_all(s, args, files);
    if (err == 0)
        replay_all(s, &network, files, args->rest_count);
    for (int i = 0; i < args->rest_count; i++)
        free(files[i].bytes);
    return session_status(err);
}
