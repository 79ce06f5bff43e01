/* database.h - one SQLite file of ours: opened strictly, told apart from others', brought to the present schema. And
 * the few calls that make SQLite's interface one of error codes.
 * Threads: one per database. Memory: SQLite's. */
#ifndef COORDINATOR_STORE_DATABASE_H
#define COORDINATOR_STORE_DATABASE_H

#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include <rt/attr.h>

#include "coordinator/store/store.h"

struct database {
    sqlite3 *db;
    struct store_hook hook;
    char why[STORE_WHY_MAX]; /* of the last failure */
};

/* Opens or creates the file with mode 0600. Looks before it changes anything. 1: it is new (the schema is made, meta
 * has no row yet); 0: it was there. ERR_SCHEMA: a later version; ERR_CORRUPT: damaged, or not ours; ERR_STORE.
 * Always followed by database_close, also after an error. */
int database_open(struct database *self, const char *path, const struct store_hook *hook) MUST_CHECK;
void database_close(struct database *self);

/* Runs statements without results. step names it for the hook. 0, ERR_CORRUPT, ERR_STORE. */
int database_exec(struct database *self, const char *step, const char *sql) MUST_CHECK;
/* Steps a prepared statement to its one row or its end. 1: a row; 0: done, the statement is reset. Errors as above, and
 * the statement is reset. */
int database_step(struct database *self, const char *step, sqlite3_stmt *statement) MUST_CHECK;
int database_prepare(struct database *self, sqlite3_stmt **out, const char *sql) MUST_CHECK;
/* Writes why, and returns err. */
PRINTF_LIKE(3, 4) int database_fail(struct database *self, int err, const char *fmt, ...);

#endif
