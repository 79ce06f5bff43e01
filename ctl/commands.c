#include "ctl/commands.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/err.h"
#include "common/json/unpack.h"
#include "common/net/keys.h"
#include "ctl/chainexport.h"
#include "ctl/chainreplay.h"
#include "ctl/chainverify.h"
#include "ctl/mine.h"
#include "ctl/render.h"

static const struct cursor_view no_args = {0};
enum { METRIC_CAP = 257, REASON_CAP = 512, KEY_NAME_MAX = 64 };

static long long number(const json_t *row, const char *key)
{
    return render_whole(json_object_get(row, key));
}

static const char *text(const json_t *row, const char *key)
{
    const char *value = json_string_value(json_object_get(row, key));
    return value ? value : "-";
}

/* --- status --- */

/* As "chain verify" takes them. */
static void fill_network(struct render_pair *p, const json_t *st)
{
    int n = snprintf(p->value, sizeof p->value, "%.100s", text(st, "network"));
    if (number(st, "half_life_s") > 0)
        snprintf(p->value + n, sizeof p->value - (size_t)n, "  (spacing %llds, half-life %llds)",
                 number(st, "spacing_s"), number(st, "half_life_s"));
}

static void fill_chain(struct render_pair *p, const json_t *st)
{
    char a[RENDER_CAP], b[RENDER_CAP];
    render_count(a, sizeof a, number(st, "height"));
    render_hash(b, sizeof b, text(st, "tip"));
    snprintf(p[0].value, sizeof p[0].value, "%s  %s", a, b);
    snprintf(p[1].value, sizeof p[1].value, "%.6g  (bits %08llx)", json_number_value(json_object_get(st, "difficulty")),
             (unsigned long long)number(st, "bits"));
    snprintf(p[2].value, sizeof p[2].value, "%lld found here, %lld side, %lld orphans, %lld reorgs",
             number(st, "blocks"), number(st, "side_blocks"), number(st, "orphans"), number(st, "reorgs"));
}

static void fill_work(struct render_pair *p, const json_t *st)
{
    char a[RENDER_CAP], b[RENDER_CAP];
    render_rate(a, sizeof a, json_number_value(json_object_get(st, "hashrate")));
    snprintf(p[0].value, sizeof p[0].value, "%lld, %s together", number(st, "workers"), a);
    snprintf(p[1].value, sizeof p[1].value, "%lld, %lld stale, %lld rejected", number(st, "shares"),
             number(st, "shares_stale"), number(st, "shares_rejected"));
    render_count(a, sizeof a, number(st, "counter_next"));
    render_count(b, sizeof b, number(st, "counter_reserved"));
    snprintf(p[2].value, sizeof p[2].value, "%lld live, counter at %s of %s reserved", number(st, "leases"), a, b);
    snprintf(p[3].value, sizeof p[3].value, "%lld waiting", number(st, "pending"));
}

static void print_status(struct session *s, const json_t *st)
{
    struct render_pair pairs[] = {
        {.title = "coordinator"}, {.title = "network"}, {.title = "height"}, {.title = "difficulty"},
        {.title = "blocks"},      {.title = "workers"}, {.title = "shares"}, {.title = "leases"},
        {.title = "payloads"},    {.title = "epoch"},   {.title = "http"},   {.title = "data"},
    };
    char up[RENDER_CAP];
    render_age(up, sizeof up, number(st, "uptime_ms"));
    snprintf(pairs[0].value, sizeof pairs[0].value, "%s, up %s", text(st, "version"), up);
    fill_network(pairs + 1, st);
    fill_chain(pairs + 2, st);
    fill_work(pairs + 5, st);
    snprintf(pairs[9].value, sizeof pairs[9].value, "%lld", number(st, "epoch"));
    snprintf(pairs[10].value, sizeof pairs[10].value, "%s", text(st, "http"));
    snprintf(pairs[11].value, sizeof pairs[11].value, "%s", text(st, "data_dir"));
    render_pairs(s->out, pairs, ARRAY_LEN(pairs));
}

