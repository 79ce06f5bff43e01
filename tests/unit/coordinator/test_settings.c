#include "test.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/err.h"
#include "coordinator/settings.h"

/* Loads with these flags (NULL-terminated) and no environment. */
static int load(struct settings *out, struct config **config, char **argv, char why[static 256])
{
    char *none[] = {NULL};
    struct config_input in = {.argv = argv, .envp = none};
    while (argv[in.argc])
        in.argc++;
    struct config_error err;
    int loaded = config_load(config, &settings_program, &in, &err);
    if (loaded < 0) {
        (void)snprintf(why, 256, "%.255s", err.text);
        return loaded;
    }
    return settings_read(out, *config, why);
}

#define ARGS(...) ((char *[]){(char[]){"lode-coordinator"}, __VA_ARGS__ __VA_OPT__(, ) NULL})

Test(settings, defaults_are_the_contract_s)
{
    struct settings s;
    struct config *c = NULL;
    char why[256] = "";
    cr_assert_eq(load(&s, &c, ARGS(), why), 0, "%s", why);
    cr_assert_str_eq(s.network->name, "lode");
    cr_assert_str_eq(s.data_dir, "./lode-data");
    cr_assert_str_eq(s.work, "tcp://127.0.0.1:5701");
    cr_assert_str_eq(s.tips, "tcp://127.0.0.1:5702");
    cr_assert_str_eq(s.control, "ipc://./lode-data/control.sock");
    cr_assert_str_eq(s.http, "127.0.0.1:8080");
    cr_assert_str_eq(s.tag, "lode");
    cr_assert_eq(s.blocks, 0);
    cr_assert_eq(s.share_rate, 10);
    cr_assert_eq(s.lease_ms, 30000);
    cr_assert_eq(s.beat_ms, 1000);
    cr_assert_eq(s.dead_ms, 5000);
    cr_assert_eq(s.metrics_ms, 1000);
    cr_assert_eq(s.ready_fd, -1);
    cr_assert_not(s.insecure);
    config_free(&c);
}

Test(settings, none_disables_control_and_http)
{
    struct settings s;
    struct config *c = NULL;
    char why[256] = "", a[] = "--control=none", b[] = "--http=none";
    cr_assert_eq(load(&s, &c, ARGS(a, b), why), 0);
    cr_assert_null(s.control);
    cr_assert_null(s.http);
    config_free(&c);
}

static void refused(char *flag, const char *key)
{
    struct settings s;
    struct config *c = NULL;
    char why[256] = "";
    cr_assert_lt(load(&s, &c, ARGS(flag), why), 0, "%s", flag);
    cr_assert_not_null(strstr(why, key), "%s: %s", flag, why);
    config_free(&c);
}

Test(settings, what_is_wrong_is_named)
{
    refused((char[]){"--network=bitcoin-mainnet"}, "network");
    refused((char[]){"--share-rate=0"}, "share-rate");
    refused((char[]){"--ready-fd=x"}, "ready-fd");
    refused((char[]){"--ready-fd=-2"}, "ready-fd");
    refused((char[]){"--ready-fd=987654"}, "987654 is not open");
    refused((char[]){"--dead=1500ms"}, "dead");
    refused((char[]){"--data-dir="}, "data-dir");
    refused((char[]){"--no-such"}, "no-such");
    refused((char[]){"--tag=0123456789012345678901234567890123456789012345678901234567890123456789"}, "tag");
}

Test(settings, the_ready_line_needs_a_descriptor_that_takes_it)
{
    int ends[2];
    char why[256] = "", text[32];
    struct settings s;
    struct config *c = NULL;
    cr_assert_eq(pipe(ends), 0);
    (void)snprintf(text, sizeof text, "--ready-fd=%d", ends[1]);
    cr_assert_eq(load(&s, &c, ARGS(text), why), 0, "%s", why);
    cr_assert_eq(s.ready_fd, ends[1]);
    config_free(&c);
    (void)snprintf(text, sizeof text, "--ready-fd=%d", ends[0]);
    cr_assert_eq(load(&s, &c, ARGS(text), why), -EBADF);
    cr_assert_not_null(strstr(why, "for writing"));
    config_free(&c);
    close(ends[0]);
    close(ends[1]);
}

Test(settings, spacing_needs_a_network_that_retargets)
{
    struct settings s;
    struct config *c = NULL;
    char why[256] = "", a[] = "--network=lode-regtest", b[] = "--spacing=20s", d[] = "--half-life=2m";
    cr_assert_eq(load(&s, &c, ARGS(a, b), why), ERR_RANGE);
    cr_assert_not_null(strstr(why, "spacing"));
    config_free(&c);
    cr_assert_eq(load(&s, &c, ARGS(b, d), why), 0);
    cr_assert_eq(s.spacing_s, 20);
    cr_assert_eq(s.half_life_s, 120);
    config_free(&c);
}

Test(settings, too_many_workers_for_the_descriptors_are_refused_when_said_and_lowered_when_not)
{
    struct rlimit limit = {200, 200};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    char why[256] = "";
    struct settings s = {.max_workers = 100, .max_workers_said = true};
    cr_assert_eq(settings_check_descriptors(&s, why), ERR_FULL);
    cr_assert_not_null(strstr(why, "max-workers"));
    s.max_workers_said = false;
    cr_assert_eq(settings_check_descriptors(&s, why), 0);
    cr_assert_eq(s.max_workers, (200 - SETTINGS_DESCRIPTORS_RESERVE) / 2);
    s = (struct settings){.max_workers = 60, .max_workers_said = true};
    cr_assert_eq(settings_check_descriptors(&s, why), 0);
}

Test(settings, parts_of_a_second_are_refused_and_not_rounded)
{
    struct settings s;
    struct config *c = NULL;
    char why[256] = "", a[] = "--spacing=1500ms", b[] = "--half-life=100ms";
    cr_assert_eq(load(&s, &c, ARGS(a), why), ERR_RANGE);
    cr_assert_not_null(strstr(why, "spacing"));
    config_free(&c);
    cr_assert_eq(load(&s, &c, ARGS(b), why), ERR_RANGE);
    cr_assert_not_null(strstr(why, "half-life"));
    config_free(&c);
}
