#include "coordinator/store/store.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/base/err.h"
#include "coordinator/store/database.h"
#include "coordinator/store/datadir.h"

enum statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    ID_OF,
    INSERT,
    READ,
    RESERVE,
    ALL,
    KEEP_JOB,
    DROP_JOBS,
    ALL_JOBS,
    STATEMENTS
};

static const char *const texts[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [ID_OF] = "SELECT id FROM blocks WHERE hash = ?1",
    [INSERT] =
        "INSERT INTO blocks (hash, parent, height, header, body, worker, arrival_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
    [READ] = "SELECT hash, height, header, body, worker, arrival_ms FROM blocks WHERE hash = ?1",
    [KEEP_JOB] = "INSERT OR REPLACE INTO jobs VALUES (?1, ?2)",
    [DROP_JOBS] = "DELETE FROM jobs WHERE id NOT IN (SELECT id FROM jobs ORDER BY id DESC LIMIT ?1)",
    [ALL_JOBS] = "SELECT id, record FROM jobs ORDER BY id",
    [RESERVE] = "UPDATE meta SET mark = ?1",
    [ALL] = "SELECT hash, height, header, body, worker, arrival_ms FROM blocks ORDER BY id",
};

struct store {
    struct database base;
    sqlite3_stmt *statements[STATEMENTS];
    int lock; /* descriptor; -1 none */
    bool failed;
    uint64_t mark, count;
    uint8_t genesis[32];
};

const char *store_why(const struct store *self)
{
    return self->base.why;
}

uint64_t store_count(const struct store *self)
{
    return self->count;
}

void store_close(struct store **self_p)
{
    struct store *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(self->statements[i]);
    database_close(&self->base);
    if (self->lock >= 0)
        close(self->lock);
    free(self);
}

/* --- opening ---------------------------------------------------------------------------------------------------- */

static int create_meta(struct store *self, const struct store_config *config, struct store_facts *facts)
{
    static const char sql[] = "INSERT INTO meta VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, 0, zeroblob(8))";
    struct network *n = &facts->network;
    memcpy(facts->cluster, config->cluster, sizeof facts->cluster);
    sqlite3_stmt *s = NULL;
    TRY(database_prepare(&self->base, &s, sql));
    sqlite3_bind_text(s, 1, n->name, -1, SQLITE_STATIC);
    sqlite3_bind_blob(s, 2, n->genesis_hash, 32, SQLITE_STATIC);
    sqlite3_bind_int(s, 3, n->rule);
    sqlite3_bind_int64(s, 4, n->spacing_s);
    sqlite3_bind_int64(s, 5, n->half_life_s);
    sqlite3_bind_blob(s, 6, config->cluster, 16, SQLITE_STATIC);
    int err = database_step(&self->base, "meta", s);
    sqlite3_finalize(s);
    return err;
}

static int differs(struct store *self, const char *what, uint32_t wanted, uint32_t stored)
{
    if (wanted == 0 || wanted == stored)
        return 0;
    return database_fail(&self->base, ERR_NETWORK, "%s is %u s in the database and %u s was asked for", what, stored,
                         wanted);
}

static int compare_meta(struct store *self, sqlite3_stmt *s, const struct store_config *config,
                        struct store_facts *facts)
{
    struct network *n = &facts->network;
    const char *name = (const char *)sqlite3_column_text(s, 0);
    if (!name || sqlite3_column_bytes(s, 1) != 32 || sqlite3_column_bytes(s, 5) != 16 ||
        sqlite3_column_bytes(s, 7) != 8)
        return database_fail(&self->base, ERR_CORRUPT, "meta is damaged");
    if (strcmp(name, n->name) != 0)
        return database_fail(&self->base, ERR_NETWORK, "the database belongs to %s and %s was asked for", name,
                             n->name);
    if (memcmp(sqlite3_column_blob(s, 1), n->genesis_hash, 32) != 0 || sqlite3_column_int(s, 2) != (int)n->rule)
        return database_fail(&self->base, ERR_NETWORK, "the database has another genesis or rule set of %s", name);
    n->spacing_s = (uint32_t)sqlite3_column_int64(s, 3);
    n->half_life_s = (uint32_t)sqlite3_column_int64(s, 4);
    TRY(differs(self, "the spacing", config->spacing_s, n->spacing_s));
    TRY(differs(self, "the half-life", config->half_life_s, n->half_life_s));
    memcpy(facts->cluster, sqlite3_column_blob(s, 5), 16);
    facts->epoch = (uint64_t)sqlite3_column_int64(s, 6);
    facts->mark = bytes_be64(sqlite3_column_blob(s, 7));
    return 0;
}