static int run_status(struct session *s, const struct args *args)
{
    (void)args;
    AUTO(unpack_free) json_t *result = NULL;
    int err = session_get(s, &result, "status", no_args);
    if (err < 0)
        return session_status(err);
    if (s->json)
        render_json(s->out, result);
    else
        print_status(s, result);
    return ARGS_OK;
}

/* --- workers --- */

static enum render_color state_color(const char *cell)
{
    static const struct {
        const char *state;
        enum render_color color;
    } table[] = {{"live", RENDER_GREEN},     {"mining", RENDER_GREEN}, {"idle", RENDER_YELLOW},
                 {"suspect", RENDER_YELLOW}, {"dead", RENDER_RED},     {"gone", RENDER_RED}};
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (strcmp(cell, table[i].state) == 0)
            return table[i].color;
    return RENDER_PLAIN;
}

static const struct render_column worker_columns[] = {
    {.title = "NAME", .key = "name", .stretch = true},
    {.title = "STATE", .key = "state", .color = state_color},
    {.title = "KERNEL", .key = "kernel"},
    {.title = "LANES", .key = "lanes", .kind = RENDER_COUNT},
    {.title = "HASHRATE", .key = "hashrate", .kind = RENDER_RATE},
    {.title = "SHARES", .key = "shares", .kind = RENDER_COUNT},
    {.title = "STALE", .key = "stale", .kind = RENDER_COUNT},
    {.title = "BAD", .key = "rejected", .kind = RENDER_COUNT},
    {.title = "BLOCKS", .key = "blocks", .kind = RENDER_COUNT},
    {.title = "LEASES", .key = "leases", .kind = RENDER_COUNT},
    {.title = "SEEN", .key = "last_seen_ms", .kind = RENDER_AGE},
};

static int run_workers(struct session *s, const struct args *args)
{
    (void)args;
    AUTO(unpack_free) json_t *result = NULL;
    int err = session_get_list(s, &result, "workers", "workers");
    if (err < 0)
        return session_status(err);
    if (s->json)
        render_json(s->out, result);
    else
        render_table(s->out, s->color, worker_columns, ARRAY_LEN(worker_columns), json_object_get(result, "workers"));
    return ARGS_OK;
}

/* --- blocks --- */

static void cell_data(char *out, size_t cap, const json_t *row)
{
    const json_t *data = json_object_get(row, "data");
    const char *first = json_string_value(json_array_get(data, 0));
    size_t more = json_array_size(data) > 1 ? json_array_size(data) - 1 : 0;
    if (more)
        snprintf(out, cap, "%.200s (+%zu)", first ? first : "", more);
    else
        snprintf(out, cap, "%.400s", first ? first : "");
}

static const struct render_column block_columns[] = {
    {.title = "HEIGHT", .key = "height", .kind = RENDER_COUNT},
    {.title = "HASH", .key = "hash", .kind = RENDER_HASH},
    {.title = "TIME (UTC)", .key = "time", .kind = RENDER_TIME},
    {.title = "NONCE", .key = "nonce", .kind = RENDER_COUNT},
    {.title = "WORKER", .key = "worker"},
    {.title = "DATA", .stretch = true, .cell = cell_data},
};

static int run_blocks(struct session *s, const struct args *args)
{
    AUTO(unpack_free) json_t *result = NULL;
    uint8_t buf[128];
    struct cursor_out out = cursor_out_over(buf, sizeof buf);
    cursor_put_map(&out, (uint32_t)(args->from >= 0) + (uint32_t)(args->limit >= 0) + 1);
    if (args->from >= 0) {
        cursor_put_str(&out, "from");
        cursor_put_u64(&out, (uint64_t)args->from);
    }
    if (args->limit >= 0) {
        cursor_put_str(&out, "limit");
        cursor_put_u64(&out, (uint64_t)args->limit);
    }
    cursor_put_str(&out, "reverse");
    cursor_put_bool(&out, args->reverse);
    int err = session_get(s, &result, "blocks", cursor_out_view(&out));
    if (err < 0)
        return session_status(err);
    const json_t *rows = json_object_get(result, "blocks");
    if (s->json)
        render_json(s->out, result);
    else
        render_table(s->out, s->color, block_columns, ARRAY_LEN(block_columns), rows);
    if (json_array_size(rows) == 0 && args->from > 0)
        return session_fail(s, ERR_NOT_FOUND, "no block at height %lld", (long long)args->from);
    return ARGS_OK;
}

