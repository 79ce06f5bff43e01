#include "common/wire/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/err.h"

/* Letters, digits and what names, interfaces and addresses need. */
static bool is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
}

static int parse_port(uint16_t *out, const char *text, size_t len)
{
    unsigned v = 0;
    if (len == 1 && text[0] == '*') {
        *out = 0;
        return 0;
    }
    if (len == 0 || len > 5)
        return ERR_FORMAT;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return ERR_FORMAT;
        v = v * 10 + (unsigned)(text[i] - '0');
    }
    if (v == 0 || v > UINT16_MAX)
        return ERR_FORMAT;
    *out = (uint16_t)v;
    return 0;
}

/* [IPv6 address], without its brackets in out. */
static int parse_v6(char *out, const char *text, size_t len)
{
    struct in6_addr ignored;
    if (len < 4 || text[len - 1] != ']')
        return ERR_FORMAT;
    memcpy(out, text + 1, len - 2);
    out[len - 2] = 0;
    return inet_pton(AF_INET6, out, &ignored) == 1 ? 0 : ERR_FORMAT;
}

static int parse_host(char *out, const char *text, size_t len)
{
    if (len == 0)
        return ERR_FORMAT;
    if (len > ENDPOINT_HOST_MAX)
        return ERR_TOO_LONG;
    if (text[0] == '[')
        return parse_v6(out, text, len);
    for (size_t i = 0; i < len && !(len == 1 && text[0] == '*'); i++)
        if (!is_host_char(text[i]))
            return ERR_FORMAT;
    memcpy(out, text, len);
    out[len] = 0;
    return 0;
}

static int parse_tcp(struct endpoint *out, const char *rest, size_t len)
{
    const char *colon = memrchr(rest, ':', len);
    if (!colon)
        return ERR_FORMAT;
    const size_t host_len = (size_t)(colon - rest);
    TRY(parse_host(out->host, rest, host_len));
    return parse_port(&out->port, colon + 1, len - host_len - 1);
}

static int parse_name(struct endpoint *out, const char *rest, size_t len)
{
    if (len == 0)
        return ERR_FORMAT;
    if (out->transport == ENDPOINT_IPC && len > ENDPOINT_IPC_PATH_MAX)
        return ERR_TOO_LONG;
    memcpy(out->host, rest, len);
    out->host[len] = 0;
    return 0;
}

static int parse_rest(struct endpoint *out, const char *text, size_t len)
{
    static const char *const schemes[] = {
        [ENDPOINT_TCP] = "tcp://", [ENDPOINT_IPC] = "ipc://", [ENDPOINT_INPROC] = "inproc://"};
    for (size_t t = 0; t < ARRAY_LEN(schemes); t++) {
        const size_t n = strlen(schemes[t]);
        if (len < n || memcmp(text, schemes[t], n) != 0)
            continue;
        out->transport = (enum endpoint_transport)t;
        return t == ENDPOINT_TCP ? parse_tcp(out, text + n, len - n) : parse_name(out, text + n, len - n);
    }
    return ERR_FORMAT;
}

int endpoint_parse(struct endpoint *out, const char *text, size_t len)
{
    struct endpoint e = {0};
    if (len > ENDPOINT_LEN_MAX)
        return ERR_TOO_LONG;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f)
            return ERR_FORMAT;
    TRY(parse_rest(&e, text, len));
    if (out)
        *out = e;
    return 0;
}

bool endpoint_is_loopback(const struct endpoint *e)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (e->transport != ENDPOINT_TCP)
        return true;
    if (inet_pton(AF_INET, e->host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, e->host, &v6) == 1)
        return memcmp(&v6, &in6addr_loopback, sizeof(v6)) == 0 || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
    return strcasecmp(e->host, "localhost") == 0;
}

static bool is_any(const char *host)
{
    return strcmp(host, "*") == 0 || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

int endpoint_through(char *out, size_t cap, const char *named, size_t named_len, const char *through)
{
    struct endpoint to, via;
    TRY(endpoint_parse(&to, named, named_len));
    int len;
    if (to.transport == ENDPOINT_TCP && is_any(to.host) && endpoint_parse(&via, through, strlen(through)) == 0 &&
        via.transport == ENDPOINT_TCP) {
        const bool v6 = strchr(via.host, ':') != NULL;
        len = snprintf(out, cap, v6 ? "tcp://[%s]:%u" : "tcp://%s:%u", via.host, (unsigned)to.port);
    } else {
        len = snprintf(out, cap, "%.*s", (int)named_len, named);
    }
    return len < 0 || (size_t)len >= cap ? ERR_TOO_LONG : len;
}
