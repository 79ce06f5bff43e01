/* throw.h - the hook of rt_throw. Threads: set at boot, before a second thread. Memory: none. */
#ifndef RTI_THROW_H
#define RTI_THROW_H

#include <rt/check.h>

/* dump prints all goroutines, async-signal-safe; NULL takes it away. Called once even if the dump itself throws. */
void rti_throw_set_dump(void (*dump)(void));
/* last prints one line more, after the dump. As above. */
void rti_throw_set_last(void (*last)(void));
/* Ends the process after a message was printed: dump, then status 2 (SIGABRT with GOTRACEBACK=crash). */
NORETURN void rti_throw_die(void);

#endif
