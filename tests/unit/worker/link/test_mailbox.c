#include <test.h>

#include <rt/go.h>
#include <rt/rt.h>

#include "worker/link/mailbox.h"

#define NEED(x)                                                                                                        \
    do {                                                                                                               \
        if (!(x))                                                                                                      \
            return __LINE__;                                                                                           \
    } while (0)

enum { POSTS = 5 * MAILBOX_ROOM };

static void post_many(void *arg)
{
    for (uint64_t i = 0; i < POSTS; i++) {
        struct report r = {.kind = REPORT_SHARE, .u.found.nonce = i};
        mailbox_post(arg, &r);
    }
    mailbox_post(arg, &(struct report){.kind = REPORT_EXITED});
}

/* Takes what two posters posted, more than there is room for. */
static int take_all(void *arg)
{
    (void)arg;
    AUTO(mailbox_free) struct mailbox *box = mailbox_new();
    struct report r;
    NEED(!mailbox_take(box, &r));
    rt_go(post_many, box);
    rt_go(post_many, box);
    uint64_t taken = 0, sum = 0;
    for (int exited = 0; exited < 2;) {
        if (!mailbox_take(box, &r)) {
            rt_yield();
            continue;
        }
        exited += r.kind == REPORT_EXITED;
        taken += r.kind == REPORT_SHARE;
        sum += r.kind == REPORT_SHARE ? r.u.found.nonce : 0;
    }
    NEED(taken == 2 * POSTS);
    NEED(sum == (uint64_t)POSTS * (POSTS - 1));
    NEED(!mailbox_take(box, &r));
    return 0;
}

Test(mailbox, a_full_one_holds_its_posters_up_and_loses_nothing, .timeout = 30)
{
    cr_assert_eq(rt_main(&(struct rt_config){.procs = 2}, take_all, NULL), 0);
}
