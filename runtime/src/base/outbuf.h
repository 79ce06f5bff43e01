/* outbuf.h - many lines of text to a descriptor with few writes, or into memory; from anywhere, signal handlers
 * included. Threads: one at a time. Memory: the caller's buffer.
 * To a descriptor, each write ends at the end of a line unless one line is longer than the buffer: lines of different
 * threads do not mix within a pipe's 4096 bytes. */
#ifndef RTI_OUTBUF_H
#define RTI_OUTBUF_H

#include <stddef.h>

#include <rt/attr.h>

struct rti_outbuf {
    char *buf;
    size_t cap, len;
    size_t lines; /* bytes of buf up to and with the last newline */
    int fd;       /* negative: only memory */
    int error;    /* 0, or -errno of the first write that failed; what comes after it is dropped */
};

/* buf has room for cap > 0 bytes. fd negative: what does not fit into buf is dropped. */
void rti_outbuf_init(struct rti_outbuf *o, int fd, char *buf, size_t cap);
/* As rti_print_text; one call adds at most 511 bytes. */
void rti_outbuf_text(struct rti_outbuf *o, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Writes what is left. 0 | -errno of the first failed write. */
int rti_outbuf_flush(struct rti_outbuf *o);

#endif
