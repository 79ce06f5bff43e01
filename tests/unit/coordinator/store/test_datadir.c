#include "cellar.h"

#include <fcntl.h>

#include "coordinator/store/datadir.h"

Test(datadir, it_is_made_private_and_held_by_one)
{
    struct cellar *c = cellar_new();
    int fd = datadir_lock(c->dir);
    cr_assert_geq(fd, 0);
    struct stat st;
    cr_assert_eq(stat(c->dir, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0700);
    cr_assert_eq(datadir_lock(c->dir), ERR_LOCKED);
    close(fd);
    fd = datadir_lock(c->dir);
    cr_assert_geq(fd, 0);
    close(fd);
    cr_assert_eq(datadir_sync(c->dir), 0);
    cellar_free(c);
}

Test(datadir, what_cannot_be_made_is_an_error)
{
    struct cellar *c = cellar_new();
    char deep[160];
    (void)snprintf(deep, sizeof deep, "%s/no/such", c->parent);
    cr_assert_eq(datadir_lock(deep), -ENOENT);
    cr_assert_eq(datadir_sync(deep), -ENOENT);
    char *longest = malloc(5001);
    memset(longest, 'x', 5000);
    longest[5000] = 0;
    cr_assert_eq(datadir_lock(longest), ERR_TOO_LONG);
    free(longest);
    cellar_free(c);
}

Test(datadir, a_file_in_its_place_or_a_link_for_the_lock_is_refused)
{
    struct cellar *c = cellar_new();
    int fd = open(c->dir, O_CREAT | O_WRONLY, 0600);
    cr_assert_geq(fd, 0);
    close(fd);
    cr_assert_eq(datadir_lock(c->dir), -ENOTDIR);
    unlink(c->dir);
    cr_assert_eq(mkdir(c->dir, 0700), 0);
    char path[128], elsewhere[128];
    cellar_path(c, path, "lock");
    (void)snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", c->parent);
    cr_assert_eq(symlink(elsewhere, path), 0);
    cr_assert_eq(datadir_lock(c->dir), -ELOOP);
    cr_assert_neq(access(elsewhere, F_OK), 0);
    cellar_free(c);
}
