/* run.h - runs one line of lodectl in the test's process, against a fake coordinator, and keeps what it wrote. */
#ifndef TESTS_UNIT_CTL_RUN_H
#define TESTS_UNIT_CTL_RUN_H

#include "test.h"

#include <jansson.h>

#include "ctl/commands.h"
#include "fake_control.h"

struct run {
    int status;
    char *out, *err;
    size_t out_len, err_len;
};

/* words[0] is the program's name. */
static inline struct run run_words(const char *endpoint, int n, char **words)
{
    char error[400];
    struct args args;
    struct run r = {0};
    int err = args_parse(&args, n, words, commands_table(), error);
    struct session s = {.out = open_memstream(&r.out, &r.out_len),
                        .err = open_memstream(&r.err, &r.err_len),
                        .json = args.json,
                        .endpoint = args.endpoint ? args.endpoint : endpoint,
                        .endpoint_from = args.endpoint ? "--endpoint" : "LODE_ENDPOINT",
                        .timeout_ms = args.timeout_ms};
    r.status = err < 0 ? session_usage(&s, "%s", error) : commands_run(&s, &args);
    client_free(&s.client);
    fclose(s.out);
    fclose(s.err);
    return r;
}

/* Arguments are the words of line, separated by single blanks. */
static inline struct run run_line(const char *endpoint, const char *line)
{
    char copy[1024];
    char *words[64] = {(char *)(uintptr_t) "lodectl"};
    int n = 1;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *at = copy; *at && n < 63;) {
        words[n++] = at;
        at += strcspn(at, " ");
        if (*at)
            *at++ = '\0';
    }
    return run_words(endpoint, n, words);
}

static inline void run_free(struct run *r)
{
    free(r->out);
    free(r->err);
}

/* text as exactly one JSON value; fails the test otherwise. */
static inline json_t *run_json(const char *text)
{
    json_error_t at;
    json_t *tree = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &at);
    cr_assert_not_null(tree, "'%s': %s", text, at.text);
    return tree;
}

/* A fake coordinator of `blocks` blocks on a free tcp port. */
static inline struct fake_control *run_fake(int blocks)
{
    return fake_control_start("tcp://127.0.0.1:*", NULL, blocks);
}

#endif