/* 1: read and compared; 0: there is none. */
static int read_meta(struct store *self, const struct store_config *config, struct store_facts *facts)
{
    static const char sql[] = "SELECT network, genesis, rule, spacing_s, half_life_s, cluster, epoch, mark FROM meta";
    sqlite3_stmt *s = NULL;
    TRY(database_prepare(&self->base, &s, sql));
    int err = database_step(&self->base, "meta", s);
    if (err == 1) {
        int bad = compare_meta(self, s, config, facts);
        err = bad < 0 ? bad : 1;
    }
    sqlite3_finalize(s);
    return err;
}

/* J4: durable before anybody hears of it. */
static int begin_epoch(struct store *self, struct store_facts *facts)
{
    TRY(database_exec(&self->base, "epoch", "UPDATE meta SET epoch = epoch + 1"));
    facts->epoch++;
    return 0;
}

static int count_blocks(struct store *self)
{
    sqlite3_stmt *s = NULL;
    TRY(database_prepare(&self->base, &s, "SELECT count(*) FROM blocks"));
    int err = database_step(&self->base, "count", s);
    if (err == 1)
        self->count = (uint64_t)sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return err < 0 ? err : 0;
}

static int open_database(struct store *self, const struct store_config *config, struct store_facts *facts)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/lode.db", config->dir);
    if (len < 0 || (size_t)len >= sizeof path)
        return database_fail(&self->base, ERR_TOO_LONG, "the path of the data directory is too long");
    int is_new = database_open(&self->base, path, &config->hook);
    if (is_new < 0)
        return is_new;
    int found = read_meta(self, config, facts);
    if (found < 0)
        return found;
    facts->created = found == 0; /* also when an earlier start ended between schema and meta */
    if (found == 0)
        TRY(create_meta(self, config, facts));
    TRY(begin_epoch(self, facts));
    TRY(datadir_sync(config->dir));
    for (int i = 0; i < STATEMENTS; i++)
        TRY(database_prepare(&self->base, &self->statements[i], texts[i]));
    self->mark = facts->mark;
    return count_blocks(self);
}

static void fill_network(const struct store_config *config, struct store_facts *facts)
{
    *facts = (struct store_facts){.network = *config->network};
    if (facts->network.rule != NETWORK_ASERT)
        return;
    if (config->spacing_s)
        facts->network.spacing_s = config->spacing_s;
    if (config->half_life_s)
        facts->network.half_life_s = config->half_life_s;
}

int store_open(struct store **out, const struct store_config *config, struct store_facts *facts)
{
    fill_network(config, facts);
    struct store *self = calloc(1, sizeof *self);
    CHECK(self);
    memcpy(self->genesis, config->network->genesis_hash, sizeof self->genesis);
    self->lock = datadir_lock(config->dir);
    int err = self->lock;
    if (err < 0)
        (void)database_fail(&self->base, err, "%s: %s", config->dir, err_text(err));
    else
        err = open_database(self, config, facts);
    if (err < 0) {
        memcpy(facts->why, self->base.why, sizeof facts->why);
        if (facts->why[0] == 0)
            (void)snprintf(facts->why, sizeof facts->why, "%s", err_text(err));
        store_close(&self);
        return err;
    }
    *out = self;
    return 0;
}

/* --- use -------------------------------------------------------------------------------------------------------- */

static int ready(struct store *self)
{
    if (self->failed)
        return database_fail(&self->base, ERR_STORE, "the store failed before: it is read again at the next start");
    self->base.why[0] = 0;
    return 0;
}

