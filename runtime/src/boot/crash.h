/* crash.h - SIGSEGV and SIGBUS: a stack overflow is told with the goroutine's name; everything else names the
 * goroutine, prints its stack and then takes the course it would have had. SIGQUIT prints every goroutine and ends the
 * process with status 2. Threads: boot. Memory: none. */
#ifndef RTI_CRASH_H
#define RTI_CRASH_H

/* Installs the handlers, SIGQUIT's only if the program has none, and ignores SIGPIPE if nobody handles it; once per
 * process. */
void rti_crash_install(void);

#endif
