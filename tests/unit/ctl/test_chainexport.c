#include "run.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[32], path[64], line[128];

static void make_dir(void)
{
    snprintf(dir, sizeof dir, "/tmp/lode-export-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/c.bin", dir);
    snprintf(line, sizeof line, "-o json chain export %s", path);
}

static int files(void)
{
    DIR *d = opendir(dir);
    int n = 0;
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void drop_dir(void)
{
    unlink(path);
    rmdir(dir);
}

Test(chainexport, all_headers_of_several_pages_are_written, .init = make_dir, .fini = drop_dir)
{
    struct fake_control *fake = run_fake(4500);
    struct run r = run_line(fake->endpoint, line);
    cr_assert_eq(r.status, 0, "%s", r.err);
    size_t len;
    char *bytes = test_slurp(path, &len);
    cr_assert_eq(len, 4500u * HEADER_LEN);
    cr_assert_arr_eq(bytes, fake->headers, len);
    free(bytes);
    json_t *tree = run_json(r.out);
    cr_assert_eq(json_integer_value(json_object_get(tree, "headers")), 4500);
    cr_assert_eq(json_integer_value(json_object_get(tree, "height")), 4499);
    json_decref(tree);
    cr_assert_eq(files(), 1, "the temporary file is left");
    run_free(&r);
    fake_control_stop(fake);
}

Test(chainexport, a_dash_is_standard_output_and_nothing_else_goes_there)
{
    struct fake_control *fake = run_fake(3);
    struct run r = run_line(fake->endpoint, "chain export -");
    cr_assert_eq(r.status, 0);
    cr_assert_eq(r.out_len, 3u * HEADER_LEN);
    cr_assert_arr_eq(r.out, fake->headers, r.out_len);
    cr_assert_not_null(strstr(r.err, "3 headers"));
    run_free(&r);
    fake_control_stop(fake);
}

Test(chainexport, an_older_file_stays_when_it_fails, .init = make_dir, .fini = drop_dir)
{
    struct fake_control *fake = run_fake(3);
    FILE *f = fopen(path, "w");
    fputs("old", f);
    fclose(f);
    fake->headers[2][5] ^= 1; /* its parent is another block now: a chain that keeps changing */
    struct run r = run_line(fake->endpoint, line);
    cr_assert_eq(r.status, ARGS_FAILED);
    cr_assert_not_null(strstr(r.err, "\"link\""));
    size_t len;
    char *bytes = test_slurp(path, &len);
    cr_assert_str_eq(bytes, "old");
    free(bytes);
    cr_assert_eq(files(), 1);
    run_free(&r);
    fake_control_stop(fake);
}

Test(chainexport, a_folder_that_is_missing_is_said)
{
    struct fake_control *fake = run_fake(2);
    struct run r = run_line(fake->endpoint, "chain export /nonexistent/c.bin");
    cr_assert_eq(r.status, ARGS_FAILED);
    cr_assert_not_null(strstr(r.err, "/nonexistent/c.bin"));
    run_free(&r);
    fake_control_stop(fake);
}
