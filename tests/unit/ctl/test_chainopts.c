#include "chain_support.h"

#include <errno.h>
#include <sys/stat.h>

#include "common/base/err.h"
#include "ctl/chainopts.h"

static struct network network;
static char *said;
static size_t said_len;

/* Reads the words of line as "chain verify", and from it the network; what is said goes to said. */
static int read_line(const char *line)
{
    char copy[256], error[400];
    char *words[16] = {(char *)(uintptr_t) "lodectl"};
    int n = 1;
    snprintf(copy, sizeof copy, "chain verify %s", line);
    for (char *at = copy, *word; n < 16 && (word = strsep(&at, " "));)
        words[n++] = word;
    struct args args;
    cr_assert_eq(args_parse(&args, n, words, commands_table(), error), 0, "%s: %s", line, error);
    free(said);
    struct session s = {.err = open_memstream(&said, &said_len)};
    int status = chainopts_network(&network, &s, &args);
    fclose(s.err);
    return status;
}

Test(chainopts, a_network_comes_with_what_was_said_of_it)
{
    cr_assert_eq(read_line("--network lode --spacing 5s --half-life=2m f"), ARGS_OK);
    cr_assert_str_eq(network.name, "lode");
    cr_assert_eq(network.spacing_s, 5);
    cr_assert_eq(network.half_life_s, 120);
    cr_assert_eq(read_line("f --half-life 99 --network=lode"), ARGS_OK);
    cr_assert_eq(network.spacing_s, network_find("lode")->spacing_s);
    cr_assert_eq(network.half_life_s, 99);
    cr_assert_eq(read_line("--network bitcoin-signet f"), ARGS_OK);
    cr_assert_str_eq(network.name, "bitcoin-signet");
}

Test(chainopts, a_network_that_is_missing_unknown_or_fixed_is_named)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"f", "--network: is required"},
        {"--network bitcoin f", "--network: expected one of lode, lode-regtest, bitcoin-mainnet"},
        {"--network bitcoin f", "not 'bitcoin'"},
        {"--network= f", "not ''"},
        {"--network bitcoin-signet --spacing 5s f", "--spacing: only"},
        {"--network lode-regtest --half-life 5s f", "--half-life: only"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cr_assert_eq(read_line(cases[i].line), ARGS_USAGE, "%s", cases[i].line);
        cr_assert_not_null(strstr(said, cases[i].says), "'%s' does not say '%s'", said, cases[i].says);
    }
}

/* Loads path and looks at its length; what is said goes to said. */
static int load(const char *path, size_t max)
{
    struct chainopts_file f = {0};
    free(said);
    struct session s = {.err = open_memstream(&said, &said_len)};
    int err = chainopts_load(&f, &s, path, max);
    if (err == 0)
        err = chainopts_check_length(&f, &s, path);
    free(f.bytes);
    fclose(s.err);
    return err;
}

static int load_bytes(size_t len, size_t max)
{
    static const uint8_t bytes[(1 << 20) + 300];
    char path[32];
    write_file(path, bytes, len);
    int err = load(path, max);
    unlink(path);
    return err;
}

Test(chainopts, a_file_that_ends_within_a_header_is_named_with_the_offset)
{
    cr_assert_eq(load_bytes(175, CHAINOPTS_BYTES_MAX), ERR_TRUNCATED);
    cr_assert_not_null(strstr(said, "/tmp/lode-test-"));
    cr_assert_not_null(strstr(said, "byte offset 160 has 15 of its 80"), "%s", said);
    cr_assert_eq(load_bytes(0, CHAINOPTS_BYTES_MAX), ERR_TRUNCATED);
    cr_assert_not_null(strstr(said, "it is empty"), "%s", said);
    cr_assert_eq(load_bytes(80 * 13107 + 80 * 3, CHAINOPTS_BYTES_MAX), 0); /* more than the first buffer holds */
    cr_assert_str_eq(said, "");
}

Test(chainopts, a_file_that_cannot_be_read_is_named)
{
    cr_assert_eq(load("/nonexistent/headers.bin", CHAINOPTS_BYTES_MAX), -ENOENT);
    cr_assert_not_null(strstr(said, "/nonexistent/headers.bin: No such file"), "%s", said);
    cr_assert_eq(load("/tmp", CHAINOPTS_BYTES_MAX), -EISDIR);
}

Test(chainopts, a_file_is_taken_up_to_its_limit)
{
    char path[32], bound[32];
    cr_assert_eq(load_bytes(800, 800), 0);
    cr_assert_eq(load_bytes(800, 799), ERR_TOO_LONG);
    write_file(path, "", 0);
    cr_assert_eq(truncate(path, (off_t)CHAINOPTS_BYTES_MAX + 80), 0);
    cr_assert_eq(load(path, CHAINOPTS_BYTES_MAX), ERR_TOO_LONG);
    unlink(path);
    snprintf(bound, sizeof bound, "%d bytes", CHAINOPTS_BYTES_MAX);
    cr_assert_not_null(strstr(said, bound), "%s", said);
}

Test(chainopts, a_stream_that_never_ends_is_refused)
{
    cr_assert_eq(load("/dev/zero", 3 << 20), ERR_TOO_LONG);
    cr_assert_not_null(strstr(said, "/dev/zero"), "%s", said);
}
