#include "e2e.h"

#include <sys/stat.h>
#include <unistd.h>

/* As scripts/up starts it. */
static const char *const as_up[] = {"--network", "lode", "--spacing", "2s", "--half-life", "60s", NULL};

/* The examples stand in a shell whose folder holds .lode/data and ./lode-data, as a user's may. */
static void make_places(void)
{
    cr_assert_eq(mkdir(e2e_path(".lode"), 0700), 0);
    cr_assert_eq(symlink("../data", e2e_path(".lode/data")), 0);
    cr_assert_eq(symlink("data", e2e_path("lode-data")), 0);
}

static bool has(const char *program)
{
    char line[64];
    snprintf(line, sizeof line, "command -v %s", program);
    return e2e_shell("has", line) == 0;
}

/* Runs line to its end: the status. Whether it ran into its time-out, as it may on a loaded machine, is in *timed_out.
 */
static int run_once(const char *line, bool *timed_out)
{
    int status = e2e_shell("example", line);
    char *err = e2e_text("example.err");
    *timed_out = strstr(err, "(timeout)") != NULL;
    cr_assert(status == 0 || *timed_out, "'%s' ends with %d: %s", line, status, err);
    free(err);
    cr_assert_eq(truncate(e2e_path("example.err"), 0), 0);
    return status;
}

/* Runs one line of a help text as it stands; where jq is missing, without what follows the pipe into it. */
static void run_example(const char *text, size_t len, bool jq)
{
    char line[512];
    bool timed_out;
    snprintf(line, sizeof line, "%.*s", (int)len, text);
    char *pipe = strstr(line, " | jq ");
    if (pipe && !jq)
        *pipe = '\0';
    for (int tries = 10; run_once(line, &timed_out) != 0; tries--)
        cr_assert_gt(tries, 0, "'%s' times out each time", line);
}

/* stop ends a coordinator, also when its answer comes late; each example has one of its own. */
static void run_stop(const char *text, size_t len, struct e2e_coordinator *c)
{
    char line[512];
    bool timed_out;
    snprintf(line, sizeof line, "%.*s", (int)len, text);
    run_once(line, &timed_out);
    cr_assert_eq(e2e_wait(&c->proc), 0);
    *c = e2e_coordinator("coordinator", as_up);
}

static int run_examples(const char *help, bool stops, struct e2e_coordinator *c, bool jq)
{
    int n = 0;
    const char *at = strstr(help, "Examples:\n");
    cr_assert_not_null(at, "%s", help);
    for (at = strchr(at, '\n') + 1; strncmp(at, "  ", 2) == 0; at = strchr(at, '\n') + 1, n++) {
        size_t len = strcspn(at + 2, "\n");
        if (stops)
            run_stop(at + 2, len, c);
        else
            run_example(at + 2, len, jq);
    }
    return n;
}

/* A worker's metrics come once a second. */
static void wait_for_metrics(void)
{
    long long until = e2e_now_ms() + E2E_WAIT_MS;
    while (e2e_shell("metrics", "lodectl --timeout 20s stats | grep -q /sched/") != 0)
        cr_assert_lt(e2e_now_ms(), until, "no metrics come");
}

E2E(examples, every_line_of_help_runs_as_printed_on_the_chain_of_scripts_up, 400)
{
    json_t *tree = NULL;
    size_t index;
    json_t *command;
    int examples = 0;
    struct e2e_coordinator c = e2e_coordinator("coordinator", as_up);
    struct e2e_proc w1 = e2e_worker("w1", &c);
    make_places();
    bool jq = has("jq");
    wait_for_metrics();
    cr_assert_eq(e2e_ctl(&c, "help", &tree), 0);
    json_array_foreach(json_object_get(tree, "commands"), index, command)
    {
        const char *name = json_string_value(json_object_get(command, "name"));
        const char *help = json_string_value(json_object_get(command, "help"));
        examples += run_examples(help, strcmp(name, "stop") == 0, &c, jq);
    }
    cr_assert_eq(examples, 36);
    json_decref(tree);
    cr_assert_gt(w1.pid, 0);
}

E2E(examples, output_that_cannot_be_written_is_a_failure, 100)
{
    static const char *const lines[] = {
        "lodectl help >/dev/full",
        "lodectl help >&-",
        "lodectl --version >&-",
        "lodectl chain verify --network lode-regtest genesis.bin >/dev/full",
        "lodectl chain replay --network lode-regtest genesis.bin >/dev/full",
        "lodectl chain replay --network lode-regtest genesis.bin >&-",
    };
    struct e2e_coordinator c = e2e_coordinator("coordinator", NULL);
    char line[2 * E2E_PATH];
    snprintf(line, sizeof line, "chain export %s", e2e_path("genesis.bin"));
    cr_assert_eq(e2e_ctl(&c, line, NULL), 0);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        cr_assert_eq(e2e_shell("full", lines[i]), 1, "%s", lines[i]);
        char *err = e2e_text("full.err");
        cr_assert_not_null(strstr(err, "standard output"), "%s: '%s'", lines[i], err);
        cr_assert_eq(truncate(e2e_path("full.err"), 0), 0);
        free(err);
    }
    snprintf(line, sizeof line, "LODE_ENDPOINT=%s lodectl --timeout 60s status >&-", c.control);
    cr_assert_eq(e2e_shell("full", line), 1);
}
