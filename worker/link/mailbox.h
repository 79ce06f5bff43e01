/* mailbox.h - the way of miners to the link: a bounded channel of reports. A full one holds the miner up (back
 * pressure), and nothing that was found is ever dropped in it.
 * Threads: goroutines; any number post, one takes. Memory: one channel of MAILBOX_ROOM values. */
#ifndef WORKER_LINK_MAILBOX_H
#define WORKER_LINK_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include <rt/attr.h>

enum { MAILBOX_ROOM = 64 };

enum report_kind {
    REPORT_SHARE,
    REPORT_BLOCK,
    REPORT_DONE,   /* a lease is hashed whole */
    REPORT_EXITED, /* the last word of a miner */
};

struct report {
    enum report_kind kind;
    int64_t at_ns; /* when it happened */
    union {
        struct report_found { /* SHARE, BLOCK */
            uint64_t job, lease, nonce;
            uint8_t header[80], hash[32];
        } found;
        struct report_done { /* DONE */
            uint64_t lease, start, end, hashes;
            int64_t busy_ns, wait_ns;
        } done;
    } u;
};

struct rt_chan;
struct mailbox;

struct mailbox *mailbox_new(void); /* never NULL; caller owns */
void mailbox_free(struct mailbox **self_p);
/* Waits while it is full. */
void mailbox_post(struct mailbox *self, const struct report *r);
/* False when there is none. Never waits. */
bool mailbox_take(struct mailbox *self, struct report *out) MUST_CHECK;
/* For a select: values are struct report. Borrowed. */
struct rt_chan *mailbox_chan(struct mailbox *self);

#endif
