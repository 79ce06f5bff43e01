#include "plant.h"

#include <sys/stat.h>

static int try_open(struct sockets_config config, char why[static SOCKETS_WHY_MAX])
{
    struct sockets s;
    config.zmq = frame_context_new(SOCKETS_IO_THREADS, 0);
    int err = sockets_open(&s, &config, why);
    if (err == 0)
        sockets_close(&s);
    for (int i = 0; i < SOCKETS_COUNT; i++)
        cr_assert_null(s.at[i]);
    frame_context_free(&config.zmq);
    return err;
}

Test(sockets, a_wildcard_port_is_told_as_the_real_one)
{
    struct plant *p = plant_new(0);
    cr_assert_null(strchr(p->sockets.endpoint[SOCKETS_WORK], '*'));
    cr_assert_eq(strncmp(p->sockets.endpoint[SOCKETS_WORK], "tcp://127.0.0.1:", 16), 0);
    cr_assert_str_neq(p->sockets.endpoint[SOCKETS_WORK], p->sockets.endpoint[SOCKETS_TIPS]);
    cr_assert_eq(plant_stop(p), 0);
    plant_remove(p);
}

Test(sockets, the_control_socket_is_for_its_owner_alone)
{
    struct plant *p = plant_new(0);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/control.sock", p->dir);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    cr_assert_eq(plant_stop(p), 0);
    plant_remove(p);
}

Test(sockets, control_may_be_switched_off)
{
    struct frame_context *zmq = frame_context_new(SOCKETS_IO_THREADS, 0);
    struct sockets_config config = {.zmq = zmq, .work = "tcp://127.0.0.1:*", .tips = "tcp://127.0.0.1:*"};
    struct sockets s;
    char why[SOCKETS_WHY_MAX];
    cr_assert_eq(sockets_open(&s, &config, why), 0);
    cr_assert_null(s.at[SOCKETS_CONTROL]);
    cr_assert_str_eq(s.endpoint[SOCKETS_CONTROL], "none");
    cr_assert_not_null(s.at[SOCKETS_INSIDE]);
    sockets_close(&s);
    frame_context_free(&zmq);
}

Test(sockets, off_loopback_nothing_is_open_without_keys_unless_insecure_is_said)
{
    char why[SOCKETS_WHY_MAX] = "";
    struct sockets_config config = {.work = "tcp://0.0.0.0:*", .tips = "tcp://127.0.0.1:*"};
    cr_assert_eq(try_open(config, why), ERR_INSECURE);
    cr_assert_not_null(strstr(why, "work: tcp://0.0.0.0:*"));
    config = (struct sockets_config){.work = "tcp://127.0.0.1:*", .tips = "tcp://0.0.0.0:*"};
    cr_assert_eq(try_open(config, why), ERR_INSECURE);
    cr_assert_not_null(strstr(why, "tips"));
    config.insecure = true;
    cr_assert_eq(try_open(config, why), 0);
}

Test(sockets, what_is_wrong_is_named)
{
    char why[SOCKETS_WHY_MAX] = "";
    struct sockets_config config = {.work = "nonsense", .tips = "tcp://127.0.0.1:*"};
    cr_assert_lt(try_open(config, why), 0);
    cr_assert_not_null(strstr(why, "nonsense"));
    struct plant *p = plant_new(0);
    config.work = p->sockets.endpoint[SOCKETS_WORK];
    cr_assert_eq(try_open(config, why), -EADDRINUSE);
    cr_assert_eq(plant_stop(p), 0);
    plant_remove(p);
}
