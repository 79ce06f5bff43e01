/* fixture_tree.h - a directory that looks like / to code that reads /proc and /sys below a prefix. */
#ifndef TESTS_FIXTURE_TREE_H
#define TESTS_FIXTURE_TREE_H

#include "test.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rt/attr.h>

static char tree[64];

UNUSED static void tree_new(void)
{
    snprintf(tree, sizeof tree, "/tmp/lode-tree-XXXXXX");
    cr_assert_not_null(mkdtemp(tree));
}

/* A file with bytes of content, and the directories to it. */
UNUSED static void tree_put_bytes(const char *name, const char *content, size_t bytes)
{
    char path[512];
    int n = snprintf(path, sizeof path, "%s%s", tree, name);
    cr_assert(n > 0 && (size_t)n < sizeof path);
    for (char *slash = path + strlen(tree); (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    cr_assert_eq(fwrite(content, 1, bytes, f), bytes);
    cr_assert_eq(fclose(f), 0);
}

UNUSED static void tree_put(const char *name, const char *content)
{
    tree_put_bytes(name, content, strlen(content));
}

static int tree_unlink(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

UNUSED static void tree_free(void)
{
    nftw(tree, tree_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
