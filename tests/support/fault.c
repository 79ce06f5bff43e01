/* fault.c - see fault.h. */
#include "fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_NO_FILTER = 99, DUMP_MS = 5000, MS = 1000 };

struct run {
    const struct fault_plan *plan;
    struct fault_report *report;
    pid_t child;
    int listener, ear, life;
};

long fault_effort(void)
{
    const char *text = getenv("LODE_FAULTS");
    long n = text ? strtol(text, NULL, 10) : 1;
    return n > 0 ? n : 1;
}

/* --- in the child --- */

/* The listener of a filter that asks for the calls of the plan, or -1. */
static int install(const struct fault_plan *plan)
{
    struct sock_filter code[FAULT_CALLS_MAX * 2 + 2] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
    unsigned short n = 1;
    for (const long *nr = plan->nr; *nr != FAULT_END && n < FAULT_CALLS_MAX * 2; nr++) {
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)*nr, 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = n, .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

union packet {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
};

static bool send_fd(int to, int fd)
{
    union packet p = {0};
    char byte = 0;
    struct iovec io = {&byte, 1};
    struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = p.room, .msg_controllen = sizeof(p.room)};
    p.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(&p.header), &fd, sizeof fd);
    /* Raw: until the other side has the listener nobody answers, and a sanitizer's wrapper may want memory. */
    return syscall(SYS_sendmsg, to, &m, 0) == 1;
}

static void be_child(const struct fault_plan *plan, int wire, int mouth, int (*body)(void *arg), void *arg)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* no orphan when the test runs out of time */
    dup2(mouth, STDERR_FILENO);
    close(mouth);
    int listener = plan->nr ? install(plan) : -1;
    if (plan->nr && (listener < 0 || !send_fd(wire, listener)))
        _exit(EXIT_NO_FILTER);
    close(listener);
    close(wire);
    _exit(body(arg));
}

/* --- in the parent --- */

static int receive_fd(int from)
{
    union packet p = {0};
    char byte;
    int fd = -1;
    struct iovec io = {&byte, 1};
    struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = p.room, .msg_controllen = sizeof(p.room)};
    if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) == 1 && m.msg_controllen >= CMSG_LEN(sizeof(int)))
        memcpy(&fd, CMSG_DATA(&p.header), sizeof fd);
    return fd;
}

/* The child was forked from us, so its code lies where ours does. */
static bool of_a_sanitizer(uint64_t pc)
{
    Dl_info info;
    if (!dladdr((void *)(uintptr_t)pc, &info) || !info.dli_fname)
        return false;
    return strstr(info.dli_fname, "libasan") || strstr(info.dli_fname, "libtsan") || strstr(info.dli_fname, "libubsan");
}

static bool is_meant(const struct fault_plan *plan, const struct seccomp_data *call)
{
    return (!plan->counts || plan->counts(call)) && !of_a_sanitizer(call->instruction_pointer);
}

/* One question of the kernel. A call that a signal breaks off while we think asks again, and our answer gets lost. */
static void answer(struct run *r)
{
    struct seccomp_notif ask;
    memset(&ask, 0, sizeof ask);
    if (ioctl(r->listener, SECCOMP_IOCTL_NOTIF_RECV, &ask) != 0)
        return;
    struct seccomp_notif_resp reply = {.id = ask.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    bool meant = is_meant(r->plan, &ask.data);
    long use = r->report->uses + 1;
    bool fails = meant && r->plan->nth > 0 && use >= r->plan->nth && (r->plan->onwards || r->report->failed == 0);
    if (fails)
        reply = (struct seccomp_notif_resp){.id = ask.id, .error = -r->plan->error};
    if (ioctl(r->listener, SECCOMP_IOCTL_NOTIF_SEND, &reply) != 0 || !meant)
        return;
    r->report->uses = use;
    r->report->failed += fails;
}

static bool listen_once(struct run *r)
{
    char sink[4096];
    struct fault_report *p = r->report;
    size_t room = sizeof p->said - 1 - p->len;
    ssize_t n = read(r->ear, room ? p->said + p->len : sink, room ? room : sizeof sink);
    if (n > 0 && room)
        p->len += (size_t)n;
    p->said[p->len] = '\0';
    return n > 0;
}

/* Serves the child until it ends; false after ms milliseconds. */
static bool serve(struct run *r, int64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t end = t.tv_sec * (int64_t)MS + t.tv_nsec / 1000000 + ms, now = end - ms;
    while (now < end) {
        struct pollfd at[] = {{r->life, POLLIN, 0}, {r->ear, POLLIN, 0}, {r->listener, POLLIN, 0}};
        (void)poll(at, 3, (int)(end - now));
        if (at[2].revents & POLLIN)
            answer(r);
        else if (at[2].revents)
            r->listener = -1; /* nobody lives under the filter; poll(2) leaves out what is negative */
        if (at[1].revents && !listen_once(r))
            r->ear = -1;
        if (at[0].revents)
            return true;
        clock_gettime(CLOCK_MONOTONIC, &t);
        now = t.tv_sec * (int64_t)MS + t.tv_nsec / 1000000;
    }
    return false;
}

static void see_to(struct run *r)
{
    int ear = r->ear, listener = r->listener;
    r->report->hung = !serve(r, FAULT_SECONDS * (int64_t)MS);
    if (r->report->hung) {
        kill(r->child, SIGQUIT);
        if (!serve(r, DUMP_MS))
            kill(r->child, SIGKILL);
    }
    int status = 0;
    cr_assert_eq(waitpid(r->child, &status, 0), r->child);
    r->report->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    fcntl(ear, F_SETFL, O_NONBLOCK); /* its own children may hold the other end */
    for (r->ear = ear; listen_once(r);)
        ;
    close(ear);
    close(r->life);
    if (listener >= 0)
        close(listener);
}

void fault_run(const struct fault_plan *plan, int (*body)(void *arg), void *arg, struct fault_report *report)
{
    int said[2], wire[2];
    struct run r = {.plan = plan, .report = report, .listener = -1};
    memset(report, 0, offsetof(struct fault_report, said));
    report->said[0] = '\0';
    cr_assert_eq(pipe2(said, O_CLOEXEC), 0);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, wire), 0);
    fflush(NULL);
    r.child = fork();
    if (r.child == 0) {
        close(said[0]);
        close(wire[0]);
        be_child(plan, wire[1], said[1], body, arg);
    }
    cr_assert_gt(r.child, 0);
    close(said[1]);
    close(wire[1]);
    if (plan->nr)
        r.listener = receive_fd(wire[0]);
    close(wire[0]);
    r.ear = said[0];
    r.life = (int)syscall(SYS_pidfd_open, r.child, 0);
    cr_assert_geq(r.life, 0, "pidfd_open");
    see_to(&r);
    if (plan->nr && report->status == EXIT_NO_FILTER)
        test_skip("the kernel, or a filter above us, has no seccomp user notification");
}
