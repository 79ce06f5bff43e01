/* schedtrace.h - GODEBUG=schedtrace=N and scheddetail=1: the state of the scheduler, in the format of Go (the function
 * schedtrace of runtime/proc.go, Go 1.27). Threads: said at each. Memory: a static buffer, sysmon's. */
#ifndef RTI_SCHEDTRACE_H
#define RTI_SCHEDTRACE_H

#include <stdbool.h>
#include <stdint.h>

struct rti_outbuf;

/* sysmon only, once a round; now_ns of the monotonic clock. Prints on standard error when schedtrace is on and its
 * period is over. True when it is on: sysmon then must not sleep for long. */
bool rti_schedtrace_round(int64_t now_ns);
/* The next line is the first again: 0 ms. At boot. */
void rti_schedtrace_reset(void);
/* Where the process dies: every P, M and G, if schedtrace or scheddetail is on. Takes no lock. Async-signal-safe. */
void rti_schedtrace_fatal(struct rti_outbuf *o);
/* One report into o. locked: take the world's lock for what belongs together (the first line and the Ps). */
void rti_schedtrace_print(struct rti_outbuf *o, int64_t now_ns, bool detailed, bool locked);

#endif
