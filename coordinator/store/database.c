#include "coordinator/store/database.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/err.h"
#include "schema_sql.h"

enum { APPLICATION_ID = 0x4c6f6465 /* "Lode", where file(1) looks */, BUSY_MS = 2000 };

int database_fail(struct database *self, int err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(self->why, sizeof self->why, fmt, args);
    va_end(args);
    return err;
}

static int sqlite_fail(struct database *self, const char *step)
{
    int code = sqlite3_errcode(self->db) & 0xff;
    int err = code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? ERR_CORRUPT : ERR_STORE;
    return database_fail(self, err, "%s: %s (SQLite %d)", step, sqlite3_errmsg(self->db),
                         sqlite3_extended_errcode(self->db));
}

static int hooked(struct database *self, const char *step)
{
    if (!self->hook.before)
        return 0;
    int err = self->hook.before(self->hook.ctx, step);
    return err < 0 ? database_fail(self, ERR_STORE, "%s: %s", step, err_text(err)) : 0;
}

int database_exec(struct database *self, const char *step, const char *sql)
{
    TRY(hooked(self, step));
    return sqlite3_exec(self->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : sqlite_fail(self, step);
}

int database_prepare(struct database *self, sqlite3_stmt **out, const char *sql)
{
    int code = sqlite3_prepare_v3(self->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    return code == SQLITE_OK ? 0 : sqlite_fail(self, "prepare");
}

int database_step(struct database *self, const char *step, sqlite3_stmt *statement)
{
    int err = hooked(self, step);
    if (err == 0) {
        int code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
            return 1;
        err = code == SQLITE_DONE ? 0 : sqlite_fail(self, step);
    }
    sqlite3_reset(statement);
    return err;
}

/* The first column of the first row, as a number. */
static int ask(struct database *self, const char *sql, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    TRY(database_prepare(self, &statement, sql));
    int err = database_step(self, sql, statement);
    if (err == 1)
        *out = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return err < 0 ? err : 0;
}

/* 1: an empty file; 0: ours, of a version we can read. */
static int identify(struct database *self)
{
    int64_t id = 0, version = 0, tables = 0;
    TRY(ask(self, "PRAGMA application_id", &id));
    TRY(ask(self, "PRAGMA user_version", &version));
    TRY(ask(self, "SELECT count(*) FROM sqlite_schema", &tables));
    if (id == 0 && version == 0 && tables == 0)
        return 1;
    if (id != APPLICATION_ID)
        return database_fail(self, ERR_CORRUPT, "the file is a database, but not one of a coordinator");
    if (version > STORE_SCHEMA_VERSION || version < 1)
        return database_fail(self, ERR_SCHEMA, "the database has schema version %lld, this program knows 1 to %d",
                             (long long)version, STORE_SCHEMA_VERSION);
    return 0;
}

static int check(struct database *self)
{
    sqlite3_stmt *statement = NULL;
    TRY(database_prepare(self, &statement, "PRAGMA quick_check(1)"));
    int err = database_step(self, "quick_check", statement);
    if (err == 1) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        err = text && strcmp(text, "ok") == 0 ? 0 : database_fail(self, ERR_CORRUPT, "%s", text ? text : "no answer");
    }
    sqlite3_finalize(statement);
    return err;
}

/* Later versions add their step here: from version n to n + 1, each in one transaction. */
static int migrate(struct database *self)
{
    char sql[128];
    TRY(database_exec(self, "begin", "BEGIN IMMEDIATE"));
    TRY(database_exec(self, "schema", schema_sql));
    (void)snprintf(sql, sizeof sql, "PRAGMA application_id=%d; PRAGMA user_version=%d", APPLICATION_ID,
                   STORE_SCHEMA_VERSION);
    TRY(database_exec(self, "version", sql));
    return database_exec(self, "commit", "COMMIT");
}

static int configure(struct database *self)
{
    TRY(database_exec(self, "configure",
                      "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; "
                      "PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL"));
    return database_exec(self, "wal", "PRAGMA journal_mode=WAL");
}

int database_open(struct database *self, const char *path, const struct store_hook *hook)
{
    *self = (struct database){.hook = *hook};
    mode_t before = umask(0077);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE;
    int code = sqlite3_open_v2(path, &self->db, flags, NULL);
    umask(before);
    if (code != SQLITE_OK)
        return sqlite_fail(self, "open");
    sqlite3_extended_result_codes(self->db, 1);
    sqlite3_busy_timeout(self->db, BUSY_MS);
    int is_new = identify(self);
    if (is_new < 0)
        return is_new;
    TRY(configure(self));
    if (is_new)
        TRY(migrate(self));
    TRY(check(self));
    return is_new;
}

void database_close(struct database *self)
{
    sqlite3_close(self->db);
    self->db = NULL;
}
