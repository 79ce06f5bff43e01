#include "run.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/err.h"

static const struct cursor_view none = {0};

/* A port where nobody listens: bound, then closed. */
static void dead_endpoint(char out[64])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, len), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    snprintf(out, 64, "tcp://127.0.0.1:%u", ntohs(at.sin_port));
    close(fd);
}

Test(client, a_question_gets_its_reply)
{
    struct fake_control *fake = run_fake(3);
    struct client *c = NULL;
    struct client_reply reply;
    cr_assert_eq(client_open(&c, fake->endpoint, 2000), 0);
    cr_assert_eq(client_ask(c, "status", none), 0);
    cr_assert_eq(client_next(c, &reply, false), 0);
    cr_assert_eq(reply.code, 0);
    cr_assert_not(reply.more);
    struct cursor height = cursor_map_find(reply.result, "height");
    cr_assert_eq(cursor_u64(&height, 100), 2);
    client_free(&c);
    cr_assert_null(c);
    client_free(&c);
    fake_control_stop(fake);
}

Test(client, an_ipc_endpoint_works_and_a_missing_one_is_unreachable_at_once)
{
    char dir[] = "/tmp/lode-client-XXXXXX", endpoint[128];
    cr_assert_not_null(mkdtemp(dir));
    snprintf(endpoint, sizeof endpoint, "ipc://%s/c.sock", dir);
    struct client *c = NULL;
    cr_assert_eq(client_open(&c, endpoint, 600000), ERR_UNREACHABLE);
    cr_assert_null(c);
    struct fake_control *fake = fake_control_start(endpoint, NULL, 1);
    struct client_reply reply;
    cr_assert_eq(client_open(&c, endpoint, 2000), 0);
    cr_assert_eq(client_ask(c, "health", none), 0);
    cr_assert_eq(client_next(c, &reply, false), 0);
    client_free(&c);
    fake_control_stop(fake);
    unlink(endpoint + 6);
    rmdir(dir);
}

Test(client, an_endpoint_where_nobody_listens_or_that_is_none_is_told_apart)
{
    struct client *c = NULL;
    char dead[64];
    dead_endpoint(dead);
    cr_assert_eq(client_open(&c, dead, 600000), ERR_UNREACHABLE);
    cr_assert_eq(client_open(&c, "tcp://127.0.0.1:*", 100), ERR_FORMAT);
    cr_assert_eq(client_open(&c, "inproc://x", 100), ERR_FORMAT);
    cr_assert_eq(client_open(&c, "127.0.0.1:80", 100), ERR_FORMAT);
    cr_assert_eq(client_open(&c, "tcp://no-such-host.invalid:80", 100), ERR_UNREACHABLE);
    cr_assert_null(c);
}

Test(client, a_silent_coordinator_times_out_and_a_patient_client_too)
{
    struct fake_control *fake = run_fake(1);
    struct client *c = NULL;
    struct client_reply reply;
    atomic_store(&fake->mode, FAKE_SILENT);
    cr_assert_eq(client_open(&c, fake->endpoint, 1000), 0);
    cr_assert_eq(client_ask(c, "status", none), 0);
    cr_assert_eq(client_next(c, &reply, false), ERR_TIMEOUT);
    cr_assert_eq(client_ask(c, "status", none), 0);
    cr_assert_eq(client_next(c, &reply, true), ERR_TIMEOUT);
    cr_assert_eq(atomic_load(&fake->questions), 3, "the ping is missing");
    client_free(&c);
    fake_control_stop(fake);
}

/* Lets the held answer go once pings have shown that the client waits. */
static void *release(void *arg)
{
    struct fake_control *fake = arg;
    bool asked = fake_control_wait(fake, &fake->questions, 3);
    atomic_store(&fake->mode, FAKE_ANSWER);
    return asked ? fake : NULL;
}

Test(client, a_patient_client_waits_while_the_coordinator_lives)
{
    struct fake_control *fake = run_fake(1);
    struct client *c = NULL;
    struct client_reply reply;
    uint8_t buf[64];
    pthread_t thread;
    struct cursor_out args = cursor_out_over(buf, sizeof buf);
    cursor_put_map(&args, 1);
    cursor_put_str(&args, "data");
    cursor_put_array(&args, 2);
    cursor_put_bin(&args, "a", 1);
    cursor_put_bin(&args, "b", 1);
    atomic_store(&fake->mode, FAKE_HOLD_MINE);
    cr_assert_eq(client_open(&c, fake->endpoint, 2000), 0);
    cr_assert_eq(client_ask(c, "mine", cursor_out_view(&args)), 0);
    cr_assert_eq(pthread_create(&thread, NULL, release, fake), 0);
    cr_assert_eq(client_next(c, &reply, true), 0);
    cr_assert(reply.more);
    cr_assert_eq(client_next(c, &reply, true), 0);
    cr_assert_not(reply.more);
    void *asked = NULL;
    pthread_join(thread, &asked);
    cr_assert_not_null(asked, "no ping came");
    client_free(&c);
    fake_control_stop(fake);
}

Test(client, replies_to_an_earlier_question_are_passed_over)
{
    struct fake_control *fake = run_fake(5);
    struct client *c = NULL;
    struct client_reply reply;
    cr_assert_eq(client_open(&c, fake->endpoint, 2000), 0);
    cr_assert_eq(client_ask(c, "workers", none), 0);
    cr_assert_eq(client_ask(c, "status", none), 0);
    cr_assert_eq(client_next(c, &reply, false), 0);
    struct cursor height = cursor_map_find(reply.result, "height");
    cr_assert_eq(cursor_u64(&height, 100), 4);
    cr_assert_eq(height.err, 0);
    client_free(&c);
    fake_control_stop(fake);
}

Test(client, an_answer_that_is_no_message_is_an_error)
{
    struct fake_control *fake = run_fake(1);
    struct client *c = NULL;
    struct client_reply reply;
    atomic_store(&fake->mode, FAKE_GARBAGE);
    cr_assert_eq(client_open(&c, fake->endpoint, 2000), 0);
    cr_assert_eq(client_ask(c, "status", none), 0);
    int err = client_next(c, &reply, false);
    cr_assert(err < 0 && err != ERR_TIMEOUT, "%s", err_code(err));
    client_free(&c);
    fake_control_stop(fake);
}
