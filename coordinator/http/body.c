#include "coordinator/http/body.h"

#include <stdio.h>
#include <string.h>

#include "common/base/err.h"

static int read_data(struct body *self, const json_t *value, char *error)
{
    self->data = json_string_value(value);
    self->data_len = json_string_length(value);
    if (!value)
        snprintf(error, BODY_ERROR_CAP, "data: missing required value");
    else if (!json_is_string(value))
        snprintf(error, BODY_ERROR_CAP, "data: is not a string");
    else if (self->data_len == 0)
        snprintf(error, BODY_ERROR_CAP, "data: is empty, 1 to %d bytes are wanted", BODY_DATA_MAX);
    else if (self->data_len > BODY_DATA_MAX)
        snprintf(error, BODY_ERROR_CAP, "data: is %zu bytes long, 1 to %d are wanted", self->data_len, BODY_DATA_MAX);
    else
        return 0;
    return ERR_FORMAT;
}

static int read_goroutines(struct body *self, const json_t *value, char *error)
{
    json_int_t n = json_integer_value(value);
    self->goroutines = 1;
    if (!value)
        return 0;
    if (!json_is_integer(value))
        snprintf(error, BODY_ERROR_CAP, "goroutines: is not a whole number");
    else if (n < 1 || n > BODY_GOROUTINES_MAX)
        snprintf(error, BODY_ERROR_CAP, "goroutines: is %lld, 1 to %d are wanted", (long long)n, BODY_GOROUTINES_MAX);
    else {
        self->goroutines = (int)n;
        return 0;
    }
    return ERR_FORMAT;
}

static int check_keys(json_t *tree, bool with_goroutines, char *error)
{
    const char *key;
    json_t *value;
    json_object_foreach(tree, key, value)
    {
        if (strcmp(key, "data") == 0 || (with_goroutines && strcmp(key, "goroutines") == 0))
            continue;
        snprintf(error, BODY_ERROR_CAP, "%.64s: unknown field", key);
        return ERR_FORMAT;
    }
    return 0;
}

static int read_tree(struct body *out, bool with_goroutines, char *error)
{
    if (!json_is_object(out->tree)) {
        snprintf(error, BODY_ERROR_CAP, "the body is not a JSON object");
        return ERR_FORMAT;
    }
    TRY(check_keys(out->tree, with_goroutines, error));
    TRY(read_data(out, json_object_get(out->tree, "data"), error));
    return read_goroutines(out, json_object_get(out->tree, "goroutines"), error);
}

int body_read(struct body *out, const char *text, size_t len, bool with_goroutines, char error[BODY_ERROR_CAP])
{
    json_error_t at;
    *out = (struct body){0};
    /* jansson takes a raw NUL for the end and does not look behind it. */
    bool has_nul = memchr(text, '\0', len) != NULL;
    if (!has_nul)
        out->tree = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &at);
    if (!out->tree) {
        if (has_nul)
            snprintf(error, BODY_ERROR_CAP, "not valid JSON: a NUL byte");
        else if (len == 0)
            snprintf(error, BODY_ERROR_CAP, "the body is empty, a JSON object is wanted");
        else if (json_error_code(&at) == json_error_null_byte_in_key)
            snprintf(error, BODY_ERROR_CAP, "a key with a NUL in it: unknown field");
        else if (json_error_code(&at) == json_error_duplicate_key)
            snprintf(error, BODY_ERROR_CAP, "%.160s: a field stands there twice", at.text);
        else
            snprintf(error, BODY_ERROR_CAP, "not valid JSON: %.160s (line %d, column %d)", at.text, at.line, at.column);
        return ERR_FORMAT;
    }
    int err = read_tree(out, with_goroutines, error);
    if (err < 0)
        body_free(out);
    return err;
}

void body_free(struct body *self)
{
    json_decref(self->tree);
    *self = (struct body){0};
}
