#include "e2e.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PROCS_MAX = 32, ARGS_MAX = 48 };

/* One test, one process: this is the test's state. */
static char dir[E2E_PATH];
static pid_t running[PROCS_MAX];
static bool passed;

const char *e2e_dir(void)
{
    const char *tmp = getenv("TMPDIR");
    if (!dir[0]) {
        snprintf(dir, sizeof dir, "%s/lode-e2e-XXXXXX", tmp && *tmp ? tmp : "/tmp");
        cr_assert_not_null(mkdtemp(dir), "no temporary folder");
    }
    return dir;
}

const char *e2e_path(const char *name)
{
    static char paths[8][2 * E2E_PATH];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", e2e_dir(), name);
    return path;
}

void e2e_passed(void)
{
    passed = true;
}

/* The last TAIL bytes of a file, on standard error. */
static void show_end(const char *name)
{
    enum { TAIL = 6000 };
    char text[TAIL + 1];
    FILE *f = fopen(e2e_path(name), "r");
    if (!f)
        return;
    if (fseek(f, -TAIL, SEEK_END) != 0)
        rewind(f);
    size_t len = fread(text, 1, TAIL, f);
    fclose(f);
    text[len] = '\0';
    if (len > 0)
        fprintf(stderr, "--- the end of %s ---\n%s\n", name, text);
}

