#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/config/flatfile.h"

static char seen[4096];
static struct flatfile_fault fault;

static int note(void *arg, const struct flatfile_pair *pair)
{
    (void)arg;
    const size_t len = strlen(seen);
    snprintf(seen + len, sizeof(seen) - len, "%s=%s@%zu:%zu/%zu:%zu;", pair->key, pair->value, pair->line, pair->column,
             pair->value_line, pair->value_column);
    return strcmp(pair->key, "stop") == 0 ? -4242 : 0;
}

static int parse_n(const char *text, size_t len)
{
    seen[0] = 0;
    return flatfile_parse(text, len, note, NULL, &fault);
}

static int parse(const char *text)
{
    return parse_n(text, strlen(text));
}

Test(flatfile, pairs_come_in_order_with_their_places)
{
    cr_assert_eq(parse("# settings\na: 1\n\n  \nb: \"two words\"\nc: 'x: y' # why\nd:\n"), 0);
    cr_assert_str_eq(seen, "a=1@2:1/2:4;b=two words@5:1/5:4;c=x: y@6:1/6:4;d=@7:1/7:3;");
}

Test(flatfile, an_empty_file_is_an_empty_mapping)
{
    static const char *const empty[] = {"", "\n", "# nothing\n", "---\n{}\n", "{}"};
    for (size_t i = 0; i < sizeof(empty) / sizeof(*empty); i++) {
        cr_assert_eq(parse(empty[i]), 0, "%zu: %s", i, fault.text);
        cr_assert_str_eq(seen, "");
    }
}

Test(flatfile, what_is_no_flat_mapping_is_refused_with_its_place)
{
    static const struct {
        const char *text;
        size_t line;
    } bad[] = {
        {"a: 1\nb: {c: 1}\n", 2}, {"a: [1, 2]\n", 1},       {"- a\n", 1},         {"a\n", 1},
        {"a: 1\n---\nb: 2\n", 2}, {"a: &x 1\n", 1},         {"a: 1\nb: *a\n", 2}, {"a: !!int 1\n", 1},
        {"a: 1\n  b: 2\n", 2},    {"a: \"x\n", 2},          {"\ta: 1\n", 1},      {"[a]: 1\n", 1},
        {"{a: 1}: 2\n", 1},       {"a: 1\n...\nb: 1\n", 3}, {"a: 1\nb\n", 3},     {"? [x]\n: 1\n", 1},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        cr_assert_eq(parse(bad[i].text), ERR_FORMAT, "%s", bad[i].text);
        cr_assert_eq(fault.line, bad[i].line, "%s: line %zu %s", bad[i].text, fault.line, fault.text);
        cr_assert_neq(fault.text[0], 0);
    }
}

Test(flatfile, bytes_that_are_no_text_are_refused)
{
    cr_assert_eq(parse("a: \xff\n"), ERR_FORMAT);
    cr_assert_neq(fault.text[0], 0);
    cr_assert_eq(parse_n("a: x\0y\n", 7), ERR_FORMAT);
    cr_assert_eq(parse("a: \"x\\0y\"\n"), ERR_FORMAT);
    cr_assert_eq(parse("\"k\\0\": y\n"), ERR_FORMAT);
    cr_assert_eq(parse("a: \x01\n"), ERR_FORMAT);
    cr_assert_eq(parse_n("\xff\xfe"
                         "a\0:\0 \0x\0",
                         10),
                 ERR_FORMAT);
}

Test(flatfile, the_callback_ends_the_reading)
{
    cr_assert_eq(parse("a: 1\nstop: 2\nb: 3\n"), -4242);
    cr_assert_str_eq(seen, "a=1@1:1/1:4;stop=2@2:1/2:7;");
    cr_assert_eq(fault.text[0], 0);
}

static const char *file_of(size_t len)
{
    static char path[] = "/tmp/flatfile-test-XXXXXX";
    const int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    for (size_t i = 0; i < len; i++)
        cr_assert_eq(write(fd, "#", 1), 1);
    close(fd);
    return path;
}

Test(flatfile, a_file_is_read_up_to_its_limit)
{
    const char *path = file_of(100);
    seen[0] = 0;
    cr_assert_eq(flatfile_read(path, 100, note, NULL, &fault), 0);
    cr_assert_eq(flatfile_read(path, 99, note, NULL, &fault), ERR_TOO_LONG);
    unlink(path);
    cr_assert_eq(flatfile_read(path, 99, note, NULL, &fault), -ENOENT);
    cr_assert_eq(flatfile_read("/", 99, note, NULL, &fault), -EISDIR);
}
