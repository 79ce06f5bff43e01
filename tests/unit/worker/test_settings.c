#include <test.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"
#include "worker/settings.h"

static struct settings settings;
static char why[SETTINGS_WHY_MAX];

/* Loads the flags (NULL-terminated, after the program's name) with an empty environment. */
static int load(const char *const *flags)
{
    static struct config *config; /* the settings borrow from it */
    static char *argv[16];
    char *no_environment[] = {NULL};
    struct config_input in = {.argc = 1, .argv = argv, .envp = no_environment};
    argv[0] = strdup("lode-worker");
    for (; flags[in.argc - 1]; in.argc++)
        argv[in.argc] = strdup(flags[in.argc - 1]);
    struct config_error error;
    config_free(&config);
    int outcome = config_load(&config, settings_program(), &in, &error);
    for (int i = 0; i < in.argc; i++)
        free(argv[i]);
    return outcome < 0 ? outcome : settings_load(&settings, config, why);
}
#define LOAD(...) load((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void make_dir(char dir[64])
{
    snprintf(dir, 64, "/tmp/lode-settings-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
}

Test(settings, defaults_are_one_coordinator_on_loopback_and_the_host_s_name)
{
    cr_assert_eq(LOAD(), 0);
    cr_assert_eq(settings.endpoint_count, 1);
    cr_assert_str_eq(settings.endpoints[0], "tcp://127.0.0.1:5701");
    cr_assert_str_eq(settings.kernel, "auto");
    cr_assert_eq(settings.procs, 0);
    cr_assert_not(settings.secure);
    char host[SETTINGS_NAME_MAX + 1] = {0};
    cr_assert_eq(gethostname(host, sizeof host - 1), 0);
    cr_assert_str_eq(settings.name, host);
}

Test(settings, several_coordinators_keep_their_order)
{
    cr_assert_eq(LOAD("--coordinator", "tcp://127.0.0.1:1,ipc:///tmp/x", "--name", "w1"), 0);
    cr_assert_eq(settings.endpoint_count, 2);
    cr_assert_str_eq(settings.endpoints[1], "ipc:///tmp/x");
    cr_assert_str_eq(settings.name, "w1");
}

Test(settings, a_coordinator_off_loopback_needs_keys_or_the_word_insecure)
{
    cr_assert_eq(LOAD("--coordinator", "tcp://10.0.0.1:5701"), ERR_INSECURE);
    cr_assert_not_null(strstr(why, "10.0.0.1"));
    cr_assert_eq(LOAD("--coordinator", "tcp://10.0.0.1:5701", "--insecure"), 0);
}

Test(settings, keys_and_server_key_come_together)
{
    cr_assert_eq(LOAD("--keys", "/nowhere/k"), ERR_MISSING_KEY);
    cr_assert_eq(LOAD("--server-key", "/nowhere/k.pub"), ERR_MISSING_KEY);
    cr_assert_eq(LOAD("--server-key", "/nowhere/k.pub", "--keys", "/nowhere/k"), -ENOENT);
    cr_assert_not_null(strstr(why, "keys"));
}

Test(settings, a_pair_of_keys_makes_it_secure)
{
    char dir[64], pair[80], public_key[88];
    make_dir(dir);
    snprintf(pair, sizeof pair, "%s/w", dir);
    snprintf(public_key, sizeof public_key, "%s.pub", pair);
    struct keys made;
    cr_assert_eq(keys_make(pair, &made), 0);
    cr_assert_eq(LOAD("--keys", pair, "--server-key", public_key, "--coordinator", "tcp://10.0.0.1:5701"), 0);
    cr_assert(settings.secure);
    cr_assert_str_eq(settings.server_key, made.public_key);
}

Test(settings, the_uuid_is_kept_in_the_state_directory_and_random_without_one)
{
    char dir[64], state[80];
    uint8_t first[16], again[16];
    struct stat st;
    make_dir(dir);
    snprintf(state, sizeof state, "%s/new", dir);
    cr_assert_eq(settings_uuid(first, state), 0);
    cr_assert_eq(settings_uuid(again, state), 0);
    cr_assert_arr_eq(first, again, 16);
    snprintf(state, sizeof state, "%s/new/uuid", dir);
    cr_assert_eq(stat(state, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    cr_assert_eq(settings_uuid(again, ""), 0);
    cr_assert(memcmp(first, again, 16) != 0);
}

Test(settings, a_uuid_file_with_something_else_in_it_is_refused_and_left_alone)
{
    char dir[64], path[80], text[16] = {0};
    uint8_t uuid[16];
    make_dir(dir);
    snprintf(path, sizeof path, "%s/uuid", dir);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fputs("not a uuid\n", f);
    fclose(f);
    cr_assert_eq(settings_uuid(uuid, dir), ERR_FORMAT);
    f = fopen(path, "r");
    cr_assert_not_null(fgets(text, sizeof text, f));
    fclose(f);
    cr_assert_str_eq(text, "not a uuid\n");
    cr_assert_eq(LOAD("--state-dir", dir), ERR_FORMAT);
    cr_assert_not_null(strstr(why, "state-dir"));
}

Test(settings, a_state_directory_that_cannot_be_made_is_named)
{
    cr_assert_eq(LOAD("--state-dir", "/proc/nowhere/x"), -ENOENT);
    cr_assert_not_null(strstr(why, "/proc/nowhere/x"));
}