static int run(struct store *self, enum statement which, const char *step)
{
    return database_step(&self->base, step, self->statements[which]);
}

/* F2: nothing is believed after a failure on the way to the disk. */
static int final(struct store *self, int err)
{
    char why[STORE_WHY_MAX];
    memcpy(why, self->base.why, sizeof why);
    self->failed = true;
    sqlite3_step(self->statements[ROLLBACK]);
    sqlite3_reset(self->statements[ROLLBACK]);
    (void)err;
    return database_fail(&self->base, ERR_STORE, "%s", why);
}

/* 1 and *id: the block of that hash is stored; 0: it is not. */
static int id_of(struct store *self, const uint8_t hash[32], int64_t *id)
{
    sqlite3_stmt *s = self->statements[ID_OF];
    sqlite3_bind_blob(s, 1, hash, 32, SQLITE_STATIC);
    int err = run(self, ID_OF, "look_up");
    if (err == 1) {
        *id = sqlite3_column_int64(s, 0);
        sqlite3_reset(s);
    }
    return err;
}

static int insert(struct store *self, const struct core_block *b, bool has_parent, int64_t parent)
{
    sqlite3_stmt *s = self->statements[INSERT];
    sqlite3_bind_blob(s, 1, b->hash, 32, SQLITE_STATIC);
    if (has_parent)
        sqlite3_bind_int64(s, 2, parent);
    else
        sqlite3_bind_null(s, 2);
    sqlite3_bind_int64(s, 3, (int64_t)b->height);
    sqlite3_bind_blob(s, 4, b->header, 80, SQLITE_STATIC);
    sqlite3_bind_blob64(s, 5, b->body, b->body_len, SQLITE_STATIC);
    sqlite3_bind_text(s, 6, b->worker, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 7, b->arrival_ms);
    int err = run(self, INSERT, "insert");
    sqlite3_clear_bindings(s);
    return err;
}

/* Whether it may be put in: 0; ERR_DUPLICATE, ERR_ORPHAN. */
static int place(struct store *self, const struct core_block *block, bool *has_parent, int64_t *parent)
{
    int64_t id;
    int found = id_of(self, block->hash, &id);
    if (found != 0)
        return found < 0 ? found : database_fail(&self->base, ERR_DUPLICATE, "the block is stored already");
    *has_parent = memcmp(block->prev, self->genesis, 32) != 0;
    if (!*has_parent)
        return 0;
    found = id_of(self, block->prev, parent);
    if (found == 0)
        return database_fail(&self->base, ERR_ORPHAN, "the parent is not stored"); /* C2 */
    return found < 0 ? found : 0;
}

int store_append(struct store *self, const struct core_block *block)
{
    TRY(ready(self));
    bool has_parent = false;
    int64_t parent = 0;
    int err = place(self, block, &has_parent, &parent);
    if (err == ERR_DUPLICATE || err == ERR_ORPHAN)
        return err;
    if (err == 0)
        err = run(self, BEGIN, "begin");
    if (err == 0)
        err = insert(self, block, has_parent, parent);
    if (err == 0)
        err = run(self, COMMIT, "commit");
    if (err < 0)
        return final(self, err);
    self->count++;
    return 0;
}

int store_reserve(struct store *self, uint64_t mark)
{
    TRY(ready(self));
    if (mark < self->mark)
        return database_fail(&self->base, ERR_RANGE, "the mark only rises"); /* J1 */
    uint8_t bytes[8];
    bytes_put_be64(bytes, mark);
    sqlite3_stmt *s = self->statements[RESERVE];
    sqlite3_bind_blob(s, 1, bytes, sizeof bytes, SQLITE_TRANSIENT);
    int err = run(self, RESERVE, "reserve"); /* a transaction of its own */
    if (err < 0)
        return final(self, err);
    self->mark = mark;
    return 0;
}

