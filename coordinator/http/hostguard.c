#include "coordinator/http/hostguard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/err.h"

enum { NAME_MAX_LEN = 255 };

/* "host" or "host:port" taken apart; host without the brackets of an IPv6 literal. */
struct authority {
    char host[NAME_MAX_LEN + 1];
    int port; /* -1: none */
};

static int read_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits])
        return ERR_FORMAT;
    long port = strtol(text, NULL, 10);
    return port <= 65535 ? (int)port : ERR_FORMAT;
}

static int read_authority(struct authority *out, const char *text)
{
    const char *host = text, *rest;
    size_t len;
    if (text[0] == '[') {
        host = text + 1;
        len = strcspn(host, "]");
        if (!host[len])
            return ERR_FORMAT;
        rest = host + len + 1;
    } else {
        len = strcspn(text, ":");
        rest = text + len;
    }
    if (len == 0 || len > NAME_MAX_LEN || (*rest && *rest != ':'))
        return ERR_FORMAT;
    memcpy(out->host, host, len);
    out->host[len] = '\0';
    out->port = -1;
    if (*rest)
        TRY(out->port = read_port(rest + 1));
    return 0;
}

/* Fills addr from a literal, or "localhost". False for a name. */
static bool read_literal(const struct authority *from, struct sockaddr_storage *addr, socklen_t *len)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)addr;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)addr;
    uint16_t port = htons((uint16_t)(from->port < 0 ? 0 : from->port));
    const char *host = strcasecmp(from->host, "localhost") == 0 ? "127.0.0.1" : from->host;
    *addr = (struct sockaddr_storage){0};
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = port;
        *len = sizeof *v4;
        return true;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = port;
        *len = sizeof *v6;
        return true;
    }
    return false;
}

int hostguard_parse(const char *text, struct sockaddr_storage *out, socklen_t *len)
{
    struct authority at;
    TRY(read_authority(&at, text));
    return at.port >= 0 && read_literal(&at, out, len) ? 0 : ERR_FORMAT;
}

void hostguard_format(const struct sockaddr_storage *addr, char *out, size_t cap)
{
    char host[INET6_ADDRSTRLEN];
    if (addr->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)addr;
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        snprintf(out, cap, "[%s]:%u", host, ntohs(v6->sin6_port));
    } else {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)addr;
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        snprintf(out, cap, "%s:%u", host, ntohs(v4->sin_port));
    }
}

/* The IPv4 address in addr, its own or a mapped one. */
static bool is_v4(const struct sockaddr_storage *addr, uint32_t *out)
{
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)addr;
    if (addr->ss_family == AF_INET) {
        *out = ntohl(((const struct sockaddr_in *)addr)->sin_addr.s_addr);
        return true;
    }
    if (addr->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        return false;
    uint32_t word;
    memcpy(&word, v6->sin6_addr.s6_addr + 12, sizeof word);
    *out = ntohl(word);
    return true;
}

bool hostguard_is_loopback(const struct sockaddr_storage *addr)
{
    uint32_t v4;
    if (is_v4(addr, &v4))
        return v4 >> 24 == 127;
    return addr->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)addr)->sin6_addr);
}

static bool is_same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    uint32_t v4_a, v4_b;
    if (is_v4(a, &v4_a) && is_v4(b, &v4_b))
        return v4_a == v4_b;
    return a->ss_family == AF_INET6 && b->ss_family == AF_INET6 &&
           memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr, &((const struct sockaddr_in6 *)b)->sin6_addr, 16) == 0;
}

static bool is_listed(const struct authority *at, const char *hosts)
{
    for (const char *entry = hosts; entry && *entry;) {
        size_t len = strcspn(entry, ",");
        char text[NAME_MAX_LEN + 8];
        struct authority listed;
        snprintf(text, sizeof text, "%.*s", (int)(len < sizeof text ? len : 0), entry);
        if (read_authority(&listed, text) == 0 && strcasecmp(listed.host, at->host) == 0 &&
            (listed.port < 0 || listed.port == at->port))
            return true;
        entry += len;
        entry += *entry == ',';
    }
    return false;
}

bool hostguard_host(const char *host, const struct sockaddr_storage *local, const char *hosts)
{
    struct authority at;
    struct sockaddr_storage literal;
    socklen_t len;
    if (read_authority(&at, host) < 0)
        return false;
    if (read_literal(&at, &literal, &len))
        return hostguard_is_loopback(&literal) || is_same_host(&literal, local);
    return is_listed(&at, hosts);
}

bool hostguard_origin(const char *origin, const struct sockaddr_storage *local, const char *hosts)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (strncasecmp(origin, schemes[i], strlen(schemes[i])) == 0)
            return hostguard_host(origin + strlen(schemes[i]), local, hosts);
    return false;
}
