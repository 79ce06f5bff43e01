/* debugvars.h - GODEBUG=name=value,... in one struct. Threads: parsed at boot, read by all. Memory: none. */
#ifndef RTI_DEBUGVARS_H
#define RTI_DEBUGVARS_H

#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

/* X(name, default, text): ints */
#define RTI_DEBUGVARS(X)                                                                                               \
    X(alwaysmigrate, 0, "1: every yield goes through the global queue, so another thread may pick it up")              \
    X(stealfirst, 0, "1: a P looks at the others' queues before its own")                                              \
    X(randompreempt, 0, "1: goroutines give way at random, at every use of a channel, lock or timer")                  \
    X(tinyqueues, 0, "1: run queues of 4, so that they overflow all the time")                                         \
    X(membarrier, 1, "0: act as if the kernel had no membarrier(2)")                                                   \
    X(guardpages, 2, "0: no guard pages, 1: by mprotect, 2: the best the kernel has")                                  \
    X(updatemaxprocs, 1, "0: keep the number of Ps when the CPUs we may use change")                                   \
    X(hibernate, 1, "0: stacks of parked goroutines are left alone, 2: taken at the first look")                       \
    X(stackmib, 0, "address space for stacks in MiB; 0: 256 GiB, less under sanitizers")                               \
    X(schedtrace, 0, "N: every N ms a line with the state of the scheduler on standard error, in Go's format")         \
    X(scheddetail, 0, "1: with schedtrace, every P, M and G too; with either, fatal errors print them once")

/* The same, of 64 bits without a sign. */
#define RTI_DEBUGVARS_WIDE(X)                                                                                          \
    X(seed, 0, "N: one goroutine at a time, every choice of the scheduler drawn from N, virtual time; 0: off")

struct rti_debugvars {
#define RTI_DEBUGVARS_FIELD(name, dflt, text) int name;
    RTI_DEBUGVARS(RTI_DEBUGVARS_FIELD)
#undef RTI_DEBUGVARS_FIELD
#define RTI_DEBUGVARS_FIELD(name, dflt, text) uint64_t name;
    RTI_DEBUGVARS_WIDE(RTI_DEBUGVARS_FIELD)
#undef RTI_DEBUGVARS_FIELD
};

extern struct rti_debugvars rti_debugvars; /* written at boot only */

/* Back to the defaults. */
void rti_debugvars_reset(struct rti_debugvars *vars);
/* Reads text (may be NULL or empty) over vars. 0, or -EINVAL with the offending part in bad (NUL-terminated, cut to
 * fit): an unknown name, or a value that is none: of an int, decimal digits, nine at most, perhaps after a minus; of a
 * wide one decimal digits, or hexadecimal ones after 0x, of at most 64 bits. vars is then half-written. */
int rti_debugvars_parse(struct rti_debugvars *vars, const char *text, char *bad, size_t bad_cap) MUST_CHECK;
/* What is wrong with such a part, for a message. Static storage. */
const char *rti_debugvars_why(const char *bad);

/* The switches that differ from their defaults, as "name=value,...": parsing it gives vars again. Into buf: at most
 * cap - 1 chars and a NUL. Async-signal-safe. */
void rti_debugvars_format(const struct rti_debugvars *vars, char *buf, size_t cap);

#endif
