#include "test.h"

#include <netinet/in.h>

#include "common/base/err.h"
#include "coordinator/http/hostguard.h"

static struct sockaddr_storage at(const char *text)
{
    struct sockaddr_storage addr;
    socklen_t len;
    cr_assert_eq(hostguard_parse(text, &addr, &len), 0);
    return addr;
}

Test(hostguard, addresses_go_there_and_back)
{
    static const char *const texts[] = {"127.0.0.1:8080", "[::1]:8080", "0.0.0.0:0", "192.168.1.5:65535"};
    char text[64];
    for (size_t i = 0; i < 4; i++) {
        struct sockaddr_storage addr = at(texts[i]);
        hostguard_format(&addr, text, sizeof text);
        cr_assert_str_eq(text, texts[i]);
    }
    struct sockaddr_storage local = at("localhost:81");
    hostguard_format(&local, text, sizeof text);
    cr_assert_str_eq(text, "127.0.0.1:81");
}

Test(hostguard, an_address_that_is_none_is_refused)
{
    static const char *const texts[] = {"",        "8080",          ":8080",    "127.0.0.1",       "127.0.0.1:",
                                        "::1:80",  "[::1]",         "[::1:80",  "127.0.0.1:65536", "127.0.0.1:-1",
                                        "host:80", "127.0.0.1:8x",  "1.2.3:80", "[::1]80",         "*:80",
                                        "none",    "127.0.0.1:80:1"};
    struct sockaddr_storage addr;
    socklen_t len;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        cr_assert_eq(hostguard_parse(texts[i], &addr, &len), ERR_FORMAT, "case %zu", i);
}

Test(hostguard, loopback_is_told_from_the_rest)
{
    static const struct {
        const char *text;
        bool loopback;
    } cases[] = {{"127.0.0.1:1", true},  {"127.9.9.9:1", true},          {"[::1]:1", true},
                 {"localhost:1", true},  {"[::ffff:127.0.0.1]:1", true}, {"0.0.0.0:1", false},
                 {"[::]:1", false},      {"10.0.0.1:1", false},          {"128.0.0.1:1", false},
                 {"[fe80::1]:1", false}, {"[::ffff:1.2.3.4]:1", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sockaddr_storage addr = at(cases[i].text);
        cr_assert_eq(hostguard_is_loopback(&addr), cases[i].loopback, "case %zu", i);
    }
}

Test(hostguard, a_name_that_could_be_rebound_is_refused)
{
    static const struct {
        const char *host;
        bool ok;
    } cases[] = {
        {"localhost", true},
        {"LocalHost:8080", true},
        {"127.0.0.1", true},
        {"127.0.0.1:8080", true},
        {"[::1]:8080", true},
        {"192.168.1.5:80", true},
        {"lode.example", true},
        {"LODE.example:1", true},
        {"only.example:99", true},
        {"only.example:98", false},
        {"only.example", false},
        {"evil.example", false},
        {"localhost.evil.example", false},
        {"192.168.1.6", false},
        {"", false},
        {"localhost:", false},
        {"localhost:99999", false},
        {"a b", false},
        {"lode.example.", false},
        {"[::1", false},
    };
    struct sockaddr_storage local = at("192.168.1.5:8080");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_assert_eq(hostguard_host(cases[i].host, &local, "lode.example,only.example:99"), cases[i].ok, "case %zu", i);
    cr_assert_not(hostguard_host("lode.example", &local, NULL));
    cr_assert_not(hostguard_host("lode.example", &local, ",,"));
}

Test(hostguard, a_page_from_elsewhere_is_refused)
{
    struct sockaddr_storage local = at("127.0.0.1:8080");
    cr_assert(hostguard_origin("http://localhost:8080", &local, NULL));
    cr_assert(hostguard_origin("https://127.0.0.1", &local, NULL));
    cr_assert(hostguard_origin("http://grafana.example", &local, "grafana.example"));
    cr_assert_not(hostguard_origin("http://evil.example", &local, NULL));
    cr_assert_not(hostguard_origin("null", &local, NULL));
    cr_assert_not(hostguard_origin("file://localhost", &local, NULL));
    cr_assert_not(hostguard_origin("http://localhost@evil.example", &local, NULL));
}
