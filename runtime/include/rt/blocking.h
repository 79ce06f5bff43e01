/* blocking.h - bracket a call that may block the thread, so that the other goroutines of its P go on. Threads:
 * goroutines; a no-op on threads that run none. Memory: none. */
#ifndef RT_BLOCKING_H
#define RT_BLOCKING_H

#include <rt/attr.h>
#include <rt/go.h>

RT_DECLS_BEGIN

/* Between the two the goroutine stays on its thread and calls nothing else of the runtime; the calls do not nest. Costs
 * a few plain stores. If the call lasts, another thread takes over the P (after 20 us if there is work for it, else
 * after 10 ms; where calls made from the same place lasted lately, at once), and rt_exit_blocking then waits for a free
 * P: it may return on another thread. */
void rt_enter_blocking(void);
void rt_exit_blocking(void);

/* RT_BLOCKING(read(fd, buf, len)): the value of an integer call made inside the bracket; -errno where the call gave
 * -1. errno itself is stale afterwards. */
#define RT_BLOCKING(expr)                                                                                              \
    __extension__({                                                                                                    \
        rt_enter_blocking();                                                                                           \
        __typeof__(expr) blocking_ = (expr);                                                                           \
        if (blocking_ == (__typeof__(expr))-1)                                                                         \
            blocking_ = (__typeof__(expr))-rt_errno();                                                                 \
        rt_exit_blocking();                                                                                            \
        blocking_;                                                                                                     \
    })

RT_DECLS_END

#endif
