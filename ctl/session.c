#include "ctl/session.h"

#include <errno.h>
#include <stdarg.h>

#include "common/base/err.h"
#include "common/json/unpack.h"
#include "ctl/args.h"
#include "ctl/render.h"

int session_status(int code)
{
    switch (code) {
    case ERR_UNREACHABLE:
        return ARGS_UNREACHABLE;
    case ERR_TIMEOUT:
        return ARGS_TIMEOUT;
    case ERR_NOT_FOUND:
        return ARGS_NOT_FOUND;
    case ERR_STATE:
    case ERR_FULL:
    case ERR_PERMISSION:
    case ERR_INSECURE:
    case -EACCES:
    case -EPERM:
        return ARGS_REFUSED;
    default:
        return code < 0 ? ARGS_FAILED : ARGS_OK;
    }
}

static int say(struct session *s, int status, const char *code, char *text)
{
    render_plain(text);
    if (!s->json) {
        fprintf(s->err, "lodectl: %s\n", text);
        return status;
    }
    json_t *error = json_pack("{s:s, s:s, s:i}", "error", text, "code", code, "exit", status);
    json_dumpf(error, s->err, JSON_COMPACT);
    fputc('\n', s->err);
    json_decref(error);
    return status;
}

int session_fail(struct session *s, int code, const char *format, ...)
{
    char what[400], text[640];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    snprintf(text, sizeof text, "%s: %.160s (%.40s)", what, err_text(code), err_code(code));
    return say(s, session_status(code), err_code(code), text);
}

int session_usage(struct session *s, const char *format, ...)
{
    char text[640];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return say(s, ARGS_USAGE, "usage", text);
}

int session_ask(struct session *s, const char *verb, struct cursor_view args)
{
    int err = s->client ? 0 : client_open(&s->client, s->endpoint, s->timeout_ms);
    if (err < 0) {
        session_fail(s, err, "cannot reach a coordinator at %.200s", s->endpoint);
        return err;
    }
    err = client_ask(s->client, verb, args);
    if (err < 0)
        session_fail(s, err, "cannot ask for %s", verb);
    return err;
}

/* The coordinator refused: its own words, and the setting it names. */
static void say_refusal(struct session *s, const struct client_reply *reply)
{
    json_t *result = NULL;
    if (unpack_json(&result, reply->result) < 0)
        result = NULL;
    const char *text = json_string_value(json_object_get(result, "error"));
    const char *key = json_string_value(json_object_get(result, "key"));
    session_fail(s, reply->code, "the coordinator says%s%.60s: %.200s", key ? " of " : "", key ? key : "",
                 text ? text : "no");
    json_decref(result);
}

int session_next(struct session *s, struct client_reply *out, bool patient)
{
    int err = client_next(s->client, out, patient);
    if (err < 0) {
        session_fail(s, err, "no answer from %.200s", s->endpoint);
        return err;
    }
    if (out->code < 0)
        say_refusal(s, out);
    return out->code;
}

int session_next_tree(struct session *s, json_t **out, bool *more, bool patient)
{
    struct client_reply reply;
    TRY(session_next(s, &reply, patient));
    *more = reply.more;
    int err = unpack_json(out, reply.result);
    if (err < 0)
        session_fail(s, err, "the answer is not readable");
    return err;
}

int session_get(struct session *s, json_t **out, const char *verb, struct cursor_view args)
{
    bool more;
    TRY(session_ask(s, verb, args));
    return session_next_tree(s, out, &more, false);
}

/* Appends the list under key of more to that of tree. */
static int join(json_t *tree, json_t *more, const char *key)
{
    json_t *list = json_object_get(tree, key), *rows = json_object_get(more, key);
    if (!json_is_array(list) || !json_is_array(rows))
        return ERR_TYPE;
    if (json_array_size(list) + json_array_size(rows) > SESSION_ROWS_MAX)
        return ERR_TOO_LONG;
    return json_array_extend(list, rows) < 0 ? ERR_TYPE : 0;
}

int session_get_list(struct session *s, json_t **out, const char *verb, const char *key)
{
    bool more;
    AUTO(unpack_free) json_t *tree = NULL;
    TRY(session_ask(s, verb, (struct cursor_view){0}));
    TRY(session_next_tree(s, &tree, &more, false));
    while (more) {
        AUTO(unpack_free) json_t *next = NULL;
        TRY(session_next_tree(s, &next, &more, false));
        int err = join(tree, next, key);
        if (err < 0) {
            session_fail(s, err, "the answer is not readable");
            return err;
        }
    }
    *out = TAKE(tree);
    return 0;
}
