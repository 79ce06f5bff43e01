#include "coordinator/reactor/sockets.h"

#include <stdio.h>
#include <string.h>

#include "common/base/err.h"

enum {
    WORK_THREAD = 1 << 0, /* of the context's I/O threads, as a mask: tips have one of their own, so that telemetry */
    TIPS_THREAD = 1 << 1, /* does not delay them */
    CONTROL_HWM = 2048,   /* a `mine` is answered once per block, up to 1000 times */
    CONTROL_BYTES = 1 << 20,
};

struct plan {
    const char *name, *endpoint;
    struct frame_options options;
};

static int open_one(struct sockets *self, enum sockets_which which, const struct sockets_config *config,
                    const struct plan *plan, char why[static SOCKETS_WHY_MAX])
{
    int err = frame_bind(&self->at[which], config->zmq, &plan->options, plan->endpoint);
    if (err == 0)
        err = frame_endpoint(self->at[which], self->endpoint[which], sizeof self->endpoint[which]);
    if (err < 0)
        (void)snprintf(why, SOCKETS_WHY_MAX, "%s: %s: %s", plan->name, plan->endpoint, err_text(err));
    return err;
}

int sockets_open(struct sockets *self, const struct sockets_config *config, char why[static SOCKETS_WHY_MAX])
{
    *self = (struct sockets){0};
    const struct frame_options control = {
        .kind = FRAME_ROUTER, .rcvhwm = 64, .sndhwm = CONTROL_HWM, .max_bytes = CONTROL_BYTES, .affinity = WORK_THREAD};
    const struct plan plans[SOCKETS_COUNT] = {
        [SOCKETS_WORK] = {"work",
                          config->work,
                          {.kind = FRAME_ROUTER,
                           .rcvhwm = 64,
                           .sndhwm = 256,
                           .insecure = config->insecure,
                           .affinity = WORK_THREAD}},
        [SOCKETS_TIPS] =
            {"tips",
             config->tips,
             {.kind = FRAME_XPUB, .sndhwm = 16, .rcvhwm = 16, .insecure = config->insecure, .affinity = TIPS_THREAD}},
        [SOCKETS_CONTROL] = {"control", config->control, control},
        [SOCKETS_INSIDE] = {"control", "inproc://control", control},
    };
    for (int i = 0; i < SOCKETS_COUNT; i++) {
        if (!plans[i].endpoint) {
            (void)snprintf(self->endpoint[i], sizeof self->endpoint[i], "none");
            continue;
        }
        int err = open_one(self, (enum sockets_which)i, config, &plans[i], why);
        if (err < 0) {
            sockets_close(self);
            return err;
        }
    }
    return 0;
}

void sockets_close(struct sockets *self)
{
    for (int i = 0; i < SOCKETS_COUNT; i++)
        frame_close(&self->at[i]);
}
