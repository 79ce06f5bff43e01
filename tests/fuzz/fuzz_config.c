/* fuzz_config.c - any bytes as a configuration file, as an environment and as flags. Nothing crashes; an error has a
 * printable text; what is accepted is within the bounds of its key. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config.h"
#include "common/config/flatfile.h"
#include "common/config/setting.h"

enum { WORDS_MAX = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const forms[] = {"text", "json", NULL};
static const struct config_key keys[] = {
    {.name = "bind", .type = CONFIG_ENDPOINT, .def = "tcp://127.0.0.1:7070", .help = "x"},
    {.name = "peers", .type = CONFIG_ENDPOINTS, .help = "x"},
    {.name = "beat", .type = CONFIG_DURATION, .def = "2s", .min = CONFIG_MS, .max = CONFIG_S * 60, .help = "x"},
    {.name = "blocks", .type = CONFIG_U64, .min = 1, .max = 1000, .def = "5", .help = "x"},
    {.name = "cache-size", .type = CONFIG_SIZE, .help = "x"},
    {.name = "log-format", .type = CONFIG_ENUM, .choices = forms, .help = "x"},
    {.name = "progress", .type = CONFIG_BOOL, .help = "x"},
    {.name = "tag", .type = CONFIG_STRING, .max = 32, .help = "x"},
};
static const struct config_program program = {
    .name = "fuzz", .summary = "x", .keys = keys, .key_count = ARRAY_LEN(keys), .args_max = 3};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_error(const struct config_error *err)
{
    require(err->text[0] != 0 && memchr(err->text, 0, sizeof(err->text)) != NULL);
    for (const char *p = err->text; *p; p++)
        require(*p >= ' ' && *p < 0x7f);
}

static void check_values(const struct config *c)
{
    require(config_ns(c, "beat") >= (int64_t)CONFIG_MS && config_ns(c, "beat") <= 60 * (int64_t)CONFIG_S);
    require(config_u64(c, "blocks") >= 1 && config_u64(c, "blocks") <= 1000);
    require(config_choice(c, "log-format") <= 1);
    require(strlen(config_str(c, "tag")) <= 32);
    for (size_t i = 0; i < config_list_count(c, "peers"); i++)
        require(config_list_at(c, "peers", i)[0] != 0);
}

static void load(int argc, char **argv, char **envp)
{
    const struct config_input in = {argc, argv, envp};
    struct config_error err;
    struct config *c;
    if (config_load(&c, &program, &in, &err) < 0) {
        require(c == NULL);
        check_error(&err);
        return;
    }
    check_values(c);
    config_free(&c);
}

static bool reads_files(const char *word)
{
    return strstr(word, "config") != NULL || strstr(word, "CONFIG") != NULL;
}

static int on_pair(void *arg, const struct flatfile_pair *pair)
{
    uint64_t number;
    char expected[80];
    (void)arg;
    require(pair->line > 0 && pair->value_line >= pair->line);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        (void)!setting_parse(&keys[i], pair->value, &number);
        setting_expected(&keys[i], expected, sizeof(expected));
    }
    return 0;
}

/* The input cut at its NULs: words of a command line, or NAME=value. */
static void as_words(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1), own[] = "fuzz", *words[WORDS_MAX + 2] = {own};
    int n = 1;
    memcpy(copy, data, size);
    copy[size] = 0;
    for (char *p = copy; p < copy + size && n < WORDS_MAX; p += strlen(p) + 1)
        if (!reads_files(p))
            words[n++] = p;
    load(n, words, NULL);
    load(1, words, words + 1);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct flatfile_fault fault;
    const int err = flatfile_parse((const char *)data, size, on_pair, NULL, &fault);
    require(err == 0 || fault.text[0] != 0);
    as_words(data, size);
    return 0;
}
