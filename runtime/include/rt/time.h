/* time.h - the clock, sleeping, timers, tickers. Deadlines everywhere are absolute rt_now() nanoseconds.
 * Threads: any goroutine, unless said otherwise. Memory: timers come from a pool and go back to it by rt_timer_free().
 * Time is monotonic (CLOCK_MONOTONIC), nothing here follows the wall clock.
 * Semantics: Go's package time from Go 1.23 on: timer channels are unbuffered to the eye (length and capacity 0), and
 * no value of before a stop or reset is ever received after it. A timer that nobody waits for keeps no program alive:
 * if all goroutines wait for other things, that is a deadlock and reported at once. */
#ifndef RT_TIME_H
#define RT_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include <rt/attr.h>

RT_DECLS_BEGIN

struct rt_chan;
struct rt_timer;

#define RT_NO_DEADLINE INT64_MAX /* for every deadline_ns: wait as long as it takes */

/* Nanoseconds of the runtime's monotonic clock. Any thread. */
int64_t rt_now(void);
/* The deadline ns from now, saturating at RT_NO_DEADLINE; ns <= 0 gives now. */
int64_t rt_deadline(int64_t ns);

/* Parks the goroutine for at least ns nanoseconds; 0 or less returns at once (as Go). Usual lateness is some ten
 * microseconds when a P is idle: the kernel is asked in nanoseconds (epoll_pwait2), not in milliseconds. */
void rt_sleep(int64_t ns);

/* A timer that sends the time it was due at (int64_t, rt_now() scale) to rt_timer_chan() once, after ns. The caller
 * owns it and frees it, fired or not. Never NULL. As all timers, it can be made only while rt_main runs; outside that
 * is a fatal error. */
struct rt_timer *rt_timer_new(int64_t ns) MUST_CHECK;
/* The same every period_ns (<= 0: fatal, "non-positive interval for NewTicker"). A slow receiver misses ticks; they do
 * not pile up. Ticks keep their phase: tick k is due at start + k * period, however late the ones before were. */
struct rt_timer *rt_ticker_new(int64_t period_ns) MUST_CHECK;
/* A timer that runs fn(arg) in a goroutine of its own after ns. arg is borrowed until fn ran or the timer was
 * stopped with true. */
struct rt_timer *rt_after_func(int64_t ns, void (*fn)(void *arg), void *arg) MUST_CHECK;
/* Where a timer or ticker sends; NULL for rt_after_func(). Borrowed until rt_timer_free(). Never closed. */
struct rt_chan *rt_timer_chan(struct rt_timer *self);

/* Disarms it. True: this call prevented it from firing (for channels: from being received). False: it had fired (been
 * received; for rt_after_func(): its goroutine was started, and may still run) or was stopped before. */
bool rt_timer_stop(struct rt_timer *self);
/* Arms it again for ns from now; a ticker gets ns as its new period (<= 0: fatal, "non-positive interval for
 * Ticker.Reset"). Returns what a stop would have. */
bool rt_timer_reset(struct rt_timer *self, int64_t ns);
/* Stops and frees it, and its channel; *self_p becomes NULL. NULL-safe. Nobody may wait on the channel (fatal). */
void rt_timer_free(struct rt_timer **self_p);

/* A channel that gets one int64_t, the time it was due at, after ns: for a timeout case in a select. The caller frees
 * it with rt_chan_free(), before or after it fired. Never NULL. */
struct rt_chan *rt_after(int64_t ns) MUST_CHECK;

RT_DECLS_END

#endif
