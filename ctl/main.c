/* main.c - lodectl: parse, run, say whether the output arrived. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/err.h"
#include "ctl/commands.h"

static void set_endpoint(struct session *s, const struct args *args)
{
    const char *from_env = getenv("LODE_ENDPOINT");
    s->endpoint = args->endpoint ? args->endpoint : from_env && *from_env ? from_env : "ipc://./lode-data/control.sock";
    s->endpoint_from = args->endpoint ? "--endpoint" : "LODE_ENDPOINT";
}

/* A standard stream that was closed would be the first number that a socket gets, and output would go there. This one
 * takes no output, and says so. */
static void fill_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

/* 0, or why what was printed did not arrive. */
static int flush_output(void)
{
    bool failed = ferror(stdout) != 0;
    if (fflush(stdout) != 0 && errno != 0)
        return -errno;
    return failed ? -EIO : 0;
}

static bool wants_color(void)
{
    const char *never = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(never && *never) && term && *term;
}

int main(int argc, char **argv)
{
    char error[400];
    struct args args;
    fill_streams();
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a failed write, seen below */
    int err = args_parse(&args, argc, argv, commands_table(), error);
    struct session s = {
        .out = stdout, .err = stderr, .json = args.json, .color = wants_color(), .timeout_ms = args.timeout_ms};
    set_endpoint(&s, &args);
    int status = err < 0 ? session_usage(&s, "%s", error) : commands_run(&s, &args);
    err = flush_output();
    client_free(&s.client);
    if (err < 0 && status == ARGS_OK)
        status = session_fail(&s, err, "cannot write to standard output");
    return status;
}
