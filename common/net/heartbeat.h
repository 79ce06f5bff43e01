/* heartbeat.h - last heard, next beat due, when to give up. Pure arithmetic fed with times. Threads: any, one at a
 * time. Memory: none. Follows the liveness rules of the protocol: any message is a beat; silent for
 * HEARTBEAT_SUSPECT_BEATS intervals is suspect, silent for dead_ns is dead. */
#ifndef COMMON_NET_HEARTBEAT_H
#define COMMON_NET_HEARTBEAT_H

#include <stdint.h>

enum { HEARTBEAT_SUSPECT_BEATS = 3, HEARTBEAT_DEAD_BEATS = 5 };
enum heartbeat_state { HEARTBEAT_LIVE, HEARTBEAT_SUSPECT, HEARTBEAT_DEAD };

struct heartbeat {
    int64_t beat_ns; /* interval, above 0 */
    int64_t dead_ns; /* silence that ends the session */
    int64_t heard_ns, sent_ns;
};

/* Starts at now_ns as if just heard from and just sent to. dead_ns 0: HEARTBEAT_DEAD_BEATS intervals. All times are of
 * one monotonic clock. A dead_ns of less than one beat counts as one beat. */
void heartbeat_init(struct heartbeat *self, int64_t beat_ns, int64_t dead_ns, int64_t now_ns);
/* New intervals (CONFIG); what was heard and sent stays. */
void heartbeat_set(struct heartbeat *self, int64_t beat_ns, int64_t dead_ns);
/* Something came, something was sent. An older time than the last one changes nothing. */
void heartbeat_heard(struct heartbeat *self, int64_t now_ns);
void heartbeat_sent(struct heartbeat *self, int64_t now_ns);
enum heartbeat_state heartbeat_state(const struct heartbeat *self, int64_t now_ns);
/* When we must send a beat unless something else is sent before. */
int64_t heartbeat_due_ns(const struct heartbeat *self);
/* When the state changes next if nothing is heard; INT64_MAX when dead. */
int64_t heartbeat_next_ns(const struct heartbeat *self, int64_t now_ns);

#endif