/* The block in the row of s; its body borrows from the row. */
static int from_row(struct store *self, sqlite3_stmt *s, struct core_block *out)
{
    const char *worker = (const char *)sqlite3_column_text(s, 4);
    if (sqlite3_column_bytes(s, 0) != 32 || sqlite3_column_bytes(s, 2) != 80 || !worker)
        return database_fail(&self->base, ERR_CORRUPT, "a row of blocks is damaged");
    *out =
        (struct core_block){.height = (uint64_t)sqlite3_column_int64(s, 1), .arrival_ms = sqlite3_column_int64(s, 5)};
    memcpy(out->hash, sqlite3_column_blob(s, 0), 32);
    memcpy(out->header, sqlite3_column_blob(s, 2), 80);
    memcpy(out->prev, out->header + 4, 32);
    memcpy(out->worker, worker, strnlen(worker, CORE_WORKER_NAME_MAX));
    out->body = sqlite3_column_blob(s, 3);
    out->body_len = (size_t)sqlite3_column_bytes(s, 3);
    return out->body ? 0 : database_fail(&self->base, ERR_CORRUPT, "a block has no body");
}

int store_load(struct store *self, int (*each)(void *ctx, const struct core_block *block), void *ctx)
{
    TRY(ready(self));
    sqlite3_stmt *s = self->statements[ALL];
    int err;
    while ((err = run(self, ALL, "load")) == 1) {
        struct core_block block;
        err = from_row(self, s, &block);
        if (err == 0)
            err = each(ctx, &block);
        if (err < 0)
            break;
    }
    sqlite3_reset(s);
    return err;
}

int store_read(void *store, const uint8_t hash[32], struct core_block *out, uint8_t **body_p)
{
    struct store *self = store;
    TRY(ready(self));
    sqlite3_stmt *s = self->statements[READ];
    sqlite3_bind_blob(s, 1, hash, 32, SQLITE_STATIC);
    int err = run(self, READ, "read");
    if (err == 0)
        return ERR_NOT_FOUND;
    if (err == 1)
        err = from_row(self, s, out);
    if (err == 0) {
        *body_p = malloc(out->body_len + 1);
        CHECK(*body_p);
        memcpy(*body_p, out->body, out->body_len);
        out->body = *body_p;
    }
    sqlite3_reset(s);
    return err;
}

static int write_job(struct store *self, uint64_t id, const uint8_t *record, size_t len)
{
    sqlite3_stmt *keep = self->statements[KEEP_JOB], *drop = self->statements[DROP_JOBS];
    sqlite3_bind_int64(keep, 1, (int64_t)id);
    sqlite3_bind_blob64(keep, 2, record, len, SQLITE_STATIC);
    sqlite3_bind_int(drop, 1, STORE_JOBS);
    TRY(run(self, BEGIN, "begin"));
    TRY(run(self, KEEP_JOB, "keep_job"));
    TRY(run(self, DROP_JOBS, "drop_jobs"));
    return run(self, COMMIT, "commit_job");
}

int store_keep_job(struct store *self, uint64_t id, const uint8_t *record, size_t len)
{
    TRY(ready(self));
    int err = database_exec(&self->base, "relax", "PRAGMA synchronous=NORMAL");
    if (err == 0)
        err = write_job(self, id, record, len);
    if (err == 0)
        err = database_exec(&self->base, "tighten", "PRAGMA synchronous=FULL");
    sqlite3_clear_bindings(self->statements[KEEP_JOB]);
    return err < 0 ? final(self, err) : 0;
}

int store_load_jobs(struct store *self, int (*each)(void *ctx, uint64_t id, const uint8_t *record, size_t len),
                    void *ctx)
{
    TRY(ready(self));
    sqlite3_stmt *s = self->statements[ALL_JOBS];
    int err;
    while ((err = run(self, ALL_JOBS, "load_jobs")) == 1) {
        const uint8_t *record = sqlite3_column_blob(s, 1);
        err = each(ctx, (uint64_t)sqlite3_column_int64(s, 0), record, (size_t)sqlite3_column_bytes(s, 1));
        if (err < 0)
            break;
    }
    sqlite3_reset(s);
    return err;
}
