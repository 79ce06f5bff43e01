#include "test.h"

#include "common/base/err.h"
#include "common/wire/endpoint.h"

static int parse(struct endpoint *e, const char *text)
{
    return endpoint_parse(e, text, strlen(text));
}

Test(endpoint, the_three_transports_are_understood)
{
    struct endpoint e;
    cr_assert_eq(parse(&e, "tcp://10.1.2.3:7070"), 0);
    cr_assert_eq(e.transport, ENDPOINT_TCP);
    cr_assert_str_eq(e.host, "10.1.2.3");
    cr_assert_eq(e.port, 7070);
    cr_assert_eq(parse(&e, "tcp://[fe80::1]:1"), 0);
    cr_assert_str_eq(e.host, "fe80::1");
    cr_assert_eq(parse(&e, "tcp://*:*"), 0);
    cr_assert_eq(e.port, 0);
    cr_assert_eq(parse(&e, "tcp://a.b-c_d:65535"), 0);
    cr_assert_eq(parse(&e, "ipc:///run/lode/control"), 0);
    cr_assert_eq(e.transport, ENDPOINT_IPC);
    cr_assert_str_eq(e.host, "/run/lode/control");
    cr_assert_eq(parse(&e, "inproc://work"), 0);
    cr_assert_eq(e.transport, ENDPOINT_INPROC);
    cr_assert_eq(parse(NULL, "inproc://work"), 0);
}

Test(endpoint, what_is_malformed_is_refused)
{
    static const char *const bad[] = {
        "",
        "tcp://",
        "tcp://host",
        "tcp://:1",
        "tcp://h:",
        "tcp://h:0",
        "tcp://h:65536",
        "tcp://h:-1",
        "tcp://h:1x",
        "tcp://h:000001",
        "tcp://h h:1",
        "tcp://h/x:1",
        "tcp://[::1:1",
        "tcp://[h]:1",
        "tcp://::1:1",
        "tcp://**:1",
        "udp://h:1",
        "TCP://h:1",
        "ipc://",
        "inproc://",
        "tcp://h:1\n",
        "ipc:///a b",
        "tcp://h;eth0:1",
        "ws://h:1",
        "tcp:/h:1",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        cr_assert_eq(parse(NULL, bad[i]), ERR_FORMAT, "%s", bad[i]);
}

Test(endpoint, what_is_too_long_is_refused)
{
    char text[400];
    memset(text, 'a', sizeof(text));
    memcpy(text, "ipc://", 6);
    cr_assert_eq(endpoint_parse(NULL, text, 6 + ENDPOINT_IPC_PATH_MAX), 0);
    cr_assert_eq(endpoint_parse(NULL, text, 6 + ENDPOINT_IPC_PATH_MAX + 1), ERR_TOO_LONG);
    cr_assert_eq(endpoint_parse(NULL, text, ENDPOINT_LEN_MAX + 1), ERR_TOO_LONG);
}

static bool loopback(const char *text)
{
    struct endpoint e;
    cr_assert_eq(parse(&e, text), 0, "%s", text);
    return endpoint_is_loopback(&e);
}

Test(endpoint, only_addresses_of_this_host_are_loopback)
{
    cr_assert(loopback("tcp://127.0.0.1:1"));
    cr_assert(loopback("tcp://127.255.0.9:1"));
    cr_assert(loopback("tcp://[::1]:1"));
    cr_assert(loopback("tcp://[::ffff:127.0.0.1]:1"));
    cr_assert(loopback("tcp://LocalHost:1"));
    cr_assert(loopback("ipc://x"));
    cr_assert(loopback("inproc://x"));
    cr_assert_not(loopback("tcp://*:1"));
    cr_assert_not(loopback("tcp://0.0.0.0:1"));
    cr_assert_not(loopback("tcp://[::]:1"));
    cr_assert_not(loopback("tcp://128.0.0.1:1"));
    cr_assert_not(loopback("tcp://lo:1"));
    cr_assert_not(loopback("tcp://127.0.0.1.example:1"));
    cr_assert_not(loopback("tcp://localhost.example:1"));
    cr_assert_not(loopback("tcp://[::ffff:10.0.0.1]:1"));
}

static const char *through(const char *named, const char *via)
{
    static char out[64];
    int len = endpoint_through(out, sizeof(out), named, strlen(named), via);
    return len < 0 ? "refused" : out;
}

Test(endpoint, an_any_address_means_the_host_that_was_reached)
{
    cr_assert_str_eq(through("tcp://0.0.0.0:5702", "tcp://coordinator:5701"), "tcp://coordinator:5702");
    cr_assert_str_eq(through("tcp://[::]:5702", "tcp://[fe80::1]:5701"), "tcp://[fe80::1]:5702");
    cr_assert_str_eq(through("tcp://10.0.0.7:5702", "tcp://coordinator:5701"), "tcp://10.0.0.7:5702");
    cr_assert_str_eq(through("ipc://x/tips", "tcp://coordinator:5701"), "ipc://x/tips");
    cr_assert_str_eq(through("tcp://0.0.0.0:5702", "ipc://x/work"), "tcp://0.0.0.0:5702");
    cr_assert_str_eq(through("tcp://:5702", "tcp://coordinator:5701"), "refused");
    char small[8];
    cr_assert_eq(endpoint_through(small, sizeof(small), "ipc://toolong", 13, "ipc://x"), ERR_TOO_LONG);
}
