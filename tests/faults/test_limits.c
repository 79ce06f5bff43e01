/* test_limits.c - what the kernel grants runs out: threads, descriptors, mappings, address space, queued signals. */
#include "fault.h"
#include "goroutines.h"
#include "mixed.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <rt/chan.h>
#include <rt/poll.h>
#include <rt/sync.h>
#include <rt/time.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static struct fault_report report;
static const struct fault_plan nothing_fails = {.name = "none"};

static void set_limit(int what, rlim_t to)
{
    struct rlimit limit = {to, to};
    if (setrlimit((__rlimit_resource_t)what, &limit) != 0)
        abort();
}

static void run(int (*body)(void *arg), void *arg)
{
    fault_run(&nothing_fails, body, arg, &report);
    cr_assert_not(report.hung, "%s", report.said);
}

static void must_die_saying(const char *text, const char *more)
{
    cr_assert_eq(report.status, 2, "status %d: %s", report.status, report.said);
    cr_assert_not_null(strstr(report.said, text), "%s", report.said);
    cr_assert_not_null(strstr(report.said, more), "%s", report.said);
}

/* --- threads --- */

enum { NOT_ENFORCED = 76 };

/* Root may start as many threads as it likes, so it becomes a user of its own, who has no other process. */
static bool no_more_threads(void)
{
    if (geteuid() == 0 && setresuid(64123, 64123, 64123) != 0)
        return false;
    set_limit(RLIMIT_NPROC, 1);
    return true;
}

static int without_threads_from_the_start(void *arg)
{
    return no_more_threads() ? mixed_run(arg) : NOT_ENFORCED;
}

static void later(void)
{
    if (!no_more_threads())
        _exit(NOT_ENFORCED);
}

Test(limits, no_thread_at_all_is_an_error_of_rt_main)
{
    run(without_threads_from_the_start, NULL);
    if (report.status == NOT_ENFORCED)
        test_skip("cannot become a user whose threads are limited");
    if (report.status == MIXED_RIGHT)
        test_skip("RLIMIT_NPROC does not bind this user");
    cr_assert_eq(report.status, MIXED_REFUSED, "status %d: %s", report.status, report.said);
    cr_assert_not_null(strstr(report.said, "rt_main returned -11"), "%s", report.said);
}

Test(limits, no_further_thread_is_a_fatal_error)
{
    struct mixed how = {.procs = 4, .rounds = 20, .before = later};
    run(mixed_run, &how);
    if (report.status == NOT_ENFORCED)
        test_skip("cannot become a user whose threads are limited");
    if (report.status == MIXED_RIGHT)
        test_skip("RLIMIT_NPROC does not bind this user");
    must_die_saying("fatal error: cannot start a thread: pthread_create failed", "errno 11");
}

/* --- descriptors --- */

static void no_descriptors(void)
{
    set_limit(RLIMIT_NOFILE, 0);
}

Test(limits, a_poller_that_gets_no_descriptor_is_a_fatal_error)
{
    struct mixed how = {.procs = 2, .rounds = 1, .before = no_descriptors};
    run(mixed_run, &how);
    must_die_saying("fatal error: cannot make the netpoller: epoll_create1", "errno 24");
}

static struct rt_pd *listener;

