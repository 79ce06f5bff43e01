/* hostguard.h - who may be asked for, and from where: the address to bind, the Host header (DNS rebinding: a name of
 * the attacker's that resolves to us must not be served) and the Origin header (a page of the attacker's that posts to
 * us). Pure. Threads: any. Memory: none. */
#ifndef COORDINATOR_HTTP_HOSTGUARD_H
#define COORDINATOR_HTTP_HOSTGUARD_H

#include <stdbool.h>
#include <sys/socket.h>

#include <rt/attr.h>

/* Reads "127.0.0.1:8080", "[::1]:8080" or "localhost:8080" (which is 127.0.0.1); port 0 to 65535. 0 or ERR_FORMAT. */
int hostguard_parse(const char *text, struct sockaddr_storage *out, socklen_t *len) MUST_CHECK;
/* Writes addr in the same form into out[cap]; cap 64 is enough. */
void hostguard_format(const struct sockaddr_storage *addr, char *out, size_t cap);
/* True for 127.0.0.0/8 and ::1, also mapped into IPv6. */
bool hostguard_is_loopback(const struct sockaddr_storage *addr);

/* Whether host ("name", "name:port", a literal with or without a port) may be served on a connection whose own end is
 * local: "localhost", a loopback literal, the literal of local itself (a literal cannot be rebound), or a name of the
 * comma-separated list hosts (NULL: none; an entry without a port stands for every port; letter case is ignored). */
bool hostguard_host(const char *host, const struct sockaddr_storage *local, const char *hosts);
/* The same for an Origin ("http://" or "https://" and a host). "null" is refused. */
bool hostguard_origin(const char *origin, const struct sockaddr_storage *local, const char *hosts);

#endif
