#include "boot/cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* mountinfo(5): id, parent, device, root, mount point, options, optional fields, "-", type, source, super options. */
enum { FIELD_ROOT = 3, FIELD_POINT = 4, FIELD_OPTIONAL = 6, FIELDS_AFTER_DASH = 3 };

/* --- lines of a file, however long that is, without malloc --- */

struct lines {
    int fd;
    size_t at, have;
    bool skip; /* in a line that was too long */
    char buf[8192];
};

static bool lines_open(struct lines *l, const char *prefix, const char *path)
{
    char name[RTI_CGROUP_PATH];
    *l = (struct lines){.fd = -1};
    if ((size_t)snprintf(name, sizeof name, "%s%s", prefix, path) >= sizeof name)
        return false;
    l->fd = open(name, O_RDONLY | O_CLOEXEC);
    return l->fd >= 0;
}

/* What is left of the buffer to its start, and more behind it. False at the end of the file. */
static bool refill(struct lines *l)
{
    if (l->at == 0 && l->have == sizeof l->buf) { /* one line fills it */
        l->skip = true;
        l->have = 0;
    }
    memmove(l->buf, l->buf + l->at, l->have - l->at);
    l->have -= l->at;
    l->at = 0;
    ssize_t n = read(l->fd, l->buf + l->have, sizeof l->buf - l->have);
    l->have += n > 0 ? (size_t)n : 0;
    return n > 0;
}

/* The next whole line, without its end; NULL after the last. A last one that has no end was cut short: not given. */
static char *lines_next(struct lines *l)
{
    for (;;) {
        char *start = l->buf + l->at;
        char *end = memchr(start, '\n', l->have - l->at);
        if (!end) {
            if (!refill(l))
                return NULL;
            continue;
        }
        *end = '\0';
        l->at = (size_t)(end - l->buf) + 1;
        if (!l->skip)
            return start;
        l->skip = false;
    }
}

/* --- mountinfo --- */

static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, n) == 0 && (at[n] == ',' || at[n] == '\0'))
            return true;
    }
    return false;
}

static bool is_octal(const char *s)
{
    return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' && s[2] <= '7';
}

/* Blanks, tabs, line ends and backslashes are written as \ooo. False if it is no absolute path, or too long. */
static bool unescape(char *to, const char *from)
{
    size_t n = 0;
    if (*from != '/')
        return false;
    for (; *from && n < RTI_CGROUP_PATH - 1; n++) {
        bool octal = from[0] == '\\' && is_octal(from + 1);
        to[n] = octal ? (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0')) : *from;
        from += octal ? 4 : 1;
    }
    to[n] = '\0';
    return *from == '\0';
}

static void take_mount(char *line, const char *controller, struct rti_cgroup_mounts *out)
{
    char *field[FIELD_OPTIONAL] = {NULL}, *after[FIELDS_AFTER_DASH] = {NULL}, *save = NULL;
    int n = 0;
    char *word = strtok_r(line, " ", &save);
    for (; word && (n < FIELD_OPTIONAL || strcmp(word, "-") != 0); word = strtok_r(NULL, " ", &save), n++)
        if (n < FIELD_OPTIONAL)
            field[n] = word;
    for (n = 0; n < FIELDS_AFTER_DASH; n++)
        after[n] = strtok_r(NULL, " ", &save);
    if (!word || !after[FIELDS_AFTER_DASH - 1])
        return;
    bool v2 = strcmp(after[0], "cgroup2") == 0;
    bool v1 = strcmp(after[0], "cgroup") == 0 && has_word(after[2], controller);
    struct rti_cgroup_mount *to = v2 ? &out->v2 : &out->v1;
    if ((v1 || v2) && !to->there)
        to->there = unescape(to->root, field[FIELD_ROOT]) && unescape(to->point, field[FIELD_POINT]);
}

static void usual_mount(struct rti_cgroup_mount *to, const char *point, const char *below)
{
    to->there = true;
    snprintf(to->root, sizeof to->root, "/");
    snprintf(to->point, sizeof to->point, "%s%s", point, below);
}

void rti_cgroup_find(const char *prefix, const char *controller, struct rti_cgroup_mounts *out)
{
    struct lines l;
    out->v1.there = out->v2.there = false;
    if (!lines_open(&l, prefix, "/proc/self/mountinfo")) {
        usual_mount(&out->v2, "/sys/fs/cgroup", "");
        usual_mount(&out->v1, "/sys/fs/cgroup/", controller);
        return;
    }
    for (char *line; (line = lines_next(&l));)
        take_mount(line, controller, out);
    close(l.fd);
}

/* --- our group --- */

/* The part of group below root: "" for root itself, and for what is not below it or goes up again. */
static const char *below(const char *root, const char *group)
{
    size_t n = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(group, root, n) != 0 || group[n] != '/' || strstr(group, "/.."))
        return "";
    return group[n + 1] ? group + n : "";
}

struct walk {
    const char *prefix;
    void (*visit)(const char *dir, bool v2, void *arg);
    void *arg;
};

static void visit_up(const struct walk *w, const struct rti_cgroup_mount *mount, const char *group, bool v2)
{
    char dir[3 * RTI_CGROUP_PATH];
    int top = snprintf(dir, sizeof dir, "%s%s", w->prefix, mount->point);
    if (top < 0 || (size_t)top >= sizeof dir)
        return;
    size_t room = sizeof dir - (size_t)top;
    if ((size_t)snprintf(dir + top, room, "%s", below(mount->root, group)) >= room)
        dir[top] = '\0';
    for (char *slash;; *slash = '\0') {
        w->visit(dir, v2, w->arg);
        slash = strrchr(dir + top, '/');
        if (!slash)
            return;
    }
}

/* A line is "id:controllers:/path"; v2 is the one without controllers. */
static void take_group(const struct walk *w, const struct rti_cgroup_mounts *mounts, char *line, const char *controller)
{
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return;
    *group++ = '\0';
    controllers++;
    if (*controllers == '\0' && mounts->v2.there)
        visit_up(w, &mounts->v2, group, true);
    else if (has_word(controllers, controller) && mounts->v1.there)
        visit_up(w, &mounts->v1, group, false);
}

void rti_cgroup_each(const char *prefix, const char *controller, const struct rti_cgroup_mounts *mounts,
                     void (*visit)(const char *dir, bool v2, void *arg), void *arg)
{
    struct lines l;
    struct walk w = {prefix, visit, arg};
    if (!lines_open(&l, prefix, "/proc/self/cgroup"))
        return;
    for (char *line; (line = lines_next(&l));)
        take_group(&w, mounts, line, controller);
    close(l.fd);
}
