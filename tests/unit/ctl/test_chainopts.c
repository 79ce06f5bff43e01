#include "chain_support.h"

#include <errno.h>

#include "common/base/err.h"
#include "ctl/chainopts.h"

static struct chainopts opts;

static int parse_verify(int argc, char **argv)
{
    return chainopts_parse(&opts, argc, argv, true);
}

static int parse_replay(int argc, char **argv)
{
    return chainopts_parse(&opts, argc, argv, false);
}

Test(chainopts, reads_all_flags_in_both_forms)
{
    static struct caught c;
    RUN(&c, parse_verify, "verify", "--network", "lode", "--from-height=7", "--spacing", "5", "--half-life=99", "f");
    cr_assert_eq(c.status, CHAINOPTS_OK);
    cr_assert_str_eq(opts.network.name, "lode");
    cr_assert(opts.has_from_height);
    cr_assert_eq(opts.from_height, 7);
    cr_assert_eq(opts.network.spacing_s, 5);
    cr_assert_eq(opts.network.half_life_s, 99);
    cr_assert_eq(opts.file_count, 1);
    RUN(&c, parse_replay, "replay", "a", "--network=bitcoin-signet", "b");
    cr_assert_eq(c.status, CHAINOPTS_OK);
    cr_assert_eq(opts.file_count, 2);
    cr_assert_not(opts.has_from_height);
}

Test(chainopts, names_the_flag_that_is_wrong)
{
    static const struct {
        const char *args[8], *in_message;
    } cases[] = {
        {{"f"}, "--network: is required"},
        {{"--network", "bitcoin", "f"}, "--network: 'bitcoin' is none of lode lode-regtest bitcoin-mainnet"},
        {{"--network"}, "--network: ''"},
        {{"--network", "lode"}, "FILE: is required"},
        {{"--network", "lode", "a", "b"}, "FILE: only one"},
        {{"--network", "lode", "--from-height", "-1", "f"}, "--from-height: wants a whole number"},
        {{"--network", "lode", "--from-height", "12x", "f"}, "'12x'"},
        {{"--network", "lode", "--from-height", "99999999999999999999", "f"}, "--from-height"},
        {{"--network", "lode", "--from-height"}, "--from-height"},
        {{"--network", "lode", "--spacing=0", "f"}, "--spacing: wants a whole number from 1"},
        {{"--network", "lode", "--half-life", "", "f"}, "--half-life"},
        {{"--network", "bitcoin-signet", "--spacing", "5", "f"}, "--spacing: only"},
        {{"--network", "lode-regtest", "--half-life", "5", "f"}, "--half-life: only"},
        {{"--network", "lode", "--networks", "f"}, "--networks: no such flag"},
        {{"-v"}, "-v: no such flag"},
    };
    static struct caught c;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *args[10] = {"verify"};
        memcpy(args + 1, cases[i].args, sizeof cases[i].args);
        run(&c, parse_verify, args);
        cr_assert_eq(c.status, CHAINOPTS_USAGE);
        cr_assert_eq(strncmp(c.err, "lodectl: chain verify: ", 23), 0);
        cr_assert_not_null(strstr(c.err, cases[i].in_message));
        cr_assert_str_eq(c.out, "");
    }
    RUN(&c, parse_replay, "replay", "--network", "lode", "--from-height", "1", "f");
    cr_assert_not_null(strstr(c.err, "--from-height: no such flag here"));
}

Test(chainopts, helps_on_request)
{
    static struct caught c;
    RUN(&c, parse_verify, "verify", "--help");
    cr_assert_eq(c.status, CHAINOPTS_HELP);
    cr_assert_not_null(strstr(c.out, "--from-height"));
    RUN(&c, parse_replay, "replay", "--help");
    cr_assert_null(strstr(c.out, "--from-height"));
}

static int load(int argc, char **argv)
{
    (void)argc;
    struct chainopts_file f;
    int err = chainopts_load(&f, argv[1]);
    if (err < 0)
        return err;
    err = chainopts_check_length(&f, argv[1]);
    free(f.bytes);
    return err;
}

Test(chainopts, a_file_that_ends_within_a_header_is_named_with_the_offset)
{
    static struct caught c;
    static const uint8_t bytes[(1 << 20) + 300];
    char path[32];
    write_file(path, bytes, 175);
    RUN(&c, load, "x", path);
    unlink(path);
    cr_assert_eq(c.status, ERR_TRUNCATED);
    cr_assert_not_null(strstr(c.err, path));
    cr_assert_not_null(strstr(c.err, "byte offset 160 has 15 of its 80"));
    write_file(path, bytes, 0);
    RUN(&c, load, "x", path);
    unlink(path);
    cr_assert_eq(c.status, ERR_TRUNCATED);
    write_file(path, bytes, 80 * 13107 + 80 * 3); /* more than the first buffer holds */
    RUN(&c, load, "x", path);
    unlink(path);
    cr_assert_eq(c.status, 0);
    cr_assert_str_eq(c.err, "");
}

Test(chainopts, a_file_that_cannot_be_read_is_named)
{
    static struct caught c;
    RUN(&c, load, "x", "/nonexistent/headers.bin");
    cr_assert_eq(c.status, -ENOENT);
    cr_assert_not_null(strstr(c.err, "/nonexistent/headers.bin: No such file"));
    RUN(&c, load, "x", "/tmp");
    cr_assert_eq(c.status, -EISDIR);
}

Test(chainopts, a_file_that_never_ends_is_refused)
{
    static struct caught c;
    char path[32], bound[16];
    write_file(path, "", 0);
    cr_assert_eq(truncate(path, (off_t)CHAINOPTS_BYTES_MAX + 80), 0);
    RUN(&c, load, "x", path);
    unlink(path);
    cr_assert_eq(c.status, ERR_TOO_LONG);
    snprintf(bound, sizeof bound, "%d bytes", CHAINOPTS_BYTES_MAX);
    cr_assert_not_null(strstr(c.err, bound));
}
