#include "cellar.h"

#include <signal.h>
#include <sys/wait.h>

#include <sqlite3.h>

struct loaded {
    uint32_t count;
    uint64_t last_height;
    uint8_t hashes[3000][32];
};

static int note(void *ctx, const struct core_block *b)
{
    struct loaded *l = ctx;
    cr_assert_lt(l->count, ARRAY_LEN(l->hashes));
    memcpy(l->hashes[l->count++], b->hash, 32);
    l->last_height = b->height;
    return 0;
}

static void load(struct store *s, struct loaded *out)
{
    memset(out, 0, sizeof *out);
    cr_assert_eq(store_load(s, note, out), 0);
}

static void append(struct store *s, uint32_t i)
{
    struct core_block b = cellar_block(i);
    cr_assert_eq(store_append(s, &b), 0, "%s", store_why(s));
}

Test(store, blocks_come_back_whole_and_in_arrival_order)
{
    struct cellar *c = cellar_new();
    struct store *s = cellar_open(c);
    cr_assert(c->facts.created);
    for (uint32_t i = 1; i <= 20; i++)
        append(s, i);
    struct core_block side = cellar_block(3);
    side.hash[31] = 1; /* a sibling of the third, which came last */
    cr_assert_eq(store_append(s, &side), 0);
    store_close(&s);
    s = cellar_open(c);
    cr_assert_not(c->facts.created);
    cr_assert_eq(store_count(s), 21);
    struct loaded *l = malloc(sizeof *l);
    load(s, l);
    cr_assert_eq(l->count, 21);
    cr_assert_arr_eq(l->hashes[20], side.hash, 32);
    cr_assert_arr_eq(l->hashes[0], cellar_block(1).hash, 32);
    free(l);
    store_close(&s);
    cellar_free(c);
}

Test(store, a_block_is_read_back_by_its_hash)
{
    struct cellar *c = cellar_new();
    struct store *s = cellar_open(c);
    for (uint32_t i = 1; i <= 9; i++)
        append(s, i);
    struct core_block wanted = cellar_block(7), got;
    uint8_t *body = NULL;
    cr_assert_eq(store_read(s, wanted.hash, &got, &body), 0);
    cr_assert_eq(got.height, 7);
    cr_assert_eq(got.arrival_ms, 1007);
    cr_assert_str_eq(got.worker, "w1");
    cr_assert_arr_eq(got.header, wanted.header, 80);
    cr_assert_arr_eq(got.prev, wanted.prev, 32);
    cr_assert_eq(got.body_len, wanted.body_len);
    cr_assert_arr_eq(body, wanted.body, wanted.body_len);
    free(body);
    wanted.hash[9] ^= 1;
    cr_assert_eq(store_read(s, wanted.hash, &got, &body), ERR_NOT_FOUND);
    store_close(&s);
    cellar_free(c);
}

Test(store, a_block_is_stored_once_and_after_its_parent)
{
    struct cellar *c = cellar_new();
    struct store *s = cellar_open(c);
    struct core_block second = cellar_block(2);
    cr_assert_eq(store_append(s, &second), ERR_ORPHAN); /* C2 */
    append(s, 1);
    cr_assert_eq(store_append(s, &second), 0);
    cr_assert_eq(store_append(s, &second), ERR_DUPLICATE);
    cr_assert_eq(store_count(s), 2);
    append(s, 3); /* neither refusal was final */
    store_close(&s);
    cellar_free(c);
}

Test(store, epochs_rise_and_the_cluster_stays)
{
    struct cellar *c = cellar_new();
    for (uint64_t epoch = 1; epoch <= 5; epoch++) {
        struct store *s = cellar_open(c);
        cr_assert_eq(c->facts.epoch, epoch); /* J4 */
        cr_assert_eq(c->facts.cluster[0], 7);
        store_close(&s);
    }
    cellar_free(c);
}

Test(store, the_mark_is_kept_and_only_rises)
{
    struct cellar *c = cellar_new();
    struct store *s = cellar_open(c);
    cr_assert_eq(c->facts.mark, 0);
    cr_assert_eq(store_reserve(s, UINT64_C(1) << 48), 0);
    cr_assert_eq(store_reserve(s, 5), ERR_RANGE);
    cr_assert_eq(store_reserve(s, UINT64_MAX), 0); /* beyond what SQLite's own integers hold */
    store_close(&s);
    s = cellar_open(c);
    cr_assert_eq(c->facts.mark, UINT64_MAX);
    store_close(&s);
    cellar_free(c);
}

Test(store, one_directory_is_for_one_process)
{
    struct cellar *c = cellar_new();
    struct store *s = cellar_open(c), *other = NULL;
    cr_assert_eq(cellar_try(c, &other), ERR_LOCKED);
    cr_assert_null(other);
    cr_assert_not_null(strstr(c->facts.why, "another process"));
    store_close(&s);
    s = cellar_open(c);
    cr_assert_eq(c->facts.epoch, 2); /* the refused start took none */
    store_close(&s);
    cellar_free(c);
}

