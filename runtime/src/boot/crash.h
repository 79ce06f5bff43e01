/* crash.h - SIGSEGV and SIGBUS: a stack overflow is told with the goroutine's name; everything else names the goroutine
 * and then takes the course it would have had. Threads: boot. Memory: none. */
#ifndef RTI_CRASH_H
#define RTI_CRASH_H

/* Installs the handlers and ignores SIGPIPE if nobody handles it; once per process. */
void rti_crash_install(void);

#endif
