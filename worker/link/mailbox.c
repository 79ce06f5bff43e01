#include "worker/link/mailbox.h"

#include <stdlib.h>

#include <rt/chan.h>

#include "common/base/check.h"

struct mailbox {
    struct rt_chan *chan;
};

struct mailbox *mailbox_new(void)
{
    struct mailbox *self = calloc(1, sizeof *self);
    CHECK(self);
    self->chan = rt_chan_new(sizeof(struct report), MAILBOX_ROOM);
    return self;
}

void mailbox_free(struct mailbox **self_p)
{
    if (*self_p)
        rt_chan_free(&(*self_p)->chan);
    free(*self_p);
    *self_p = NULL;
}

void mailbox_post(struct mailbox *self, const struct report *r)
{
    rt_send(self->chan, r);
}

bool mailbox_take(struct mailbox *self, struct report *out)
{
    return rt_try_recv(self->chan, out) == 1;
}

struct rt_chan *mailbox_chan(struct mailbox *self)
{
    return self->chan;
}