Test(store, another_network_or_rule_is_refused_and_nothing_changes)
{
    struct cellar *c = cellar_new();
    struct store_config config = cellar_config(c);
    config.network = network_find("lode");
    config.spacing_s = 20;
    struct store *s = NULL;
    cr_assert_eq(store_open(&s, &config, &c->facts), 0);
    cr_assert_eq(c->facts.network.spacing_s, 20);
    store_close(&s);
    cr_assert_eq(cellar_try(c, &s), ERR_NETWORK); /* regtest */
    cr_assert_not_null(strstr(c->facts.why, "lode-regtest"));
    config.spacing_s = 30;
    cr_assert_eq(store_open(&s, &config, &c->facts), ERR_NETWORK);
    cr_assert_not_null(strstr(c->facts.why, "spacing"));
    config.spacing_s = 0;
    config.half_life_s = 1;
    cr_assert_eq(store_open(&s, &config, &c->facts), ERR_NETWORK);
    cr_assert_not_null(strstr(c->facts.why, "half-life"));
    config.half_life_s = 0;
    cr_assert_eq(store_open(&s, &config, &c->facts), 0); /* as it is */
    cr_assert_eq(c->facts.network.spacing_s, 20);
    cr_assert_eq(c->facts.epoch, 2);
    store_close(&s);
    cellar_free(c);
}

static void run_sql(struct cellar *c, const char *sql)
{
    char path[128];
    cellar_path(c, path, "lode.db");
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

Test(store, an_early_end_between_schema_and_meta_is_made_good)
{
    struct cellar *c = cellar_new();
    struct store *s = cellar_open(c);
    store_close(&s);
    run_sql(c, "DELETE FROM meta");
    s = cellar_open(c);
    cr_assert(c->facts.created);
    store_close(&s);
    cellar_free(c);
}

Test(store, a_later_schema_is_refused_and_takes_no_epoch)
{
    struct cellar *c = cellar_new();
    struct store *s = cellar_open(c);
    store_close(&s);
    run_sql(c, "PRAGMA user_version=99");
    cr_assert_eq(cellar_try(c, &s), ERR_SCHEMA);
    run_sql(c, "PRAGMA user_version=1");
    s = cellar_open(c);
    cr_assert_eq(c->facts.epoch, 2);
    store_close(&s);
    cellar_free(c);
}

/* Overwrites count bytes at offset. */
static void damage(const char *path, long offset, size_t count)
{
    FILE *f = fopen(path, "r+b");
    cr_assert_not_null(f);
    cr_assert_eq(fseek(f, offset, SEEK_SET), 0);
    for (size_t i = 0; i < count; i++)
        cr_assert_neq(fputc(0x5a, f), EOF);
    cr_assert_eq(fclose(f), 0);
}

Test(store, a_damaged_file_is_refused_clearly)
{
    struct cellar *c = cellar_new();
    struct store *s = cellar_open(c);
    for (uint32_t i = 1; i <= 300; i++)
        append(s, i);
    store_close(&s);
    char path[128];
    cellar_path(c, path, "lode.db");
    damage(path, 8192, 4096); /* a whole page, its header included */
    cr_assert_eq(cellar_try(c, &s), ERR_CORRUPT);
    cr_assert_null(s);
    cr_assert_neq(c->facts.why[0], 0);
    damage(path, 0, 16); /* the magic */
    cr_assert_eq(cellar_try(c, &s), ERR_CORRUPT);
    cr_assert_eq(truncate(path, 5000), 0);
    cr_assert_eq(cellar_try(c, &s), ERR_CORRUPT);
    cellar_free(c);
}

struct fault {
    int at, calls; /* the at-th step fails */
};

static int strike(void *ctx, const char *step)
{
    struct fault *f = ctx;
    (void)step;
    return ++f->calls == f->at ? -EIO : 0;
}

/* What the run with a fault was told is durable. */
struct told {
    uint32_t stored;
    uint64_t mark;
};

static void use(struct store *s, struct told *told)
{
    bool failed = store_keep_job(s, 1, (const uint8_t *)"", 1) < 0;
    for (uint32_t i = 1; i <= 3; i++) {
        struct core_block b = cellar_block(i);
        int err = store_append(s, &b);
        cr_assert(err == 0 || err == ERR_STORE);
        cr_assert_not(failed && err == 0, "believed after a failure"); /* F2 */
        failed |= err < 0;
        told->stored += err == 0;
    }
    int err = store_reserve(s, 1000);
    cr_assert_not(failed && err == 0);
    if (err == 0)
        told->mark = 1000;
    else
        cr_assert_neq(store_why(s)[0], 0);
}

/* Opens, appends three blocks and moves the mark, with the n-th step failing. False when no step failed. */
static bool one_fault(int n)
{
    struct cellar *c = cellar_new();
    struct fault fault = {.at = n};
    struct store_config config = cellar_config(c);
    config.hook = (struct store_hook){strike, &fault};
    struct store *s = NULL;
    struct told told = {0};
    if (store_open(&s, &config, &c->facts) == 0)
        use(s, &told);
    store_close(&s);
    bool struck = fault.calls >= n;
    s = cellar_open(c);
    struct loaded *l = malloc(sizeof *l);
    load(s, l);
    cr_assert_eq(l->count, told.stored, "step %d", n);
    cr_assert_eq(c->facts.mark, told.mark, "step %d", n);
    free(l);
    store_close(&s);
    cellar_free(c);
    return struck;
}

Test(store, whichever_step_fails_nothing_confirmed_is_lost_and_nothing_else_believed, .timeout = 120)
{
    int n = 1;
    while (one_fault(n))
        n++;
    cr_assert_gt(n, 15);
}

/* Appends blocks from `from` on and says each number once it is durable. Never returns. */
static void append_for_ever(struct cellar *c, uint32_t from, int fd)
{
    struct store *s = NULL;
    if (cellar_try(c, &s) != 0)
        _exit(3);
    for (uint32_t i = from;; i++) {
        struct core_block b = cellar_block(i);
        if (store_append(s, &b) != 0)
            _exit(4);
        if (write(fd, &i, sizeof i) != (ssize_t)sizeof i)
            _exit(5);
    }
}

/* Kills the child with SIGKILL after so many confirmations; the last number it confirmed. */
static uint32_t run_and_kill(struct cellar *c, uint32_t from, uint32_t after)
{
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        close(fds[0]);
        append_for_ever(c, from, fds[1]);
    }
    close(fds[1]);
    uint32_t last = from - 1, got;
    for (uint32_t i = 0; i < after && read(fds[0], &got, sizeof got) == (ssize_t)sizeof got; i++)
        last = got;
    kill(child, SIGKILL);
    while (read(fds[0], &got, sizeof got) == (ssize_t)sizeof got)
        last = got; /* said before it died */
    close(fds[0]);
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status), "it ended by itself with %d", WEXITSTATUS(status));
    return last;
}

