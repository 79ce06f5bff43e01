/* fault.h - a child process in which a system call fails at its Nth use.
 *
 *   static const long nr[] = {SYS_mmap, FAULT_END};
 *   struct fault_plan plan = {.name = "mmap", .nr = nr, .error = ENOMEM, .nth = 3};
 *   fault_run(&plan, body, arg, &report);     the child runs body(arg) and ends with what it returns
 *
 * The kernel stops the child at each such call (seccomp user notification, seccomp_unotify(2)) and asks us, so nothing
 * is hooked in the code under test, and raw system calls are caught as well as those of the C library. It needs no
 * privilege; where the kernel or a container's profile has no such thing the test is skipped.
 *
 * Calls of a sanitizer's own library are let through and not counted: it would die of its own.
 * Threads: the test's. Memory: none. */
#ifndef TESTS_SUPPORT_FAULT_H
#define TESTS_SUPPORT_FAULT_H

#include "test.h"

struct seccomp_data;

enum { FAULT_END = -1, FAULT_CALLS_MAX = 8, FAULT_SAID = 1 << 16, FAULT_SECONDS = 120 };

struct fault_plan {
    const char *name;
    const long *nr; /* system calls that count, FAULT_END after the last; none: nothing is caught */
    int error;      /* what the call gives: an errno */
    long nth;       /* from 1 on; 0: none fails, they are counted */
    bool onwards;   /* those after the nth fail, too */
    bool (*counts)(const struct seccomp_data *call); /* NULL: every call of the numbers */
};

struct fault_report {
    int status;  /* as of exit(3); 128 + the number of the signal that ended it */
    bool hung;   /* it did not end within FAULT_SECONDS; then it was asked for its goroutines and killed */
    long uses;   /* calls that counted */
    long failed; /* of these, made to fail */
    size_t len;
    char said[FAULT_SAID]; /* what it wrote to standard error; its beginning */
};

void fault_run(const struct fault_plan *plan, int (*body)(void *arg), void *arg, struct fault_report *report);

/* $LODE_FAULTS: how many times as much as usual a campaign shall do; 1 without. */
long fault_effort(void);

#endif
