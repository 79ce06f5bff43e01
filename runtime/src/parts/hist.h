/* hist.h - a histogram of durations: powers of two, each cut into four equal parts, as the time histograms of Go's
 * runtime/metrics (runtime/histogram.go). Threads: any may add, any may read; a reader sees each count whole, not all
 * of one moment. Memory: none; all zero is an empty histogram.
 *
 * Bucket 0 starts at 0 ns; the first eight are 64 ns wide (up to 2^9 ns), and from there on four make a doubling, up to
 * 2^47 ns (39 hours). */
#ifndef RTI_HIST_H
#define RTI_HIST_H

#include <stdint.h>

#include "base/atomic.h"

enum { RTI_HIST_MIN_BITS = 9, RTI_HIST_MAX_BITS = 48, RTI_HIST_SUB_BITS = 2 };
enum { RTI_HIST_BUCKETS = (RTI_HIST_MAX_BITS - RTI_HIST_MIN_BITS + 1) << RTI_HIST_SUB_BITS };

struct rti_hist {
    _Atomic(uint64_t) count[RTI_HIST_BUCKETS];
    _Atomic(uint64_t) under, over; /* negative (a clock that ran backwards); 2^47 ns and more */
};

/* Counts one duration. Relaxed: the counts order nothing. */
void rti_hist_add(struct rti_hist *self, int64_t ns);
/* The same of a histogram that nobody else adds to: no read-modify-write. */
void rti_hist_add_own(struct rti_hist *self, int64_t ns);
/* Adds from's counts; from has one owner or is at rest. */
void rti_hist_merge(struct rti_hist *self, struct rti_hist *from);
/* The bucket of a duration; -1 below 0, RTI_HIST_BUCKETS beyond the last. */
int rti_hist_bucket(int64_t ns);
/* Where bucket i starts, ns; i = RTI_HIST_BUCKETS gives the end of the last. */
int64_t rti_hist_start(int i);
/* All that was counted. */
uint64_t rti_hist_total(struct rti_hist *self);
/* The start of the bucket in which quantile q (0..1) lies, -1 if it is below 0 or there is nothing. */
int64_t rti_hist_quantile(struct rti_hist *self, double q);

#endif
