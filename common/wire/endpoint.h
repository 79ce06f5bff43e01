/* endpoint.h - ZeroMQ endpoint strings: parse, check, is it loopback. Pure. Threads: any. Memory: none.
 * On this floor because messages carry endpoints and the configuration checks them. */
#ifndef COMMON_WIRE_ENDPOINT_H
#define COMMON_WIRE_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

enum {
    ENDPOINT_LEN_MAX = 255,
    ENDPOINT_HOST_MAX = 253,
    ENDPOINT_IPC_PATH_MAX = 107, /* sun_path without its NUL */
};

enum endpoint_transport { ENDPOINT_TCP, ENDPOINT_IPC, ENDPOINT_INPROC };

struct endpoint {
    enum endpoint_transport transport;
    char host[ENDPOINT_LEN_MAX + 1]; /* tcp: host, address, interface or "*", without brackets; else the path or name */
    uint16_t port;                   /* tcp; 0 for "*" (any free port) */
};

/* Parses text[0..len). ERR_FORMAT for another transport, an empty or malformed host, a port outside 1..65535 (or "*",
 * for binding), a control character or a space; ERR_TOO_LONG. out may be NULL. No name is resolved. */
int endpoint_parse(struct endpoint *out, const char *text, size_t len) MUST_CHECK;
/* True when only this host can reach it: ipc, inproc, 127.0.0.0/8 (v4-mapped too), ::1, and the name localhost. "*",
 * interface names and other host names are not. */
bool endpoint_is_loopback(const struct endpoint *e);

/* The endpoint to connect to when a peer names `named` and was itself reached through `through` (both texts): a tcp
 * address of "any" (0.0.0.0, [::], *) means the host that was reached; anything else is taken as it is. Writes a
 * NUL-terminated text to out. Its length | ERR_TOO_LONG when it does not fit cap | as endpoint_parse for named. */
int endpoint_through(char *out, size_t cap, const char *named, size_t named_len, const char *through) MUST_CHECK;

#endif
