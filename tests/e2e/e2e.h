/* e2e.h - processes of the cluster under test: each test has a folder of its own and any free ports, every child dies
 * with the test (PR_SET_PDEATHSIG) and is reaped by its pid. Threads: the test's own. */
#ifndef TESTS_E2E_E2E_H
#define TESTS_E2E_E2E_H

#include "test.h"

#include <jansson.h>
#include <sys/types.h>

enum { E2E_PATH = 512, E2E_WAIT_MS = 60000 };

/* A new empty folder, removed by e2e_cleanup; the same one for the whole test. */
const char *e2e_dir(void);
/* dir/name; static storage of 8 results in turn. */
const char *e2e_path(const char *name);
/* For .fini: kills what still runs, shows the end of all its output unless e2e_passed was called, removes the folder.
 */
void e2e_cleanup(void);
void e2e_passed(void);

/* One test, with the folder and the cleanup. */
#define E2E(suite, name, seconds)                                                                                      \
    static void e2e_##suite##_##name(void);                                                                            \
    Test(suite, name, .fini = e2e_cleanup, .timeout = (seconds))                                                       \
    {                                                                                                                  \
        e2e_##suite##_##name();                                                                                        \
        e2e_passed();                                                                                                  \
    }                                                                                                                  \
    static void e2e_##suite##_##name(void)

struct e2e_proc {
    pid_t pid;
    char name[64]; /* its output is dir/name.out and dir/name.err, appended to */
};

/* Starts $LODE_BIN/program. argv: arguments behind argv[0], NULL-terminated. env: "NAME=value" to add, or NULL.
 * ready_fd: the child gets it as descriptor 3, or -1. */
struct e2e_proc e2e_start(const char *name, const char *program, const char *const *argv, const char *env,
                          int ready_fd);
/* The exit status (128 + signal when killed); fails the test when it does not end within E2E_WAIT_MS. */
int e2e_wait(struct e2e_proc *p);
/* Sends a signal. */
void e2e_signal(const struct e2e_proc *p, int signal);
/* Runs to the end: the exit status. Output as with e2e_start. */
int e2e_run(const char *name, const char *program, const char *const *argv, const char *env);
/* Waits until dir/name has text in it; fails the test after E2E_WAIT_MS. */
void e2e_until_said(const char *name, const char *text);
/* Runs a line of sh in the test's folder, with our programs in PATH: the exit status, within 4 *
 * E2E_WAIT_MS, for it may mine. Output as with e2e_start. */
int e2e_shell(const char *name, const char *line);
/* The whole text of dir/name, NUL-terminated; the caller frees it. */
char *e2e_text(const char *name);

struct e2e_coordinator {
    struct e2e_proc proc;
    char work[128], tips[128], control[E2E_PATH], http[128];
};

/* Starts a coordinator on dir/data and waits for its ready line. more: further arguments, NULL-terminated, or NULL. */
struct e2e_coordinator e2e_coordinator(const char *name, const char *const *more);
/* The same on ports that stay free while it is down: none that the kernel gives to others, or to a worker that dials it
 * and so would meet itself. */
struct e2e_coordinator e2e_coordinator_fixed(const char *name, const char *const *more);
/* The same at the endpoints of an earlier one. */
struct e2e_coordinator e2e_coordinator_again(const char *name, const struct e2e_coordinator *before,
                                             const char *const *more);
/* A worker of one miner. */
struct e2e_proc e2e_worker(const char *name, const struct e2e_coordinator *c);

/* lodectl -o json with the words of line (single blanks); the exit status, and *out the tree on its standard output
 * (the caller's; NULL when there is none, as for out == NULL). */
int e2e_ctl(const struct e2e_coordinator *c, const char *line, json_t **out);
/* A number of "status". */
long long e2e_status(const struct e2e_coordinator *c, const char *key);
/* Polls "status" until key is at least n; fails the test after E2E_WAIT_MS. */
void e2e_until(const struct e2e_coordinator *c, const char *key, long long n);
/* One HTTP request; the status, *out the JSON body (the caller's). body NULL: GET. */
int e2e_http(const struct e2e_coordinator *c, const char *target, const char *body, json_t **out);
/* Monotonic milliseconds. */
long long e2e_now_ms(void);

#endif