/* Takes up all descriptors but spare ones. */
static void use_up(int spare)
{
    int fd[3] = {-1, -1, -1}, last;
    while ((last = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0 && spare > 0) {
        for (int i = 2; i > 0; i--)
            fd[i] = fd[i - 1];
        fd[0] = last;
    }
    for (int i = 0; i < spare; i++)
        close(fd[i]);
}

static int accepts_without_descriptors(void *arg)
{
    struct sockaddr at = {.sa_family = AF_UNIX}; /* bound to a name that the kernel picks */
    struct sockaddr_storage name;
    socklen_t len = sizeof name;
    (void)arg;
    set_limit(RLIMIT_NOFILE, 64);
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int c = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    EXPECT(bind(s, &at, sizeof(at.sa_family)) == 0 && listen(s, 4) == 0);
    EXPECT(getsockname(s, (struct sockaddr *)&name, &len) == 0);
    EXPECT(rt_poll_open(&listener, s) == 0);
    EXPECT(connect(c, (struct sockaddr *)&name, len) == 0);
    use_up(1);
    int spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    EXPECT(spare >= 0 && open("/dev/null", O_RDONLY | O_CLOEXEC) < 0);
    EXPECT(rt_accept(listener, NULL, NULL, RT_NO_DEADLINE) == -EMFILE);
    close(spare);
    EXPECT(rt_accept(listener, NULL, NULL, RT_NO_DEADLINE) >= 0); /* it is still there */
    rt_poll_close_fd(&listener);
    return atomic_load(&expect_bad);
}

static int on_two(void *app)
{
    struct rt_config config = {.procs = 2};
    return rt_main(&config, *(int (**)(void *))app, NULL);
}

Test(limits, accept_without_a_descriptor_is_an_error_and_works_later)
{
    int (*app)(void *) = accepts_without_descriptors;
    run(on_two, &app);
    cr_assert_eq(report.status, 0, "status %d: %s", report.status, report.said);
}

/* --- mappings --- */

/* Until the kernel refuses: every second page has other rights, so none are joined. */
static void use_up_mappings(long spare)
{
    enum { PAGES = 140000, PAGE = 4096 };
    char *at = mmap(NULL, (size_t)PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    long n = 0;
    if (at == MAP_FAILED)
        abort();
    while (n < PAGES / 2 && mprotect(at + 2 * n * PAGE, PAGE, PROT_READ) == 0)
        n++;
    if (n == PAGES / 2)
        _exit(NOT_ENFORCED);
    for (long i = 1; i <= spare && i <= n; i++)
        mprotect(at + 2 * (n - i) * PAGE, PAGE, PROT_NONE);
}

static int without_mappings(void *spare)
{
    use_up_mappings(*(long *)spare);
    return mixed_run(NULL);
}

static bool named_error(void)
{
    return report.status == 2 && strstr(report.said, "fatal error: ") && strstr(report.said, "errno ");
}

Test(limits, without_a_mapping_left_it_refuses_or_says_so)
{
    if (SANITIZED)
        test_skip("a sanitizer maps memory for itself");
    static const long left[] = {0, 7, 40};
    for (size_t i = 0; i < ARRAY_LEN(left); i++) {
        long spare = left[i];
        run(without_mappings, &spare);
        if (report.status == NOT_ENFORCED)
            test_skip("more mappings than vm.max_map_count would have");
        cr_assert(report.status == MIXED_RIGHT || report.status == MIXED_REFUSED || named_error(),
                  "%ld left: status %d: %s", spare, report.status, report.said);
        if (spare == 0)
            cr_assert_neq(report.status, MIXED_RIGHT, "nothing was used up");
    }
    cr_assert_eq(report.status, MIXED_RIGHT, "with 40 left: status %d: %s", report.status, report.said);
}

static void no_mappings(void)
{
    use_up_mappings(24); /* for a few threads; not for guard pages of their own, three times as many */
}

/* Guards that split mappings cannot be had: goroutines do without, and run. */
static struct rt_chan *gate;
static struct rt_waitgroup group;

static void waits(void *arg)
{
    (void)arg;
    EXPECT(!rt_recv(gate, NULL));
    rt_waitgroup_done(&group);
}

static int many_without_guards(void *arg)
{
    enum { MANY = 300 };
    (void)arg;
    no_mappings();
    gate = rt_chan_new(0, 0);
    rt_waitgroup_add(&group, MANY);
    for (int i = 0; i < MANY; i++)
        rt_go(waits, NULL);
    for (int i = 0; i < 5; i++)
        rt_yield();
    rt_close(gate);
    rt_waitgroup_wait(&group);
    rt_chan_free(&gate);
    return atomic_load(&expect_bad);
}

static int deep(volatile char *above, int n)
{
    volatile char room[512];
    for (size_t i = 0; i < sizeof room; i++) /* over the canary, wherever it is */
        room[i] = above[0];
    return n == 0 ? room[0] : deep(room, n - 1) + 1;
}

static void digs(void *arg)
{
    char zero = 0;
    (void)arg;
    (void)deep(&zero, (64 << 10) / 512 + 8); /* past the end, not past the place where a guard would be */
    rt_yield();
}

static int overflows_without_guards(void *arg)
{
    struct rt_go_attr attr = {.name = "digger"};
    (void)arg;
    no_mappings();
    for (int i = 0; i < 40; i++) /* those that have guards yet do not dig */
        rt_go(waits, NULL);
    gate = NULL;
    for (int i = 0; i < 3; i++)
        rt_yield();
    rt_go_attr(&attr, digs, NULL);
    rt_sleep(RT_NO_DEADLINE);
    return 0;
}

static int with_split_guards(void *app)
{
    struct rt_config config = {.procs = 1, .godebug = "guardpages=1"};
    return rt_main(&config, *(int (**)(void *))app, NULL);
}

Test(limits, without_mappings_for_guards_goroutines_run_and_an_overflow_is_still_seen)
{
    if (SANITIZED)
        test_skip("a sanitizer maps memory for itself");
    int (*app)(void *) = many_without_guards;
    run(with_split_guards, &app);
    if (report.status == NOT_ENFORCED)
        test_skip("more mappings than vm.max_map_count would have");
    cr_assert_eq(report.status, 0, "status %d: %s", report.status, report.said);
    app = overflows_without_guards;
    run(with_split_guards, &app);
    must_die_saying("fatal: stack overflow", "digger");
}

static int of_forty_thousand(void *arg)
{
    enum { MANY = 40000 }; /* with two mappings each they would need more than vm.max_map_count */
    (void)arg;
    struct rt_go_attr attr = {.stack = RT_STACK_16K};
    gate = rt_chan_new(0, 0);
    rt_waitgroup_add(&group, MANY);
    for (int i = 0; i < MANY; i++)
        rt_go_attr(&attr, waits, NULL);
    rt_yield();
    rt_close(gate);
    rt_waitgroup_wait(&group);
    rt_chan_free(&gate);
    return atomic_load(&expect_bad);
}

Test(limits, forty_thousand_goroutines_with_mprotected_guards_do_not_use_up_the_mappings)
{
    if (SANITIZED)
        test_skip("ThreadSanitizer knows 8128 fibers at most, and memory is tight");
    int (*app)(void *) = of_forty_thousand;
    run(with_split_guards, &app);
    cr_assert_eq(report.status, 0, "status %d: %s", report.status, report.said);
}

/* --- address space --- */

static size_t address_space(void)
{
    long long kb = 0;
    char line[256];
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmSize: %lld", &kb) == 1)
            break;
    if (f)
        fclose(f);
    return (size_t)kb << 10;
}

static int with_little_space(void *mib)
{
    set_limit(RLIMIT_AS, address_space() + ((size_t) * (int *)mib << 20));
    return mixed_run(NULL);
}

static bool out_of_memory(void)
{
    return report.status == 2 && strstr(report.said, "fatal error: ") &&
           (strstr(report.said, "out of memory") || strstr(report.said, "pthread_create failed"));
}

Test(limits, any_limit_of_the_address_space_is_enough_or_a_named_error)
{
    if (SANITIZED)
        test_skip("a sanitizer reserves terabytes");
    int last = 160, step = fault_effort() > 1 ? 1 : 4;
    for (int mib = 0; mib <= last; mib += step) {
        run(with_little_space, &mib);
        cr_assert(report.status == MIXED_RIGHT || report.status == MIXED_REFUSED || out_of_memory(),
                  "%d MiB: status %d: %s", mib, report.status, report.said);
    }
    cr_assert_eq(report.status, MIXED_RIGHT, "%d MiB: status %d: %s", last, report.status, report.said);
}

/* --- signals that wait to be delivered --- */

static int without_room_for_signals(void *arg)
{
    if (geteuid() == 0 && setresuid(64124, 64124, 64124) != 0)
        return NOT_ENFORCED;
    set_limit(RLIMIT_SIGPENDING, 0);
    return mixed_run(arg);
}

Test(limits, without_room_for_a_stop_signal_it_says_so)
{
    run(without_room_for_signals, NULL);
    if (report.status == NOT_ENFORCED)
        test_skip("cannot become a user whose signals are limited");
    if (report.status != MIXED_RIGHT) /* the goroutine that computes was stopped by its blocking call's end, say */
        must_die_saying("fatal error: cannot stop a thread: tgkill failed", "errno 11");
}
