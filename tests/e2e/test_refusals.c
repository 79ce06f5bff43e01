#include "e2e.h"

#include <unistd.h>

/* Runs program; status and that standard error names `names`. */
static void refuse(const char *program, const char *const *argv, const char *env, int status, const char *names)
{
    static int count;
    char name[32], file[40];
    snprintf(name, sizeof name, "refused%d", count++);
    int got = e2e_run(name, program, argv, env);
    snprintf(file, sizeof file, "%s.err", name);
    char *err = e2e_text(file);
    cr_assert_eq(got, status, "%s: %d instead of %d, '%s'", program, got, status, err);
    cr_assert_not_null(strstr(err, names), "'%s' does not name '%s'", err, names);
    free(err);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})
static const char *const none[] = {NULL};

E2E(refusals, a_wrong_flag_ends_every_program_with_2_and_is_named, 100)
{
    refuse("lode-coordinator", ARGS("--frobnicate"), NULL, 2, "frobnicate");
    refuse("lode-coordinator", ARGS("--beat", "soon"), NULL, 2, "beat");
    refuse("lode-coordinator", ARGS("--blocks", "-1"), NULL, 2, "blocks");
    refuse("lode-coordinator", ARGS("--network", "nonet"), NULL, 2, "network");
    refuse("lode-coordinator", ARGS("--data-dir", e2e_path("data"), "--ready-fd", "99"), NULL, 2, "ready-fd");
    refuse("lode-worker", ARGS("--frobnicate"), NULL, 2, "frobnicate");
    refuse("lode-worker", ARGS("--procs", "many"), NULL, 2, "procs");
    refuse("lode-worker", ARGS("--coordinator", "http://x"), NULL, 2, "coordinator");
    refuse("lode-worker", ARGS("--kernel", "abacus"), NULL, 2, "abacus");
    refuse("lodectl", ARGS("--frobnicate"), NULL, 2, "frobnicate");
    refuse("lodectl", ARGS("status", "--timeout", "soon"), NULL, 2, "--timeout: expected a duration");
    refuse("lodectl", ARGS("--endpoint", "bogus", "status"), NULL, 2, "--endpoint: expected tcp://HOST:PORT");
    refuse("lodectl", ARGS("status"), "LODE_ENDPOINT=bogus", 2, "LODE_ENDPOINT: expected");
    refuse("lodectl", ARGS("blocks", "--limit", "501"), NULL, 2, "not '501'");
    refuse("lodectl", ARGS("chain", "verify", "--network", "nonet", "f"), NULL, 2, "not 'nonet'");
    refuse("lodectl", ARGS("chain", "verify", "--network", "nonet", "f", "-o", "json"), NULL, 2, "\"code\":\"usage\"");
    refuse("lodectl", ARGS("-o", "json", "chain", "replay", "--spacing", "x"), NULL, 2, "\"exit\":2");
}

E2E(refusals, a_wrong_environment_or_file_is_named, 100)
{
    FILE *f = fopen(e2e_path("lode.yaml"), "w");
    fputs("network: lode-regtest\nfrobnicate: 1\n", f);
    fclose(f);
    refuse("lode-coordinator", none, "LODE_BEAT=soon", 2, "LODE_BEAT");
    refuse("lode-worker", none, "LODE_PROCS=many", 2, "LODE_PROCS");
    refuse("lode-coordinator", ARGS("--config", e2e_path("lode.yaml")), NULL, 2, "frobnicate");
    refuse("lode-coordinator", ARGS("--config", e2e_path("missing.yaml")), NULL, 2, "missing.yaml");
}

E2E(refusals, an_address_off_loopback_needs_insecure, 100)
{
    refuse("lode-coordinator",
           ARGS("--data-dir", e2e_path("data"), "--network", "lode-regtest", "--work", "tcp://127.0.0.1:*", "--tips",
                "tcp://127.0.0.1:*", "--http", "0.0.0.0:0"),
           NULL, 2, "http");
    refuse("lode-coordinator",
           ARGS("--data-dir", e2e_path("data"), "--network", "lode-regtest", "--work", "tcp://0.0.0.0:*", "--tips",
                "tcp://127.0.0.1:*", "--http", "none"),
           NULL, 2, "work");
    refuse("lode-coordinator", ARGS("--data-dir", e2e_path("data"), "--http", "nowhere"), NULL, 2, "http");
    cr_assert_neq(access(e2e_path("data"), F_OK), 0, "a refused address must leave no data directory behind");
}

E2E(refusals, another_network_or_a_second_coordinator_on_the_data_is_3, 100)
{
    struct e2e_coordinator c = e2e_coordinator("first", NULL);
    const char *const second[] = {
        "--data-dir", e2e_path("data"),    "--network", "lode-regtest", "--work", "tcp://127.0.0.1:*",
        "--tips",     "tcp://127.0.0.1:*", "--http",    "none",         NULL};
    const char *const other[] = {"--data-dir", e2e_path("data"),    "--network", "lode", "--work", "tcp://127.0.0.1:*",
                                 "--tips",     "tcp://127.0.0.1:*", "--http",    "none", NULL};
    refuse("lode-coordinator", second, NULL, 3, "data");
    cr_assert_eq(e2e_ctl(&c, "health", NULL), 0);
    cr_assert_eq(e2e_ctl(&c, "stop", NULL), 0);
    cr_assert_eq(e2e_wait(&c.proc), 0);
    refuse("lode-coordinator", other, NULL, 3, "belongs to lode-regtest");
    struct e2e_coordinator again = e2e_coordinator("third", NULL);
    cr_assert_eq(e2e_status(&again, "height"), 0);
}

E2E(refusals, every_program_says_help_and_version, 100)
{
    static const char *const programs[] = {"lode-coordinator", "lode-worker", "lodectl"};
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(e2e_run("help", programs[i], ARGS("--help"), NULL), 0);
        cr_assert_eq(e2e_run("version", programs[i], ARGS("--version"), NULL), 0);
    }
    char *version = e2e_text("version.out");
    for (size_t i = 0; i < 3; i++)
        cr_assert_not_null(strstr(version, programs[i]), "'%s'", version);
    free(version);
}
