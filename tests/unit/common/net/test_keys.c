#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zmq.h>

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/net/keys.h"

static char folder[] = "/tmp/keys-test-XXXXXX";
static char path[PATH_MAX], name[PATH_MAX];

static void begin(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/worker", folder);
}

static const char *with(const char *ending)
{
    snprintf(name, sizeof(name), "%.200s%s", path, ending);
    return name;
}

static void end(void)
{
    unlink(with(".key"));
    unlink(with(".pub"));
    rmdir(folder);
}

static mode_t mode_of(const char *file)
{
    struct stat st;
    cr_assert_eq(lstat(file, &st), 0);
    return st.st_mode & 07777;
}

static void put(const char *file, const char *text)
{
    FILE *f = fopen(file, "w");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
}

Test(keys, a_new_pair_is_two_files_of_the_right_modes_and_loads_again, .init = begin, .fini = end)
{
    struct keys made, loaded;
    umask(077);
    cr_assert_eq(keys_make(path, &made), 0);
    cr_assert_eq(mode_of(with(".key")), 0600);
    cr_assert_eq(mode_of(with(".pub")), 0644);
    cr_assert_eq(keys_load(&loaded, path), 0);
    cr_assert_eq(memcmp(&made, &loaded, sizeof(made)), 0);
    char public_key[KEYS_TEXT];
    cr_assert_eq(keys_load_public(public_key, with(".pub")), 0);
    cr_assert_str_eq(public_key, made.public_key);
    cr_assert_str_neq(made.public_key, made.secret_key);
}

Test(keys, two_pairs_are_never_the_same)
{
    struct keys a, b;
    cr_assert_eq(keys_new(&a), 0);
    cr_assert_eq(keys_new(&b), 0);
    cr_assert_str_neq(a.secret_key, b.secret_key);
    cr_assert_eq(keys_parse(NULL, a.public_key), 0);
    cr_assert_eq(keys_parse(NULL, a.secret_key), 0);
    keys_wipe(&a);
    for (size_t i = 0; i < sizeof(a); i++)
        cr_assert_eq(((const char *)&a)[i], 0);
}

Test(keys, nothing_is_overwritten_and_nothing_left_half_made, .init = begin, .fini = end)
{
    put(with(".pub"), "mine");
    cr_assert_eq(keys_make(path, NULL), ERR_EXISTS);
    cr_assert_eq(access(with(".key"), F_OK), -1);
    unlink(with(".pub"));
    put(with(".key"), "mine");
    cr_assert_eq(keys_make(path, NULL), ERR_EXISTS);
    cr_assert_eq(access(with(".pub"), F_OK), -1);
    char text[16] = "";
    FILE *f = fopen(with(".key"), "r");
    cr_assert_not_null(fgets(text, sizeof(text), f));
    fclose(f);
    cr_assert_str_eq(text, "mine");
}

Test(keys, a_symbolic_link_is_not_followed, .init = begin, .fini = end)
{
    char target[PATH_MAX];
    snprintf(target, sizeof(target), "%s/elsewhere", folder);
    cr_assert_eq(symlink(target, with(".key")), 0);
    cr_assert_eq(keys_make(path, NULL), ERR_EXISTS);
    cr_assert_eq(access(target, F_OK), -1);
    unlink(with(".key"));
    struct keys k;
    cr_assert_eq(keys_make(path, NULL), 0);
    cr_assert_eq(rename(with(".key"), target), 0);
    cr_assert_eq(symlink(target, with(".key")), 0);
    cr_assert_eq(keys_load(&k, path), ERR_PERMISSION);
    unlink(target);
}

