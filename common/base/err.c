#include "common/base/err.h"

#include <stddef.h>
#include <string.h>

#include <rt/attr.h>

static const struct {
    int value;
    const char *code;
    const char *text;
} table[] = {
#define ERR_ROW(name, value, code, text) {value, code, text},
    ERR_TABLE(ERR_ROW)
#undef ERR_ROW
};

const char *err_code(int err)
{
    if (err >= 0)
        return "ok";
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].value == err)
            return table[i].code;
    const char *name = err > -1000 ? strerrorname_np(-err) : NULL;
    return name ? name : "unknown";
}

const char *err_text(int err)
{
    if (err >= 0)
        return "success";
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].value == err)
            return table[i].text;
    const char *text = err > -1000 ? strerrordesc_np(-err) : NULL;
    return text ? text : "unknown error";
}