Test(store, after_kill_9_every_confirmed_block_is_there, .timeout = 240)
{
    struct cellar *c = cellar_new();
    uint32_t next = 1;
    uint64_t epoch = 0;
    struct loaded *l = malloc(sizeof *l);
    for (uint32_t round = 0; round < 50; round++) {
        uint32_t last = run_and_kill(c, next, 1 + round % 7);
        struct store *s = cellar_open(c);
        load(s, l);
        cr_assert_geq(l->count, last, "an acknowledged block is gone"); /* J3 */
        for (uint32_t i = 0; i < l->count; i++)
            cr_assert_arr_eq(l->hashes[i], cellar_block(i + 1).hash, 32);
        cr_assert_gt(c->facts.epoch, epoch); /* J4 */
        epoch = c->facts.epoch;
        next = l->count + 1;
        store_close(&s);
    }
    free(l);
    cellar_free(c);
}

static int refuse(void *ctx, const struct core_block *b)
{
    (void)b;
    ++*(int *)ctx;
    return ERR_CORRUPT;
}

Test(store, a_load_stops_where_its_reader_says_so)
{
    struct cellar *c = cellar_new();
    struct store *s = cellar_open(c);
    append(s, 1);
    append(s, 2);
    int calls = 0;
    cr_assert_eq(store_load(s, refuse, &calls), ERR_CORRUPT);
    cr_assert_eq(calls, 1);
    struct loaded *l = malloc(sizeof *l);
    load(s, l); /* and begins anew the next time */
    cr_assert_eq(l->count, 2);
    free(l);
    store_close(&s);
    cellar_free(c);
}

struct kept {
    uint64_t ids[200];
    size_t count, bytes;
};

static int note_job(void *ctx, uint64_t id, const uint8_t *record, size_t len)
{
    struct kept *k = ctx;
    k->ids[k->count++] = id;
    k->bytes += len;
    cr_assert_eq(record[0], (uint8_t)id);
    return 0;
}

Test(store, the_newest_jobs_are_kept_in_order)
{
    struct cellar *c = cellar_new();
    struct store *s = cellar_open(c);
    for (uint64_t id = 1; id <= 100; id++) {
        uint8_t record[3] = {(uint8_t)id};
        cr_assert_eq(store_keep_job(s, (UINT64_C(1) << 40) + id, record, sizeof record), 0);
    }
    append(s, 1); /* and the store is as strict as before */
    store_close(&s);
    s = cellar_open(c);
    struct kept k = {0};
    cr_assert_eq(store_load_jobs(s, note_job, &k), 0);
    cr_assert_eq(k.count, STORE_JOBS);
    cr_assert_eq(k.bytes, 3 * STORE_JOBS);
    cr_assert_eq(k.ids[0], (UINT64_C(1) << 40) + 100 - STORE_JOBS + 1);
    cr_assert_eq(k.ids[STORE_JOBS - 1], (UINT64_C(1) << 40) + 100);
    store_close(&s);
    cellar_free(c);
}
