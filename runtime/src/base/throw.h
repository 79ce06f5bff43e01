/* throw.h - the hook of rt_throw. Threads: set at boot, before a second thread. Memory: none. */
#ifndef RTI_THROW_H
#define RTI_THROW_H

#include <rt/check.h>

/* How much GOTRACEBACK wants to see. Unset or unknown is SINGLE. A fatal error shows all goroutines from SINGLE on (as
 * Go's do), a fault only its own; SYSTEM adds the frames of the runtime; CRASH aborts at the end, for a core. */
enum rti_throw_level { RTI_THROW_NONE, RTI_THROW_SINGLE, RTI_THROW_ALL, RTI_THROW_SYSTEM, RTI_THROW_CRASH };
enum rti_throw_level rti_throw_level(void);

/* The calling thread ends the process: returns once, for the first thread that dies (again for the same one); others
 * wait here for their end. */
void rti_throw_begin(void);
/* dump prints all goroutines, async-signal-safe; NULL takes it away. Called once even if the dump itself throws. */
void rti_throw_set_dump(void (*dump)(void));
/* last prints one line more, after the dump. As above. */
void rti_throw_set_last(void (*last)(void));
/* Ends the process after a message was printed: dump, then status 2 (SIGABRT with GOTRACEBACK=crash). */
NORETURN void rti_throw_die(void);

#endif