/* --- stats --- */

static int run_stats(struct session *s, const struct args *args)
{
    (void)args;
    AUTO(unpack_free) json_t *result = NULL;
    int err = session_get(s, &result, "stats", no_args);
    if (err < 0)
        return session_status(err);
    if (s->json) {
        render_json(s->out, result);
        return ARGS_OK;
    }
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(result, "metrics"), key, value)
    {
        char name[METRIC_CAP];
        snprintf(name, sizeof name, "%s", key);
        render_plain(name);
        fprintf(s->out, "%-48s %.15g\n", name, json_number_value(value));
    }
    return ARGS_OK;
}

/* --- health, stop --- */

static int run_health(struct session *s, const struct args *args)
{
    (void)args;
    AUTO(unpack_free) json_t *result = NULL;
    int err = session_get(s, &result, "health", no_args);
    if (err < 0)
        return session_status(err);
    bool ok = json_is_true(json_object_get(result, "ok"));
    const char *said = json_string_value(json_object_get(result, "reason"));
    char reason[REASON_CAP];
    snprintf(reason, sizeof reason, "%s", said ? said : "");
    render_plain(reason);
    if (s->json)
        render_json(s->out, result);
    else
        fprintf(s->out, "%s%s%s\n", ok ? "ok" : "not ok", reason[0] ? ": " : "", reason);
    return ok ? ARGS_OK : ARGS_FAILED;
}

static int run_stop(struct session *s, const struct args *args)
{
    (void)args;
    AUTO(unpack_free) json_t *result = NULL;
    int err = session_get(s, &result, "stop", no_args);
    if (err < 0)
        return session_status(err);
    if (s->json) {
        json_object_set_new(result, "stopping", json_true());
        render_json(s->out, result);
    } else
        fprintf(s->out, "stopping\n");
    return ARGS_OK;
}

/* --- keys new --- */

/* A name becomes a part of file names and of logs. */
static bool is_key_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strlen(name);
    return len > 0 && len <= KEY_NAME_MAX && strspn(name, allowed) == len && name[0] != '.' && name[0] != '-';
}

static int run_keys_new(struct session *s, const struct args *args)
{
    char path[4096];
    struct keys keys;
    const char *name = args->rest[0], *dir = args->dir ? args->dir : ".";
    if (!is_key_name(name))
        return session_usage(s, "NAME: expected up to %d letters, digits, '.', '_', '-', not '%.200s'", KEY_NAME_MAX,
                             name);
    if (!*dir || (size_t)snprintf(path, sizeof path, "%s/%s", dir, name) >= sizeof path - 4)
        return session_usage(s, "--dir: is %s", *dir ? "too long" : "empty");
    int err = keys_make(path, &keys);
    if (err < 0)
        return session_fail(s, err, "cannot make %.200s.key and .pub", path);
    if (s->json) {
        json_t *made = json_pack("{s:s, s:s, s:s+, s:s+}", "name", name, "public_key", keys.public_key, "public_file",
                                 path, ".pub", "secret_file", path, ".key");
        render_json(s->out, made);
        json_decref(made);
    } else
        fprintf(s->out, "public key  %s\npublic      %s.pub\nsecret      %s.key (0600, keep it)\n", keys.public_key,
                path, path);
    keys_wipe(&keys);
    return ARGS_OK;
}

/* --- the table --- */

static json_t *describe(const struct command *c)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "name", c->name, "arguments", c->args, "summary", c->summary, "help",
                     c->help);
}