/* What the processes said: a failure that cannot be explained is one that comes again. */
static void show_output(void)
{
    struct dirent **names;
    int n = scandir(dir, &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        const char *dot = strrchr(names[i]->d_name, '.');
        if (dot && (strcmp(dot, ".err") == 0 || strcmp(dot, ".out") == 0))
            show_end(names[i]->d_name);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void e2e_cleanup(void)
{
    for (int i = 0; i < PROCS_MAX; i++)
        if (running[i]) {
            kill(running[i], SIGKILL);
            waitpid(running[i], NULL, 0);
            running[i] = 0;
        }
    if (dir[0] && !passed)
        show_output();
    if (dir[0])
        nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    dir[0] = '\0';
}

long long e2e_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void open_as(const char *name, const char *suffix, int fd)
{
    char path[2 * E2E_PATH];
    snprintf(path, sizeof path, "%s/%s%s", dir, name, suffix);
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0 || dup2(file, fd) < 0)
        _exit(120);
}

/* Our programs come from $LODE_BIN; what begins with '/' is the system's. */
static void be_child(const char *name, const char *program, const char *const *argv, const char *env, int ready_fd)
{
    char path[2 * E2E_PATH];
    char *words[ARGS_MAX] = {path};
    const char *bin = program[0] == '/' ? "" : getenv("LODE_BIN");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(path, sizeof path, "%s/%s", bin ? bin : "build/dev/bin", program + (program[0] == '/'));
    for (int i = 0; argv[i] && i < ARGS_MAX - 2; i++)
        words[i + 1] = (char *)(uintptr_t)argv[i];
    open_as(name, ".out", STDOUT_FILENO);
    open_as(name, ".err", STDERR_FILENO);
    if (ready_fd >= 0 && (ready_fd == 3 ? fcntl(3, F_SETFD, 0) : dup2(ready_fd, 3)) < 0)
        _exit(121);
    if (env && putenv((char *)(uintptr_t)env) != 0)
        _exit(122);
    execv(path, words);
    _exit(127);
}

struct e2e_proc e2e_start(const char *name, const char *program, const char *const *argv, const char *env, int ready_fd)
{
    struct e2e_proc p = {0};
    int slot = 0;
    e2e_dir();
    while (slot < PROCS_MAX && running[slot])
        slot++;
    cr_assert_lt(slot, PROCS_MAX);
    snprintf(p.name, sizeof p.name, "%s", name);
    fflush(NULL);
    p.pid = fork();
    if (p.pid == 0)
        be_child(name, program, argv, env, ready_fd);
    cr_assert_gt(p.pid, 0);
    running[slot] = p.pid;
    return p;
}

static void forget(pid_t pid)
{
    for (int i = 0; i < PROCS_MAX; i++)
        if (running[i] == pid)
            running[i] = 0;
}

static int wait_for(struct e2e_proc *p, int limit_ms)
{
    int status = 0;
    struct pollfd wait = {.fd = (int)syscall(SYS_pidfd_open, p->pid, 0), .events = POLLIN};
    cr_assert_geq(wait.fd, 0);
    cr_assert_eq(poll(&wait, 1, limit_ms), 1, "%s does not end", p->name);
    close(wait.fd);
    cr_assert_eq(waitpid(p->pid, &status, 0), p->pid);
    forget(p->pid);
    p->pid = 0;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int e2e_wait(struct e2e_proc *p)
{
    return wait_for(p, E2E_WAIT_MS);
}

void e2e_signal(const struct e2e_proc *p, int signal)
{
    cr_assert_gt(p->pid, 0);
    cr_assert_eq(kill(p->pid, signal), 0);
}

int e2e_run(const char *name, const char *program, const char *const *argv, const char *env)
{
    struct e2e_proc p = e2e_start(name, program, argv, env, -1);
    return e2e_wait(&p);
}

void e2e_until_said(const char *name, const char *text)
{
    for (long long until = e2e_now_ms() + E2E_WAIT_MS; e2e_now_ms() < until; poll(NULL, 0, 5)) {
        char *said = access(e2e_path(name), R_OK) == 0 ? e2e_text(name) : NULL;
        bool found = said && strstr(said, text);
        free(said);
        if (found)
            return;
    }
    cr_assert_fail("%s does not say '%s'", name, text);
}

int e2e_shell(const char *name, const char *line)
{
    char script[6 * E2E_PATH], path[3 * E2E_PATH];
    const char *bin = getenv("LODE_BIN"), *old = getenv("PATH");
    const char *const argv[] = {"-c", script, NULL};
    snprintf(script, sizeof script, "cd '%s' && { %s\n}", e2e_dir(), line);
    snprintf(path, sizeof path, "PATH=%s:%s", bin ? bin : "build/dev/bin", old ? old : "/usr/bin:/bin");
    struct e2e_proc p = e2e_start(name, "/bin/sh", argv, path, -1);
    return wait_for(&p, 4 * E2E_WAIT_MS);
}

char *e2e_text(const char *name)
{
    size_t len;
    return test_slurp(e2e_path(name), &len);
}

/* One line from fd, or as much as comes before it is closed. */
static void read_ready(int fd, char *line, size_t cap, const char *name)
{
    long long until = e2e_now_ms() + E2E_WAIT_MS;
    size_t len = 0;
    while (len + 1 < cap && !memchr(line, '\n', len)) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        cr_assert_lt(e2e_now_ms(), until, "%s does not get ready", name);
        if (poll(&wait, 1, 100) <= 0)
            continue;
        ssize_t n = read(fd, line + len, cap - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    line[len] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

static void read_word(const char *line, const char *key, char *out, size_t cap)
{
    const char *at = strstr(line, key);
    cr_assert_not_null(at, "no %s in '%s'", key, line);
    at += strlen(key);
    snprintf(out, cap, "%.*s", (int)strcspn(at, " "), at);
}

static struct e2e_coordinator start_coordinator(const char *name, const char *work, const char *tips, const char *http,
                                                const char *const *more)
{
    struct e2e_coordinator c;
    char line[2 * E2E_PATH];
    int ready[2], n = 0;
    const char *argv[ARGS_MAX] = {"--data-dir", e2e_path("data"), "--work", work,         "--tips",
                                  tips,         "--http",         http,     "--ready-fd", "3"};
    while (argv[n])
        n++;
    if (!more)
        argv[n++] = "--network=lode-regtest";
    for (int i = 0; more && more[i] && n < ARGS_MAX - 1; i++)
        argv[n++] = more[i];
    cr_assert_eq(pipe2(ready, O_CLOEXEC), 0);
    c.proc = e2e_start(name, "lode-coordinator", argv, NULL, ready[1]);
    close(ready[1]);
    read_ready(ready[0], line, sizeof line, name);
    close(ready[0]);
    read_word(line, " work=", c.work, sizeof c.work);
    read_word(line, " tips=", c.tips, sizeof c.tips);
    read_word(line, " control=", c.control, sizeof c.control);
    read_word(line, " http=", c.http, sizeof c.http);
    return c;
}

struct e2e_coordinator e2e_coordinator(const char *name, const char *const *more)
{
    return start_coordinator(name, "tcp://127.0.0.1:*", "tcp://127.0.0.1:*", "127.0.0.1:0", more);
}

static bool is_free(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_port = htons((uint16_t)port);
    bool free = bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
    close(fd);
    return free;
}

/* A port below those that the kernel hands out. */
static int quiet_port(void)
{
    enum { FIRST = 10000, LAST = 32000 };
    static unsigned seed;
    int end = LAST;
    FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");
    char line[64] = "";
    if (f && fgets(line, sizeof line, f) && strtol(line, NULL, 10) < LAST)
        end = (int)strtol(line, NULL, 10);
    if (f)
        fclose(f);
    cr_assert_gt(end, FIRST, "no ports below the kernel's own");
    if (seed == 0)
        seed = (unsigned)getpid() * 2654435761u ^ (unsigned)e2e_now_ms();
    for (int tries = 0; tries < 1000; tries++) {
        seed = seed * 1664525u + 1013904223u;
        int port = FIRST + (int)(seed >> 8) % (end - FIRST);
        if (is_free(port))
            return port;
    }
    cr_assert_fail("no free port");
    return 0;
}

struct e2e_coordinator e2e_coordinator_fixed(const char *name, const char *const *more)
{
    char work[64], tips[64], http[64];
    snprintf(work, sizeof work, "tcp://127.0.0.1:%d", quiet_port());
    snprintf(tips, sizeof tips, "tcp://127.0.0.1:%d", quiet_port());
    snprintf(http, sizeof http, "127.0.0.1:%d", quiet_port());
    return start_coordinator(name, work, tips, http, more);
}

struct e2e_coordinator e2e_coordinator_again(const char *name, const struct e2e_coordinator *before,
                                             const char *const *more)
{
    return start_coordinator(name, before->work, before->tips, before->http, more);
}

struct e2e_proc e2e_worker(const char *name, const struct e2e_coordinator *c)
{
    const char *const argv[] = {"--coordinator", c->work, "--name", name, "--procs", "1", NULL};
    return e2e_start(name, "lode-worker", argv, NULL, -1);
}

int e2e_ctl(const struct e2e_coordinator *c, const char *line, json_t **out)
{
    static int count;
    char words[2 * E2E_PATH], name[32], file[40];
    const char *argv[ARGS_MAX] = {"-o", "json", "--timeout", "20s", "--endpoint", c ? c->control : "ipc://none"};
    int n = 6;
    snprintf(words, sizeof words, "%s", line);
    for (char *at = words; *at && n < ARGS_MAX - 1;) {
        argv[n++] = at;
        at += strcspn(at, " ");
        if (*at)
            *at++ = '\0';
    }
    snprintf(name, sizeof name, "ctl%d", count++);
    int status = e2e_run(name, "lodectl", argv, NULL);
    if (out) {
        snprintf(file, sizeof file, "%s.out", name);
        char *text = e2e_text(file);
        *out = json_loads(text, 0, NULL);
        free(text);
    }
    return status;
}

long long e2e_status(const struct e2e_coordinator *c, const char *key)
{
    json_t *tree = NULL;
    cr_assert_eq(e2e_ctl(c, "status", &tree), 0);
    const json_t *value = json_object_get(tree, key);
    cr_assert(json_is_number(value), "status has no %s", key);
    long long n = (long long)json_number_value(value);
    json_decref(tree);
    return n;
}

void e2e_until(const struct e2e_coordinator *c, const char *key, long long n)
{
    long long until = e2e_now_ms() + E2E_WAIT_MS;
    while (e2e_status(c, key) < n) /* each look starts a program, which is pace enough */
        cr_assert_lt(e2e_now_ms(), until, "%s does not reach %lld", key, n);
}

static int connect_http(const struct e2e_coordinator *c)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval limit = {E2E_WAIT_MS / 1000, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_port = htons((uint16_t)strtol(strrchr(c->http, ':') + 1, NULL, 10));
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

int e2e_http(const struct e2e_coordinator *c, const char *target, const char *body, json_t **out)
{
    enum { CAP = 8 << 20 };
    char *text = malloc(CAP);
    size_t len = 0;
    int fd = connect_http(c);
    /* HTTP/1.0: the answer is neither chunked nor followed by another one. */
    int n = snprintf(text, CAP, "%s %s HTTP/1.0\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s",
                     body ? "POST" : "GET", target, body ? strlen(body) : 0, body ? body : "");
    cr_assert_eq(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
    for (ssize_t got; len < CAP - 1 && (got = recv(fd, text + len, CAP - 1 - len, 0)) > 0;)
        len += (size_t)got;
    text[len] = '\0';
    close(fd);
    char *content = strstr(text, "\r\n\r\n");
    cr_assert_not_null(content, "no answer to %s", target);
    int status = (int)strtol(text + 9, NULL, 10);
    *out = json_loads(content + 4, 0, NULL);
    cr_assert_not_null(*out, "%s: no JSON", target);
    free(text);
    return status;
}
