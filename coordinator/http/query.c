#include "coordinator/http/query.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"

/* Steps over one key=value of the query. False at its end. */
static bool next_pair(const char **at, const char **key, size_t *key_len, const char **value, size_t *value_len)
{
    *at += strspn(*at, "&");
    if (!**at)
        return false;
    size_t len = strcspn(*at, "&");
    const char *equals = memchr(*at, '=', len);
    *key = *at;
    *key_len = equals ? (size_t)(equals - *at) : len;
    *value = equals ? equals + 1 : "";
    *value_len = equals ? len - *key_len - 1 : 0;
    *at += len;
    return true;
}

int query_number(const char *query, const char *key, long long *out)
{
    const char *at = query ? query : "", *name, *value;
    size_t name_len, value_len;
    int found = 0;
    while (next_pair(&at, &name, &name_len, &value, &value_len)) {
        if (name_len != strlen(key) || memcmp(name, key, name_len) != 0)
            continue;
        if (found || value_len == 0 || value_len > 18 || strspn(value, "0123456789") < value_len)
            return ERR_FORMAT;
        *out = strtoll(value, NULL, 10);
        found = 1;
    }
    return found;
}

int query_known(const char *query, const char *const *keys, char *out, size_t cap)
{
    const char *at = query ? query : "", *name, *value;
    size_t name_len, value_len;
    while (next_pair(&at, &name, &name_len, &value, &value_len)) {
        bool known = false;
        for (const char *const *key = keys; *key; key++)
            known |= name_len == strlen(*key) && memcmp(name, *key, name_len) == 0;
        if (known)
            continue;
        size_t n = name_len < cap - 1 ? name_len : cap - 1;
        memcpy(out, name, n);
        out[n] = '\0';
        return ERR_UNKNOWN_KEY;
    }
    return 0;
}
