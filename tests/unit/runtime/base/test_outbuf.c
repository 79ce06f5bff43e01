#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "base/outbuf.h"

static struct rti_outbuf o;
static char buf[32], got[4096];

Test(outbuf, memory_keeps_what_fits)
{
    rti_outbuf_init(&o, -1, buf, 8);
    rti_outbuf_text(&o, "%s-%d", "abc", 12);
    cr_assert_eq(o.len, 6);
    rti_outbuf_text(&o, "xyz");
    rti_outbuf_text(&o, "more");
    cr_assert_eq(o.len, 8);
    cr_assert_arr_eq(buf, "abc-12xy", 8);
    cr_assert_eq(rti_outbuf_flush(&o), 0);
}

/* Packets keep the writes apart. */
static int pipes[2];
static void packets(size_t cap)
{
    cr_assert_eq(pipe2(pipes, O_DIRECT | O_NONBLOCK), 0);
    rti_outbuf_init(&o, pipes[1], buf, cap);
}

static const char *packet(void)
{
    ssize_t n = read(pipes[0], got, sizeof got - 1);
    got[n > 0 ? n : 0] = '\0';
    return got;
}

Test(outbuf, a_write_ends_at_the_end_of_a_line)
{
    packets(16);
    rti_outbuf_text(&o, "one\ntwo\n");
    rti_outbuf_text(&o, "three");
    cr_assert_str_eq(packet(), "");
    rti_outbuf_text(&o, " and four\n");
    cr_assert_str_eq(packet(), "one\ntwo\n");
    rti_outbuf_text(&o, "five");
    cr_assert_str_eq(packet(), "three and four\n");
    cr_assert_eq(rti_outbuf_flush(&o), 0);
    cr_assert_str_eq(packet(), "five");
    cr_assert_eq(rti_outbuf_flush(&o), 0);
    cr_assert_str_eq(packet(), "");
}

Test(outbuf, a_line_longer_than_the_buffer_comes_in_parts)
{
    packets(4);
    rti_outbuf_text(&o, "abcdefghij\n");
    rti_outbuf_flush(&o);
    cr_assert_str_eq(packet(), "abcd");
    cr_assert_str_eq(packet(), "efgh");
    cr_assert_str_eq(packet(), "ij\n");
}

Test(outbuf, a_failed_write_is_told_and_the_rest_dropped)
{
    rti_outbuf_init(&o, open("/dev/full", O_WRONLY), buf, 4);
    rti_outbuf_text(&o, "abcdefghij\n");
    cr_assert_eq(rti_outbuf_flush(&o), -ENOSPC);
    cr_assert_eq(rti_outbuf_flush(&o), -ENOSPC);
}

static void *drain(void *arg)
{
    for (size_t *all = arg; *all < 200000;) {
        ssize_t n = read(pipes[0], got, sizeof got);
        *all += n > 0 ? (size_t)n : 0;
    }
    return NULL;
}

Test(outbuf, a_full_non_blocking_pipe_is_waited_for)
{
    pthread_t t;
    size_t all = 0;
    cr_assert_eq(pipe(pipes), 0);
    cr_assert_eq(fcntl(pipes[1], F_SETFL, O_NONBLOCK), 0);
    cr_assert_eq(pthread_create(&t, NULL, drain, &all), 0);
    rti_outbuf_init(&o, pipes[1], buf, sizeof buf);
    for (int i = 0; i < 20000; i++)
        rti_outbuf_text(&o, "ten bytes\n");
    cr_assert_eq(rti_outbuf_flush(&o), 0);
    pthread_join(t, NULL);
    cr_assert_eq(all, 200000);
}
