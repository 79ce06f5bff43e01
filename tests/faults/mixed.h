/* mixed.h - a small program that uses a bit of everything the runtime has, for the tests of this folder to run while
 * something goes wrong. Threads: mixed_run from one thread, outside the runtime. Memory: its own, freed. */
#ifndef TESTS_FAULTS_MIXED_H
#define TESTS_FAULTS_MIXED_H

#include <stdbool.h>

/* How the process ends: all was right, rt_main returned an error that it documents, or something was wrong (said on
 * standard error). */
enum { MIXED_RIGHT = 0, MIXED_REFUSED = 3, MIXED_WRONG = 77 };

/* Runs it under the options in *arg (struct mixed; NULL: two Ps, once) and returns one of the above. */
struct mixed {
    int procs;
    const char *godebug;
    int rounds;           /* at least one */
    bool (*more)(void);   /* if set: another round while it says so */
    void (*before)(void); /* if set: called by the main goroutine first */
};
int mixed_run(void *arg);

/* Descriptors and sockets were refused with a documented error: the program did without. */
extern _Atomic(int) mixed_refusals;

#endif
