/* main.c - lodectl: parse, run, say whether the output arrived. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/err.h"
#include "ctl/commands.h"

static const char *endpoint_of(const struct args *args)
{
    const char *from_env = getenv("LODE_ENDPOINT");
    return args->endpoint ? args->endpoint : from_env && *from_env ? from_env : "ipc://./lode-data/control.sock";
}

static bool wants_color(void)
{
    const char *never = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(never && *never) && term && *term;
}

int main(int argc, char **argv)
{
    char error[256];
    struct args args;
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a failed write, seen below */
    int err = args_parse(&args, argc, argv, commands_table(), error);
    struct session s = {.out = stdout,
                        .err = stderr,
                        .json = args.json,
                        .color = wants_color(),
                        .endpoint = endpoint_of(&args),
                        .timeout_ms = args.timeout_ms};
    int status = err < 0 ? session_usage(&s, "%s", error) : commands_run(&s, &args);
    client_free(&s.client);
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == ARGS_OK)
        status = session_fail(&s, -errno, "cannot write to standard output");
    return status;
}
