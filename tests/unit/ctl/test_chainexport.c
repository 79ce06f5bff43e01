#include "run.h"

#include <dirent.h>
#include <fcntl.h>
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

Test(chainexport, what_the_headers_do_not_tell_is_told_beside_them, .init = make_dir, .fini = drop_dir)
{
    struct fake_control *fake = run_fake(3);
    struct run r = run_line(fake->endpoint, line);
    json_t *tree = run_json(r.out);
    cr_assert_str_eq(json_string_value(json_object_get(tree, "network")), "lode-regtest");
    cr_assert_eq(json_integer_value(json_object_get(tree, "spacing_s")), 2);
    cr_assert_eq(json_integer_value(json_object_get(tree, "half_life_s")), 60);
    cr_assert_eq(strlen(json_string_value(json_object_get(tree, "genesis"))), 64);
    json_decref(tree);
    run_free(&r);
    r = run_line(fake->endpoint, line + strlen("-o json "));
    cr_assert_not_null(strstr(r.out, "chain verify --network lode-regtest --spacing 2s --half-life 60s /tmp/"), "%s",
                       r.out);
    run_free(&r);
    fake_control_stop(fake);
}

static mode_t mode_of(const char *name)
{
    struct stat st;
    cr_assert_eq(stat(name, &st), 0);
    return st.st_mode & 0777;
}

Test(chainexport, the_umask_holds, .init = make_dir, .fini = drop_dir)
{
    struct fake_control *fake = run_fake(3);
    umask(077);
    struct run r = run_line(fake->endpoint, line);
    cr_assert_eq(r.status, 0);
    cr_assert_eq(mode_of(path), 0600);
    run_free(&r);
    umask(022);
    r = run_line(fake->endpoint, line);
    cr_assert_eq(mode_of(path), 0644);
    run_free(&r);
    fake_control_stop(fake);
}

Test(chainexport, a_link_is_followed_and_a_pipe_is_written_to, .init = make_dir, .fini = drop_dir)
{
    char link[64], pipe[64], copy[4 * HEADER_LEN];
    struct stat st;
    struct fake_control *fake = run_fake(3);
    struct run r = run_line(fake->endpoint, line);
    run_free(&r);
    snprintf(link, sizeof link, "%s/link", dir);
    cr_assert_eq(symlink("c.bin", link), 0);
    snprintf(line, sizeof line, "chain export %s", link);
    fake_extend(fake, (const uint8_t *)"more", 4);
    r = run_line(fake->endpoint, line);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_free(&r);
    cr_assert_eq(lstat(link, &st), 0);
    cr_assert(S_ISLNK(st.st_mode));
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_size, 4 * HEADER_LEN);
    unlink(link);

    snprintf(pipe, sizeof pipe, "%s/pipe", dir);
    cr_assert_eq(mkfifo(pipe, 0600), 0);
    int fd = open(pipe, O_RDONLY | O_NONBLOCK);
    cr_assert_geq(fd, 0);
    snprintf(line, sizeof line, "chain export %s", pipe);
    r = run_line(fake->endpoint, line);
    cr_assert_eq(r.status, 0, "%s", r.err);
    run_free(&r);
    cr_assert_eq(stat(pipe, &st), 0);
    cr_assert(S_ISFIFO(st.st_mode), "a file stands in its place");
    cr_assert_eq(read(fd, copy, sizeof copy), (ssize_t)sizeof copy);
    cr_assert_arr_eq(copy, fake->headers, sizeof copy);
    close(fd);
    unlink(pipe);
    fake_control_stop(fake);
}
