#include "test.h"

#include "common/base/bytes.h"
#include "common/hash/sha256.h"

static void expect_hex(const uint8_t *digest, const char *hex)
{
    char text[2 * SHA256_LEN + 1];
    bytes_to_hex(text, digest, SHA256_LEN);
    cr_assert_str_eq(text, hex);
}

/* Runs a NIST .rsp file: Len (bits), Msg, MD; returns how many cases there were. */
static int run_response_file(const char *name)
{
    size_t len;
    char *text = test_slurp(test_data(name), &len), *rest = text;
    uint8_t *message = malloc(len), digest[SHA256_LEN], wanted[SHA256_LEN];
    size_t bits = 0, cases = 0;
    for (char *line; (line = strsep(&rest, "\n"));) {
        line[strcspn(line, "\r")] = '\0';
        if (sscanf(line, "Len = %zu", &bits) == 1)
            continue;
        if (strncmp(line, "Msg = ", 6) == 0 && bits > 0)
            cr_assert_eq(bytes_from_hex(message, bits / 8, line + 6, strlen(line + 6)), 0);
        if (strncmp(line, "MD = ", 5) != 0)
            continue;
        cr_assert_eq(bytes_from_hex(wanted, SHA256_LEN, line + 5, 64), 0);
        sha256_once(digest, message, bits / 8);
        cr_assert_arr_eq(digest, wanted, SHA256_LEN);
        cases++;
    }
    free(message);
    free(text);
    return (int)cases;
}

Test(sha256, agrees_with_the_short_messages_of_nist)
{
    cr_assert_eq(run_response_file("sha256/SHA256ShortMsg.rsp"), 65);
}

Test(sha256, agrees_with_the_long_messages_of_nist)
{
    cr_assert_eq(run_response_file("sha256/SHA256LongMsg.rsp"), 64);
}

Test(sha256, follows_the_monte_carlo_chain_of_nist)
{
    size_t len;
    char *text = test_slurp(test_data("sha256/SHA256Monte.txt"), &len), *rest = text;
    uint8_t window[3 * SHA256_LEN], seed[SHA256_LEN], next[SHA256_LEN], wanted[SHA256_LEN];
    char *line = strsep(&rest, "\n");
    cr_assert_eq(bytes_from_hex(seed, SHA256_LEN, line + 5, 64), 0);
    int checkpoints = 0;
    for (; (line = strsep(&rest, "\n")) && *line; checkpoints++) {
        for (int i = 0; i < 3; i++)
            memcpy(window + i * SHA256_LEN, seed, SHA256_LEN);
        for (int i = 3; i < 1003; i++) {
            sha256_once(next, window, sizeof window);
            memmove(window, window + SHA256_LEN, 2 * SHA256_LEN);
            memcpy(window + 2 * SHA256_LEN, next, SHA256_LEN);
        }
        memcpy(seed, next, SHA256_LEN);
        cr_assert_eq(bytes_from_hex(wanted, SHA256_LEN, strchr(line, ' ') + 1, 64), 0);
        cr_assert_arr_eq(seed, wanted, SHA256_LEN);
    }
    cr_assert_eq(checkpoints, 100);
    free(text);
}

Test(sha256, gives_the_same_digest_however_the_message_is_cut)
{
    uint8_t message[300], whole[SHA256_LEN], pieces[SHA256_LEN];
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)(i * 7);
    sha256_once(whole, message, sizeof message);
    for (size_t first = 0; first <= sizeof message; first++) {
        struct sha256 s;
        sha256_start(&s);
        sha256_update(&s, message, first);
        sha256_update(&s, NULL, 0);
        sha256_update(&s, message + first, sizeof message - first);
        sha256_finish(&s, pieces);
        cr_assert_arr_eq(pieces, whole, SHA256_LEN);
    }
}

Test(sha256, doubles_and_allows_the_output_over_the_input)
{
    uint8_t buf[SHA256_LEN];
    sha256_once(buf, "abc", 3);
    expect_hex(buf, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_once(buf, buf, sizeof buf);
    uint8_t twice[SHA256_LEN];
    sha256_double(twice, "abc", 3);
    cr_assert_arr_eq(buf, twice, SHA256_LEN);
    sha256_once(buf, NULL, 0);
    expect_hex(buf, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

Test(sha256, midstate_is_the_state_before_padding)
{
    /* FIPS 180-4's example "abc" with its padding is exactly one block: the state after it is the digest. */
    uint8_t block[SHA256_BLOCK] = {'a', 'b', 'c', 0x80};
    block[63] = 24;
    uint32_t state[SHA256_STATE_WORDS];
    sha256_midstate(state, block);
    uint8_t as_bytes[SHA256_LEN];
    for (int i = 0; i < SHA256_STATE_WORDS; i++)
        bytes_put_be32(as_bytes + 4 * i, state[i]);
    expect_hex(as_bytes, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
