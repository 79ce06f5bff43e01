#include "ctl/mine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/json/unpack.h"
#include "common/wire/message.h"
#include "ctl/args.h"
#include "ctl/render.h"
#include "ctl/session.h"

enum { BATCH_BLOCKS = 1000, BATCH_BYTES = MESSAGE_ARGS_LEN - 256, PAYLOAD_OVERHEAD = 5, WORKER_CAP = 41 };

struct mining {
    struct session *s;
    const struct args *args;
    int64_t done, of;
    int64_t duration_ms;
    double hashes;
    json_t *blocks;
};

static const char *payload(const struct mining *m, int64_t i)
{
    return m->args->rest[i % m->args->rest_count];
}

/* Writes the args map for the payloads from m->done on; as many as fit one question. Returns their number. */
static int put_batch(const struct mining *m, struct cursor_out *out)
{
    size_t bytes = 0;
    int n = 0;
    while (m->done + n < m->of && n < BATCH_BLOCKS) {
        bytes += strlen(payload(m, m->done + n)) + PAYLOAD_OVERHEAD;
        if (n > 0 && bytes > BATCH_BYTES)
            break;
        n++;
    }
    cursor_put_map(out, 1);
    cursor_put_str(out, "data");
    cursor_put_array(out, (uint32_t)n);
    for (int i = 0; i < n; i++)
        cursor_put_bin(out, payload(m, m->done + i), strlen(payload(m, m->done + i)));
    return n;
}

static void show_block(struct mining *m, json_t *block)
{
    char hash[RENDER_CAP], worker[WORKER_CAP];
    const char *hex = json_string_value(json_object_get(block, "hash"));
    const char *name = json_string_value(json_object_get(block, "worker"));
    json_array_append(m->blocks, block);
    m->done++;
    render_hash(hash, sizeof hash, hex ? hex : "");
    snprintf(worker, sizeof worker, "%s", name && *name ? name : "-");
    render_plain(worker);
    if (!m->s->json)
        fprintf(m->s->err, "block %lld  %s  worker %s  [%lld/%lld]\n",
                (long long)json_integer_value(json_object_get(block, "height")), hash, worker, (long long)m->done,
                (long long)m->of);
}

static int ask_batch(struct mining *m, int *n)
{
    uint8_t *buf = malloc(MESSAGE_ARGS_LEN);
    CHECK(buf != NULL);
    struct cursor_out out = cursor_out_over(buf, MESSAGE_ARGS_LEN);
    *n = put_batch(m, &out);
    int err = out.err ? out.err : session_ask(m->s, "mine", cursor_out_view(&out));
    free(buf);
    return err;
}

/* What one reply says of the whole question, added up; a sum that cannot be right stays where it is. */
static void add_costs(struct mining *m, const json_t *result)
{
    int64_t ms = render_whole(json_object_get(result, "duration_ms")), sum;
    double hashes = m->hashes + json_number_value(json_object_get(result, "hashes"));
    if (ms > 0 && !__builtin_add_overflow(m->duration_ms, ms, &sum))
        m->duration_ms = sum;
    if (isfinite(hashes))
        m->hashes = hashes;
}

static int mine_batch(struct mining *m)
{
    int n;
    bool more = true;
    int64_t before = m->done;
    TRY(ask_batch(m, &n));
    while (more) {
        AUTO(unpack_free) json_t *result = NULL;
        TRY(session_next_tree(m->s, &result, &more, true));
        json_t *block = json_object_get(result, "block");
        if (json_is_object(block) && m->done - before == n) {
            session_fail(m->s, ERR_RANGE, "the coordinator answers with more than %d blocks", n);
            return ERR_RANGE;
        }
        if (json_is_object(block))
            show_block(m, block);
        add_costs(m, result);
    }
    if (m->done - before == n)
        return 0;
    session_fail(m->s, ERR_STATE, "the coordinator ended after %lld of %d blocks", (long long)(m->done - before), n);
    return ERR_STATE;
}

static void print_result(struct mining *m)
{
    static const struct render_column columns[] = {
        {.title = "HEIGHT", .key = "height", .kind = RENDER_COUNT},
        {.title = "HASH", .key = "hash"},
        {.title = "WORKER", .key = "worker", .stretch = true},
    };
    if (m->s->json) {
        json_t *result = json_pack("{s:O, s:I, s:I, s:I, s:f}", "blocks", m->blocks, "done", (json_int_t)m->done, "of",
                                   (json_int_t)m->of, "duration_ms", (json_int_t)m->duration_ms, "hashes", m->hashes);
        render_json(m->s->out, result);
        json_decref(result);
        return;
    }
    render_table(m->s->out, m->s->color, columns, ARRAY_LEN(columns), m->blocks);
    char age[RENDER_CAP], rate[RENDER_CAP] = "";
    render_age(age, sizeof age, m->duration_ms);
    if (m->hashes > 0 && m->duration_ms > 0) /* the workers' reports come once a second */
        render_rate(rate, sizeof rate, m->hashes * 1000 / (double)m->duration_ms);
    fprintf(m->s->err, "%lld block%s in %s%s%s\n", (long long)m->done, m->done == 1 ? "" : "s", age,
            rate[0] ? ", " : "", rate);
}

static int check_payloads(struct session *s, const struct args *args)
{
    int64_t count = args->count < 0 ? 1 : args->count;
    for (int i = 0; i < args->rest_count; i++) {
        size_t len = strlen(args->rest[i]);
        if (len == 0 || len > MINE_PAYLOAD_MAX)
            return session_usage(s, "DATA number %d is %zu bytes long, 1 to %d are wanted", i + 1, len,
                                 MINE_PAYLOAD_MAX);
    }
    if (count < 1 || count > MINE_BLOCKS_MAX / args->rest_count)
        return session_usage(s, "--count: %lld times %d DATA are more than %d blocks", (long long)count,
                             args->rest_count, MINE_BLOCKS_MAX);
    return 0;
}

int mine_run(struct session *s, const struct args *args)
{
    int status = check_payloads(s, args), err = 0;
    if (status)
        return status;
    int64_t count = args->count < 0 ? 1 : args->count;
    struct mining m = {.s = s, .args = args, .of = count * args->rest_count, .blocks = json_array()};
    while (err >= 0 && m.done < m.of)
        err = mine_batch(&m);
    if (err >= 0 || m.done > 0)
        print_result(&m);
    json_decref(m.blocks);
    return err >= 0 ? ARGS_OK : m.done > 0 ? ARGS_PARTIAL : session_status(err);
}