static void print_help(struct session *s, const struct command *command)
{
    if (!s->json) {
        args_help(s->out, commands_table(), command);
        return;
    }
    json_t *tree = command ? describe(command) : json_pack("{s:[]}", "commands");
    for (const struct command *c = commands_table(); c->name && !command; c++)
        json_array_append_new(json_object_get(tree, "commands"), describe(c));
    render_json(s->out, tree);
    json_decref(tree);
}

static int run_help(struct session *s, const struct args *args)
{
    char name[64];
    if (args->rest_count == 0) {
        print_help(s, NULL);
        return ARGS_OK;
    }
    snprintf(name, sizeof name, "%s%s%s", args->rest[0], args->rest_count > 1 ? " " : "",
             args->rest_count > 1 ? args->rest[1] : "");
    const struct command *c = commands_table();
    while (c->name && strcmp(c->name, name) != 0)
        c++;
    if (!c->name)
        return session_usage(s, "help: there is no command '%s', see lodectl help", name);
    print_help(s, c);
    return ARGS_OK;
}

#define CHAIN_OPTIONS                                                                                                  \
    "Options:\n  --network NAME     lode, lode-regtest, bitcoin-mainnet, -testnet3, -testnet4, -signet\n"              \
    "  --spacing D        those of a lode network, as lodectl status and chain export show them:\n"                    \
    "  --half-life D      whole seconds such as 2s, 1m (10s and 10m, if the coordinator was told none)\n"

