/* clock.h - monotonic nanoseconds, and a settable clock for tests and the seeded mode. Threads: any. Memory: none. */
#ifndef RTI_CLOCK_H
#define RTI_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC, in ns. About 26 ns a call. */
int64_t rti_clock_monotonic(void);
/* The same, or the fake time while one is set. */
int64_t rti_clock_now(void);
/* From now on rti_clock_now() gives now_ns until set again; negative goes back to the real clock. */
void rti_clock_set_fake(int64_t now_ns);

#endif
