#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/log/log.h"

static int out_fd[2];
static char text[1 << 16];

static void begin(enum log_form form)
{
    cr_assert_eq(pipe2(out_fd, O_NONBLOCK), 0);
    log_init("tester", form, out_fd[1]);
    log_set_level(LOG_LEVEL_DEBUG);
}

/* Everything written since the last look. */
static const char *written(void)
{
    const ssize_t n = read(out_fd[0], text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = 0;
    return text;
}

/* Behind "ts=... level=... component=... ". */
static const char *written_from_event(void)
{
    const char *event = strstr(written(), "event=");
    cr_assert_not_null(event, "%s", text);
    return event;
}

static size_t lines_in(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += *s == '\n';
    return n;
}

Test(log, an_event_is_one_line_of_pairs)
{
    begin(LOG_FORM_TEXT);
    LOG_WARN("share_stale", "worker=%s age_ms=%d", "w1", -7);
    const char *s = written();
    int year, month, day, hour, minute, second, used = 0;
    long ns;
    cr_assert_eq(
        sscanf(s, "ts=%4d-%2d-%2dT%2d:%2d:%2d.%9ldZ%n", &year, &month, &day, &hour, &minute, &second, &ns, &used), 7);
    cr_assert_eq(used, 33);
    cr_assert_str_eq(s + used, " level=warn component=tester event=share_stale worker=w1 age_ms=-7\n");
}

Test(log, the_time_is_the_clock_s_in_utc)
{
    begin(LOG_FORM_TEXT);
    const time_t before = time(NULL);
    LOG_INFO("now");
    struct tm tm = {0};
    cr_assert_not_null(strptime(written(), "ts=%Y-%m-%dT%H:%M:%S", &tm));
    const time_t said = timegm(&tm);
    cr_assert(said >= before && said <= time(NULL));
}

Test(log, a_value_with_a_space_a_quote_or_nothing_is_quoted)
{
    begin(LOG_FORM_TEXT);
    LOG_INFO("e", "a=%s b=%s c=%s d=%s e=%s", "x y", "say \"hi\"", "", "k=v", "back\\slash");
    cr_assert_str_eq(written_from_event(),
                     "event=e a=\"x y\" b=\"say \\\"hi\\\"\" c=\"\" d=\"k=v\" e=\"back\\\\slash\"\n");
}

Test(log, a_hostile_string_can_neither_end_its_line_nor_start_a_key)
{
    begin(LOG_FORM_TEXT);
    LOG_INFO("e", "name=%s last=%d", "x\nts=0 level=error event=forged\x1b[31m admin=true\r\x7f\x01", 1);
    const char *s = written_from_event();
    cr_assert_str_eq(
        s, "event=e name=\"x\\nts=0 level=error event=forged\\u001b[31m admin=true\\r\\u007f\\u0001\" last=1\n");
}

Test(log, bytes_that_are_no_utf8_and_separators_of_lines_are_escaped)
{
    begin(LOG_FORM_TEXT);
    LOG_INFO("e", "a=%s b=%s c=%s d=%s f=%s", "gr\xc3\xbc\xc3\x9f", "\xff\xc3(", "\xe2\x80\xa8", "\xc2\x85",
             "\xed\xa0\x80");
    cr_assert_str_eq(written_from_event(),
                     "event=e a=gr\xc3\xbc\xc3\x9f b=\"\\u00ff\\u00c3(\" c=\"\\u2028\" d=\"\\u0085\" "
                     "f=\"\\u00ed\\u00a0\\u0080\"\n");
}

Test(log, a_character_that_turns_the_direction_is_escaped_by_its_code_point_in_json_too)
{
    begin(LOG_FORM_JSON);
    LOG_INFO("e", "name=%s",
             "w\xe2\x80\xae"
             "1\xc2\x9b");
    const char *s = written();
    cr_assert_not_null(strstr(s, "\"name\":\"w\\u202e1\\u009b\""), "%s", s);
    json_t *line = json_loads(s, 0, NULL);
    cr_assert_str_eq(json_string_value(json_object_get(line, "name")), "w\xe2\x80\xae"
                                                                       "1\xc2\x9b");
    json_decref(line);
}

/* The file takes a part of a line, as a disk does that fills up. */
Test(log, the_line_after_one_that_was_torn_stands_alone)
{
    char path[] = "/tmp/lode-log-XXXXXX";
    struct rlimit limit;
    const int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    unlink(path);
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    const struct rlimit small = {40, limit.rlim_max};
    log_init("tester", LOG_FORM_TEXT, fd);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    LOG_INFO("torn");
    LOG_INFO("refused");
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    LOG_INFO("whole");
    LOG_INFO("last");
    cr_assert_eq(log_lost(), 2);
    const ssize_t n = pread(fd, text, sizeof text - 1, 0);
    cr_assert_gt(n, 40);
    text[n] = 0;
    cr_assert_eq(strncmp(text + 40, "\nts=", 4), 0, "%s", text);
    cr_assert_eq(lines_in(text), 3, "%s", text);
    cr_assert_not_null(strstr(text, "event=last\n"));
    close(fd);
}

Test(log, every_conversion_takes_its_own_argument)
{
    begin(LOG_FORM_TEXT);
    LOG_INFO("e",
             "a=%u b=%ld c=%llu d=%zu e=%hhd f=%x g=%08x h=%.2f i=%c j=%.*s k=%" PRIu64 " l=%% m=%g n=%hu o=%jd p=%i",
             4000000000u, -5L, 18446744073709551615ull, (size_t)6, (signed char)-1, 255u, 0xbeefu, 1.005, 'z', 2,
             "abcd", (uint64_t)7, 0.5, (unsigned short)65535, (intmax_t)-9, 3);
    cr_assert_str_eq(written_from_event(),
                     "event=e a=4000000000 b=-5 c=18446744073709551615 d=6 e=-1 f=ff g=0000beef h=1.00 i=z j=ab k=7 "
                     "l=% m=0.5 n=65535 o=-9 p=3\n");
}

Test(log, one_value_may_have_several_parts)
{
    begin(LOG_FORM_TEXT);
    const char *volatile absent = NULL; /* volatile, or the compiler would see it */
    LOG_INFO("e", "at=%s:%d flag null=%s", "a b", 5, absent);
    cr_assert_str_eq(written_from_event(), "event=e at=\"a b:5\" flag=true null=(null)\n");
}

Test(log, json_lines_hold_the_same_with_numbers_as_numbers)
{
    begin(LOG_FORM_JSON);
    LOG_ERROR("e", "s=%s n=%d f=%.1f x=%x both=%d/%d inf=%f flag", "a\"\n\xff\x01é", -3, 0.5, 17u, 1, 2,
              __builtin_inf());
    json_error_t error;
    json_t *root = json_loads(written(), JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(root, "%s", text);
    cr_assert_eq(lines_in(text), 1);
    cr_assert_str_eq(json_string_value(json_object_get(root, "level")), "error");
    cr_assert_str_eq(json_string_value(json_object_get(root, "component")), "tester");
    cr_assert_str_eq(json_string_value(json_object_get(root, "event")), "e");
    cr_assert_str_eq(json_string_value(json_object_get(root, "s")), "a\"\n\xc3\xbf\x01é");
    cr_assert_eq(json_integer_value(json_object_get(root, "n")), -3);
    cr_assert_eq(json_real_value(json_object_get(root, "f")), 0.5);
    cr_assert_str_eq(json_string_value(json_object_get(root, "x")), "11");
    cr_assert_str_eq(json_string_value(json_object_get(root, "both")), "1/2");
    cr_assert_str_eq(json_string_value(json_object_get(root, "inf")), "inf");
    cr_assert(json_is_true(json_object_get(root, "flag")));
    json_decref(root);
}

Test(log, a_level_above_the_threshold_is_not_written)
{
    begin(LOG_FORM_TEXT);
    log_set_level(LOG_LEVEL_WARN);
    LOG_INFO("quiet");
    cr_assert_str_eq(written(), "");
    LOG_WARN("loud");
    cr_assert_not_null(strstr(written(), "event=loud"));
    cr_assert_eq(log_level(), LOG_LEVEL_WARN);
    enum log_level level;
    cr_assert_eq(log_level_parse(&level, "DEBUG"), 0);
    cr_assert_eq(level, LOG_LEVEL_DEBUG);
    cr_assert_eq(log_level_parse(&level, "loud"), ERR_FORMAT);
    cr_assert_str_eq(log_level_name(LOG_LEVEL_ERROR), "error");
}

static void say(struct log_site *site)
{
    log_write(site, LOG_LEVEL_INFO, "often", " ");
}

Test(log, a_chatty_site_is_cut_to_its_burst_and_then_says_how_much_was_left_out)
{
    begin(LOG_FORM_TEXT);
    struct log_site site = {0};
    for (int i = 0; i < LOG_BURST + 15; i++)
        say(&site);
    const size_t first = lines_in(written());
    cr_assert(first >= LOG_BURST && first <= 2 * LOG_BURST); /* the second may turn in between */
    site.window_ns = 1;                                      /* long ago */
    site.suppressed = 15;
    say(&site);
    cr_assert_not_null(strstr(written(), "event=often suppressed=15\n"));
    say(&site);
    cr_assert_null(strstr(written(), "suppressed"));
}

Test(log, a_long_line_is_cut_and_says_so_and_ends)
{
    begin(LOG_FORM_JSON);
    char big[3000];
    memset(big, 'x', sizeof(big));
    big[sizeof(big) - 1] = 0;
    LOG_INFO("e", "a=%s b=%s c=%s tail=%d", big, "\x01\x01\x01\x01", big, 1);
    json_t *root = json_loads(written(), 0, NULL);
    cr_assert_not_null(root, "%s", text);
    cr_assert(json_is_true(json_object_get(root, "cut")));
    cr_assert_lt(strlen(text), LOG_LINE_MAX);
    json_decref(root);
}

Test(log, the_crash_line_needs_no_formatter_and_keeps_errno)
{
    begin(LOG_FORM_TEXT);
    const struct log_pair pairs[] = {{"signal", "SIG SEGV", 0}, {"code", NULL, -5}, {"min", NULL, INT64_MIN}};
    errno = 77;
    log_crash_sig("crash", pairs, 3);
    cr_assert_eq(errno, 77);
    const char *s = written_from_event();
    cr_assert_str_eq(s, "event=crash signal=\"SIG SEGV\" code=-5 min=-9223372036854775808\n");
}

Test(log, a_full_output_is_counted_and_does_not_wait)
{
    begin(LOG_FORM_TEXT);
    char block[4096] = {0};
    while (write(out_fd[1], block, sizeof(block)) > 0)
        ;
    const uint64_t before = log_lost();
    errno = 5;
    LOG_INFO("lost");
    cr_assert_eq(errno, 5);
    cr_assert_eq(log_lost(), before + 1);
}

static void *chatter(void *arg)
{
    struct log_site own = {0};
    for (int i = 0; i < LOG_BURST; i++)
        log_write(&own, LOG_LEVEL_INFO, "thread", " id=%d text=%s", *(int *)arg, "a b");
    return NULL;
}

Test(log, lines_of_several_threads_do_not_mix)
{
    begin(LOG_FORM_TEXT);
    pthread_t threads[4];
    int ids[4];
    for (int i = 0; i < 4; i++) {
        ids[i] = i;
        cr_assert_eq(pthread_create(&threads[i], NULL, chatter, &ids[i]), 0);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    const char *s = written();
    size_t n = 0;
    for (const char *p = s; *p; p = strchr(p, '\n') + 1, n++) {
        cr_assert_eq(strncmp(p, "ts=", 3), 0);
        cr_assert_eq(strncmp(strchr(p, '\n') - 10, "text=\"a b\"", 10), 0);
    }
    cr_assert_eq(n, 4 * LOG_BURST);
}
