/* play.h - one worker process's inside against one fake coordinator: what the worker's tests share. */
#ifndef TESTS_PLAY_H
#define TESTS_PLAY_H

#include <fcntl.h>

#include <rt/chan.h>
#include <rt/poll.h>
#include <rt/rt.h>
#include <rt/time.h>

#include "common/log/log.h"
#include "fake_coordinator.h"
#include "worker/kernel/kernel_select.h"
#include "worker/settings.h"
#include "worker/worker.h"

/* One worker against one fake coordinator. stop_fd: a byte in it is a SIGTERM. */
struct play {
    struct settings settings;
    int stop_pipe[2];
    struct rt_chan *stop;
    int procs;
    bool stop_early; /* the SIGTERM is there before the worker is */
};

static struct fake fake;
static struct play play = {.procs = 2};

static void forward_stop(void *arg)
{
    struct play *p = arg;
    struct rt_pd *pd;
    uint8_t byte;
    if (rt_poll_open(&pd, p->stop_pipe[0]) < 0 || rt_read(pd, &byte, 1, RT_NO_DEADLINE) != 1)
        return;
    rt_send(p->stop, NULL);
}

static inline const struct kernel *portable(void)
{
    for (const struct kernel *const *k = kernel_list(); *k; k++)
        if (strcmp((*k)->name, "portable") == 0)
            return *k;
    return NULL;
}

static int play_app(void *arg)
{
    struct play *p = arg;
    p->stop = rt_chan_new(0, 1);
    rt_go(forward_stop, p);
    return worker_run(&p->settings, portable(), p->stop);
}

static inline void stop_now(void)
{
    if (write(play.stop_pipe[1], "x", 1) != 1)
        abort();
}

/* Runs the worker until it ends; returns its exit status. */
static inline int run(void)
{
    cr_assert_eq(pipe2(play.stop_pipe, O_CLOEXEC), 0);
    log_set_level(LOG_LEVEL_ERROR);
    if (play.settings.endpoint_count == 0)
        play.settings.endpoints[play.settings.endpoint_count++] = fake.work_ep;
    snprintf(play.settings.name, sizeof play.settings.name, "w1");
    play.settings.uuid[0] = 9;
    if (play.stop_early)
        stop_now();
    fake_start(&fake);
    int status = rt_main(&(struct rt_config){.procs = play.procs}, play_app, &play);
    fake_join(&fake);
    return status;
}

#endif
