/* lode-worker: arguments, signals, start order; nothing else. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <rt/chan.h>
#include <rt/poll.h>
#include <rt/rt.h>
#include <rt/time.h>

#include "common/base/err.h"
#include "common/log/log.h"
#include "worker/kernel/kernel_select.h"
#include "worker/settings.h"
#include "worker/worker.h"

struct app {
    struct settings settings;
    const struct kernel *kernel;
    int signals; /* signalfd of SIGTERM and SIGINT */
    struct rt_chan *stop;
};

static void print_kernels(const struct kernel_menu *menu)
{
    static const char *const states[] = {"unusable", "refused", "ready"}; /* in the order of enum kernel_state */
    printf("%-12s %5s  %-9s %12s  %s\n", "KERNEL", "LANES", "STATE", "MH/S", "WHY");
    for (size_t i = 0; i < menu->count; i++) {
        const struct kernel_entry *e = &menu->entry[i];
        printf("%-12s %5d  %-9s %12.2f  %s\n", e->kernel->name, e->kernel->lanes, states[e->state],
               e->hashes_per_second / 1e6, e->why);
    }
}

/* 0, or an exit status. */
static int choose_kernel(struct app *app)
{
    struct kernel_menu menu;
    kernel_select_probe(&menu);
    int err = kernel_select_measure(&menu, 1, kernel_select_thread_ns);
    if (err < 0)
        LOG_WARN("kernels_not_measured", "code=%s", err_code(err));
    if (app->settings.list_kernels) {
        print_kernels(&menu);
        exit(fflush(stdout) == 0 ? WORKER_EXIT_OK : WORKER_EXIT_FAILED);
    }
    for (size_t i = 0; i < menu.count; i++)
        if (menu.entry[i].state == KERNEL_REFUSED)
            LOG_ERROR("kernel_refused", "kernel=%s why=%s", menu.entry[i].kernel->name, menu.entry[i].why);
    err = kernel_select_pick(&menu, app->settings.kernel, &app->kernel);
    for (size_t i = 0; err == 0 && i < menu.count; i++)
        if (menu.entry[i].kernel == app->kernel)
            app->settings.kernel_rate = menu.entry[i].hashes_per_second;
    if (err == 0)
        return 0;
    fprintf(stderr, "lode-worker: kernel: '%s': %s; --list-kernels shows what there is\n", app->settings.kernel,
            err_text(err));
    return WORKER_EXIT_USAGE;
}

/* A goroutine: every SIGTERM or SIGINT becomes a value in stop. */
static void watch_signals(void *arg)
{
    struct app *app = arg;
    struct rt_pd *pd;
    int err = rt_poll_open(&pd, app->signals);
    if (err < 0) {
        LOG_ERROR("signals", "code=%s", err_code(err));
        return;
    }
    struct signalfd_siginfo info;
    while (rt_read(pd, &info, sizeof info, RT_NO_DEADLINE) == (ssize_t)sizeof info)
        if (rt_try_send(app->stop, NULL) < 0)
            continue; /* one is waiting there already */
}

static int run(void *arg)
{
    struct app *app = arg;
    app->stop = rt_chan_new(0, 1);
    rt_go(watch_signals, app);
    return worker_run(&app->settings, app->kernel, app->stop);
}

/* Signals come through a descriptor; blocked here, in every thread that starts later. The first thing of all: whoever
 * starts a worker may end it while it still measures its kernels, and that is a clean end, too. */
static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int main(int argc, char **argv)
{
    static struct app app;
    app.signals = open_signals();
    if (app.signals < 0) {
        fprintf(stderr, "lode-worker: signals: %s\n", err_text(app.signals));
        return WORKER_EXIT_FAILED;
    }
    AUTO(config_free) struct config *config = config_start(settings_program(), argc, argv);
    char why[SETTINGS_WHY_MAX];
    if (settings_load(&app.settings, config, why) < 0) {
        fprintf(stderr, "lode-worker: %s\n", why);
        return WORKER_EXIT_USAGE;
    }
    log_init("lode-worker", (enum log_form)app.settings.log_form, STDERR_FILENO);
    log_set_level((enum log_level)app.settings.log_level);
    int status = choose_kernel(&app);
    if (status != 0)
        return status;
    status = rt_main(&(struct rt_config){.procs = app.settings.procs}, run, &app);
    if (status < 0) {
        fprintf(stderr, "lode-worker: the runtime did not start: %s\n", err_text(status));
        return WORKER_EXIT_FAILED;
    }
    return status;
}