Test(keys, a_secret_that_others_may_touch_is_refused, .init = begin, .fini = end)
{
    static const mode_t bad[] = {0640, 0604, 0660, 0610, 0601, 0602, 0777};
    struct keys k;
    cr_assert_eq(keys_make(path, NULL), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        cr_assert_eq(chmod(with(".key"), bad[i]), 0);
        memset(&k, 1, sizeof(k));
        cr_assert_eq(keys_load(&k, path), ERR_PERMISSION, "mode %o", bad[i]);
        cr_assert_eq(k.secret_key[0], 0);
    }
    cr_assert_eq(chmod(with(".key"), 0400), 0);
    cr_assert_eq(keys_load(&k, path), 0);
}

Test(keys, files_that_hold_no_key_are_refused, .init = begin, .fini = end)
{
    static const char *const bad[] = {"",
                                      "\n",
                                      "short\n",
                                      "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh\n",
                                      "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6\n\n",
                                      "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6x",
                                      "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh \n",
                                      "#####VSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"};
    char public_key[KEYS_TEXT];
    struct keys k;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        put(with(".pub"), bad[i]);
        cr_assert_eq(keys_load_public(public_key, with(".pub")), ERR_FORMAT, "%zu", i);
    }
    put(with(".pub"), "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"); /* without the newline */
    cr_assert_eq(keys_load_public(public_key, with(".pub")), 0);
    cr_assert_eq(keys_load(&k, path), -ENOENT);
    unlink(with(".pub"));
    cr_assert_eq(keys_load_public(public_key, with(".pub")), -ENOENT);
}

Test(keys, halves_of_two_pairs_do_not_load, .init = begin, .fini = end)
{
    struct keys a, b;
    cr_assert_eq(keys_make(path, &a), 0);
    cr_assert_eq(keys_new(&b), 0);
    put(with(".pub"), b.public_key);
    cr_assert_eq(keys_load(&b, path), ERR_CORRUPT);
}

Test(keys, a_folder_that_is_not_there_is_said)
{
    cr_assert_eq(keys_make("/nowhere/at/all/worker", NULL), -ENOENT);
    char long_path[PATH_MAX + 10];
    memset(long_path, 'x', sizeof(long_path));
    long_path[sizeof(long_path) - 1] = 0;
    cr_assert_eq(keys_make(long_path, NULL), -ENAMETOOLONG);
}

Test(keys, z85_reads_the_public_vectors_and_refuses_what_must_be_refused)
{
    json_t *root = json_load_file(test_data("zmq/z85_vectors.json"), 0, NULL), *row;
    size_t i, n = 0;
    cr_assert_not_null(root);
    json_array_foreach(json_object_get(root, "valid"), i, row)
    {
        const char *hex = json_string_value(json_object_get(row, "hex"));
        uint8_t want[32], got[32];
        const size_t len = strlen(hex) / 2;
        cr_assert_eq(bytes_from_hex(want, len, hex, strlen(hex)), 0);
        cr_assert_eq(keys_z85_decode(got, len, json_string_value(json_object_get(row, "z85"))), 0);
        cr_assert_arr_eq(got, want, len);
        n++;
    }
    cr_assert_geq(n, 5);
    json_array_foreach(json_object_get(root, "must_reject"), i, row)
    {
        uint8_t got[32];
        const char *text = json_string_value(row);
        cr_assert_eq(keys_z85_decode(got, strlen(text) / 5 * 4, text), ERR_FORMAT, "%s", text);
        cr_assert_eq(keys_z85_decode(got, 8, text), ERR_FORMAT, "%s", text);
        n++;
    }
    cr_assert_geq(n, 12);
    json_decref(root);
}

Test(keys, z85_agrees_with_the_library)
{
    uint8_t in[32], out[32];
    char text[KEYS_TEXT];
    for (unsigned round = 0; round < 200; round++) {
        for (size_t i = 0; i < sizeof(in); i++)
            in[i] = (uint8_t)((round * 2654435761u + i * 40503u) >> (i % 13));
        cr_assert_not_null(zmq_z85_encode(text, in, sizeof(in)));
        cr_assert_eq(keys_parse(out, text), 0);
        cr_assert_arr_eq(out, in, sizeof(in));
    }
}