static const struct command table[] = {
    {.name = "status",
     .args = "",
     .summary = "chain, workers, shares and leases at a glance",
     .help = "Examples:\n  lodectl status\n  lodectl -o json status | jq .height\n"
             "  LODE_ENDPOINT=ipc://.lode/data/control.sock lodectl status\n",
     .run = run_status},
    {.name = "workers",
     .args = "",
     .summary = "who works, how fast, and when it was last heard",
     .help = "Examples:\n  lodectl workers\n  lodectl -o json workers | jq '.workers[].name'\n"
             "  lodectl --timeout 10s workers\n",
     .run = run_workers},
    {.name = "mine",
     .args = "DATA...",
     .summary = "mine each DATA into a block of its own",
     .help =
         "Options:\n  --count N   each DATA that many times (1)\n\nDATA is 1 to 32768 bytes. --timeout bounds how long "
         "the coordinator may be silent, not how long\nmining takes. Given up with Ctrl-C, what was handed in stays "
         "queued.\n\nExamples:\n  lodectl mine hello\n  lodectl mine --count 3 x\n  lodectl -o json mine a b c | jq "
         "'.blocks[].hash'\n",
     .options = ARGS_COUNT,
     .min = 1,
     .max = -1,
     .run = mine_run},
    {.name = "blocks",
     .args = "",
     .summary = "blocks of the active chain",
     .help =
         "Options:\n  --from H    first height (0; with --reverse the tip)\n  --limit N   at most so many (100; up to "
         "500)\n  --reverse   from high to low\n\nIn JSON, next is the height to go on with, or null.\n\nExamples:\n"
         "  lodectl blocks --reverse --limit 10\n  lodectl blocks --from 1\n  lodectl -o json blocks | jq "
         "'.blocks[0]'\n",
     .options = ARGS_FROM | ARGS_LIMIT | ARGS_REVERSE,
     .run = run_blocks},
    {.name = "chain export",
     .args = "FILE",
     .summary = "the active chain's headers, 80 bytes each; - for standard output",
     .help = "Also says how to verify the file: headers do not tell the network's spacing and half-life.\n\nExamples:\n"
             "  lodectl chain export chain.bin\n  lodectl chain export - | sha256sum\n"
             "  lodectl -o json chain export chain.bin\n",
     .min = 1,
     .max = 1,
     .run = chainexport_run},
    {.name = "chain verify",
     .args = "--network NAME FILE",
     .summary = "judge a file of headers; no coordinator needed",
     .help = "FILE is - for standard input. One JSON object on standard output; status 0 or 1.\n\n" CHAIN_OPTIONS
             "  --from-height H    height of the first header, which is then trusted\n\nExamples:\n"
             "  lodectl chain verify --network lode --spacing 2s --half-life 60s chain.bin\n"
             "  lodectl chain export - | lodectl chain verify --network lode --spacing 2s --half-life 1m -\n"
             "  lodectl chain verify --network lode --spacing 2s --half-life 60s chain.bin | jq .ok\n",
     .options = ARGS_NETWORK | ARGS_FROM_HEIGHT,
     .min = 1,
     .max = 1,
     .offline = true,
     .run = chainverify_run},
    {.name = "chain replay",
     .args = "--network NAME FILE...",
     .summary = "feed headers to the block tree and see what happens",
     .help = "FILE is - for standard input. One JSON event a line.\n\n" CHAIN_OPTIONS "\nExamples:\n"
             "  lodectl chain replay --network lode --spacing 2s --half-life 60s chain.bin\n"
             "  lodectl chain replay --network lode --spacing 2s --half-life 60s chain.bin chain.bin\n"
             "  lodectl chain replay --network lode --spacing 2s --half-life 60s chain.bin | tail -n 1 | jq .tip\n",
     .options = ARGS_NETWORK,
     .min = 1,
     .max = -1,
     .offline = true,
     .run = chainreplay_run},
    {.name = "keys new",
     .args = "NAME",
     .summary = "a new CURVE key pair: NAME.pub and NAME.key",
     .help =
         "Options:\n  --dir D   where to (.)\n\nNothing is ever overwritten.\n\nExamples:\n  lodectl keys new server\n"
         "  lodectl keys new admin --dir .\n  lodectl -o json keys new w1 | jq -r .public_key\n",
     .options = ARGS_DIR,
     .min = 1,
     .max = 1,
     .offline = true,
     .run = run_keys_new},
    {.name = "stats",
     .args = "",
     .summary = "the workers' runtime metrics, summed over the cluster",
     .help = "Counters and gauges of the latest reports, under the names of Go's runtime/metrics where Go has one.\n\n"
             "Examples:\n  lodectl stats\n  lodectl stats | grep /sched/\n"
             "  lodectl -o json stats | jq '.metrics[\"/sched/goroutines:goroutines\"]'\n",
     .run = run_stats},
    {.name = "health",
     .args = "",
     .summary = "status 0 when the coordinator serves, 1 when it says it does not",
     .help = "Examples:\n  lodectl health\n  lodectl --timeout 1s health || echo down\n  lodectl -o json health\n",
     .run = run_health},
    {.name = "stop",
     .args = "",
     .summary = "end the coordinator cleanly, as SIGTERM does",
     .help = "Examples:\n  lodectl stop\n  lodectl --endpoint ipc://.lode/data/control.sock stop\n"
             "  lodectl -o json stop\n",
     .run = run_stop},
    {.name = "help",
     .args = "[COMMAND]",
     .summary = "this, or a command's own help with examples",
     .help = "Examples:\n  lodectl help\n  lodectl help mine\n  lodectl help chain export\n",
     .max = 2,
     .offline = true,
     .run = run_help},
    {.name = NULL},
};

const struct command *commands_table(void)
{
    return table;
}

static int run_version(struct session *s)
{
    if (s->json)
        fprintf(s->out, "{\"program\": \"lodectl\", \"version\": \"%s\"}\n", LODE_VERSION);
    else
        fprintf(s->out, "lodectl %s\n", LODE_VERSION);
    return ARGS_OK;
}

int commands_run(struct session *s, const struct args *args)
{
    if (args->version)
        return run_version(s);
    if (args->help) {
        print_help(s, args->command);
        return ARGS_OK;
    }
    if (!args->command)
        return session_usage(s, "which command? see lodectl help");
    char why[300];
    if (!args->command->offline && client_check(s->endpoint, why, sizeof why) < 0)
        return session_usage(s, "%s: %s", s->endpoint_from, why);
    return args->command->run(s, args);
}
