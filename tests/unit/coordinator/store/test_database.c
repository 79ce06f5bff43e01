#include "cellar.h"

#include <sqlite3.h>

#include "coordinator/store/database.h"

static const struct store_hook no_hook = {0};

static void path_of(struct cellar *c, char out[128])
{
    cr_assert_eq(mkdir(c->dir, 0700), 0);
    cellar_path(c, out, "lode.db");
}

Test(database, a_new_file_gets_the_schema_and_is_private)
{
    struct cellar *c = cellar_new();
    char path[128];
    path_of(c, path);
    struct database d;
    cr_assert_eq(database_open(&d, path, &no_hook), 1);
    cr_assert_eq(database_exec(&d, "look", "SELECT * FROM blocks; SELECT * FROM meta"), 0);
    cr_assert_eq(database_exec(&d, "wrong", "SELECT * FROM nothing"), ERR_STORE);
    cr_assert_not_null(strstr(d.why, "nothing"));
    database_close(&d);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    cr_assert_eq(database_open(&d, path, &no_hook), 0);
    database_close(&d);
    cellar_free(c);
}

static void make_with(const char *path, const char *sql)
{
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

Test(database, another_program_s_database_is_refused_and_not_changed)
{
    struct cellar *c = cellar_new();
    char path[128];
    path_of(c, path);
    make_with(path, "CREATE TABLE theirs (x); PRAGMA user_version=1");
    size_t before, after;
    char *was = test_slurp(path, &before);
    struct database d;
    cr_assert_eq(database_open(&d, path, &no_hook), ERR_CORRUPT);
    cr_assert_not_null(strstr(d.why, "not one of a coordinator"));
    database_close(&d);
    char *is = test_slurp(path, &after);
    cr_assert_eq(before, after);
    cr_assert_arr_eq(was, is, before);
    free(was);
    free(is);
    cellar_free(c);
}

Test(database, a_later_schema_is_refused)
{
    struct cellar *c = cellar_new();
    char path[128];
    path_of(c, path);
    struct database d;
    cr_assert_eq(database_open(&d, path, &no_hook), 1);
    cr_assert_eq(database_exec(&d, "age", "PRAGMA user_version=2"), 0);
    database_close(&d);
    cr_assert_eq(database_open(&d, path, &no_hook), ERR_SCHEMA);
    cr_assert_not_null(strstr(d.why, "version 2"));
    database_close(&d);
    cellar_free(c);
}

Test(database, a_step_that_yields_a_row_is_told_from_the_end)
{
    struct cellar *c = cellar_new();
    char path[128];
    path_of(c, path);
    struct database d;
    cr_assert_eq(database_open(&d, path, &no_hook), 1);
    sqlite3_stmt *s = NULL;
    cr_assert_eq(database_prepare(&d, &s, "SELECT 1 UNION SELECT 2"), 0);
    cr_assert_eq(database_step(&d, "x", s), 1);
    cr_assert_eq(database_step(&d, "x", s), 1);
    cr_assert_eq(database_step(&d, "x", s), 0);
    sqlite3_finalize(s);
    cr_assert_eq(database_prepare(&d, &s, "SELEKT"), ERR_STORE);
    database_close(&d);
    cellar_free(c);
}

static int refuse_all(void *ctx, const char *step)
{
    (void)step;
    return ++*(int *)ctx > 0 ? -ENOSPC : 0;
}

Test(database, a_hook_takes_the_place_of_the_disk)
{
    struct cellar *c = cellar_new();
    char path[128];
    path_of(c, path);
    int calls = 0;
    struct store_hook hook = {refuse_all, &calls};
    struct database d;
    cr_assert_eq(database_open(&d, path, &hook), ERR_STORE);
    cr_assert_eq(calls, 1);
    cr_assert_not_null(strstr(d.why, "No space"));
    database_close(&d);
    cellar_free(c);
}
