#include "base/outbuf.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/print.h"

enum { PIECE = 512, PATIENCE_MS = 1000 };

void rti_outbuf_init(struct rti_outbuf *o, int fd, char *buf, size_t cap)
{
    *o = (struct rti_outbuf){.buf = buf, .cap = cap, .fd = fd};
}

/* One write that got nowhere: true if it is worth trying again. */
static bool again(const struct rti_outbuf *o)
{
    if (errno == EINTR)
        return true;
    struct pollfd p = {.fd = o->fd, .events = POLLOUT}; /* somebody made it non-blocking: a terminal, a log's pipe */
    return errno == EAGAIN && poll(&p, 1, PATIENCE_MS) > 0;
}

static void write_out(struct rti_outbuf *o, size_t n)
{
    for (size_t done = 0; done < n && !o->error;) {
        ssize_t w = write(o->fd, o->buf + done, n - done);
        if (w > 0)
            done += (size_t)w;
        else if (!again(o))
            o->error = w < 0 && errno ? -errno : -EIO;
    }
    memmove(o->buf, o->buf + n, o->len - n);
    o->len -= n;
    o->lines = 0;
}

static void append(struct rti_outbuf *o, const char *text, size_t n)
{
    if (o->fd >= 0 && o->len + n > o->cap && o->lines > 0)
        write_out(o, o->lines);
    while (n > 0) {
        size_t room = o->cap - o->len;
        size_t part = n < room ? n : room;
        memcpy(o->buf + o->len, text, part);
        o->len += part;
        text += part;
        n -= part;
        if (n > 0 && o->fd < 0)
            return;
        if (n > 0)
            write_out(o, o->len);
    }
    if (o->len > 0 && o->buf[o->len - 1] == '\n')
        o->lines = o->len;
}

void rti_outbuf_text(struct rti_outbuf *o, const char *fmt, ...)
{
    char piece[PIECE];
    va_list args;
    va_start(args, fmt);
    size_t n = rti_print_format(piece, sizeof piece, fmt, args);
    va_end(args);
    append(o, piece, n);
}

int rti_outbuf_flush(struct rti_outbuf *o)
{
    if (o->fd >= 0)
        write_out(o, o->len);
    return o->error;
}
