#include "common/config/flatfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <yaml.h>

#include "common/base/check.h"
#include "common/base/err.h"

/* What may come next in a stream that holds one flat mapping. */
enum place { AT_START, IN_DOCUMENT, AT_KEY, AT_VALUE, BEHIND };

struct reading {
    yaml_parser_t parser;
    enum place place;
    yaml_event_t key; /* of the pair whose value is awaited */
    flatfile_fn *fn;
    void *arg;
    struct flatfile_fault *fault;
};

static int fault(struct reading *r, const yaml_mark_t *at, const char *text)
{
    r->fault->line = at->line + 1;
    r->fault->column = at->column + 1;
    snprintf(r->fault->text, sizeof(r->fault->text), "%s", text);
    return ERR_FORMAT;
}

/* libyaml takes UTF-16 too, and by its rules some controls; what reaches the program is plain text. */
static bool is_plain(const yaml_event_t *e)
{
    return strlen((const char *)e->data.scalar.value) == e->data.scalar.length;
}

static int on_scalar(struct reading *r, yaml_event_t *e)
{
    if (e->data.scalar.anchor || e->data.scalar.tag)
        return fault(r, &e->start_mark, "anchors and tags are not allowed");
    if (!is_plain(e))
        return fault(r, &e->start_mark, "a NUL is not allowed");
    if (r->place == AT_KEY) {
        r->key = *e;
        memset(e, 0, sizeof(*e)); /* the event is kept: its owner is r now */
        r->place = AT_VALUE;
        return 0;
    }
    if (r->place != AT_VALUE)
        return fault(r, &e->start_mark, "expected lines of the form 'key: value'");
    const struct flatfile_pair pair = {
        .key = (const char *)r->key.data.scalar.value,
        .value = (const char *)e->data.scalar.value,
        .line = r->key.start_mark.line + 1,
        .column = r->key.start_mark.column + 1,
        .value_line = e->start_mark.line + 1,
        .value_column = e->start_mark.column + 1,
    };
    const int err = r->fn(r->arg, &pair);
    yaml_event_delete(&r->key);
    r->place = AT_KEY;
    return err;
}

static int on_start(struct reading *r, const yaml_event_t *e)
{
    if (e->type == YAML_DOCUMENT_START_EVENT) {
        if (r->place != AT_START)
            return fault(r, &e->start_mark, "only one document is allowed");
        r->place = IN_DOCUMENT;
        return 0;
    }
    if (e->type == YAML_MAPPING_START_EVENT && r->place == IN_DOCUMENT) {
        if (e->data.mapping_start.anchor || e->data.mapping_start.tag)
            return fault(r, &e->start_mark, "anchors and tags are not allowed");
        r->place = AT_KEY;
        return 0;
    }
    return fault(r, &e->start_mark,
                 r->place == IN_DOCUMENT ? "expected lines of the form 'key: value'" : "nested values are not allowed");
}

static int on_event(struct reading *r, yaml_event_t *e)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        return on_scalar(r, e);
    case YAML_DOCUMENT_START_EVENT:
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT:
        return on_start(r, e);
    case YAML_ALIAS_EVENT:
        return fault(r, &e->start_mark, "aliases are not allowed");
    case YAML_MAPPING_END_EVENT:
        r->place = BEHIND;
        return 0;
    default:
        return 0;
    }
}

static int syntax(struct reading *r)
{
    const yaml_parser_t *p = &r->parser;
    const bool by_reader = p->error == YAML_READER_ERROR;
    fault(r, &p->problem_mark, p->problem ? p->problem : "not YAML");
    if (by_reader) { /* the reader knows only an offset */
        r->fault->line = r->fault->column = 0;
        snprintf(r->fault->text, sizeof(r->fault->text), "%s at byte %zu", p->problem, p->problem_offset);
    }
    return ERR_FORMAT;
}

int flatfile_parse(const char *text, size_t len, flatfile_fn *fn, void *arg, struct flatfile_fault *fault_out)
{
    struct reading r = {.fn = fn, .arg = arg, .fault = fault_out};
    int err = 0;
    bool done = false;
    *fault_out = (struct flatfile_fault){0};
    CHECK(yaml_parser_initialize(&r.parser)); /* only without memory */
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    while (err == 0 && !done) {
        yaml_event_t e;
        if (!yaml_parser_parse(&r.parser, &e)) {
            err = syntax(&r);
            break;
        }
        done = e.type == YAML_STREAM_END_EVENT;
        err = on_event(&r, &e);
        yaml_event_delete(&e);
    }
    yaml_event_delete(&r.key);
    yaml_parser_delete(&r.parser);
    return err < 0 ? err : 0;
}

/* Reads fd to its end into buf[0..cap). Returns the bytes, cap if there are more. */
static ssize_t read_all(int fd, char *buf, size_t cap)
{
    size_t len = 0;
    while (len < cap) {
        const ssize_t n = read(fd, buf + len, cap - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    return (ssize_t)len;
}

int flatfile_slurp(char **out, size_t *len, const char *path, size_t max)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    char *buf = malloc(max + 2);
    CHECK(buf);
    const ssize_t n = read_all(fd, buf, max + 1);
    close(fd);
    if (n < 0 || (size_t)n > max) {
        free(buf);
        return n < 0 ? (int)n : ERR_TOO_LONG;
    }
    buf[n] = 0;
    *out = buf;
    *len = (size_t)n;
    return 0;
}

int flatfile_read(const char *path, size_t max, flatfile_fn *fn, void *arg, struct flatfile_fault *fault_out)
{
    char *text = NULL;
    size_t len = 0;
    *fault_out = (struct flatfile_fault){0};
    TRY(flatfile_slurp(&text, &len, path, max));
    const int err = flatfile_parse(text, len, fn, arg, fault_out);
    free(text);
    return err;
}
