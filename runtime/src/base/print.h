/* print.h - writing to standard error from anywhere, signal handlers included. Threads: any; one call is one write of
 * up to 512 bytes. Memory: the stack. */
#ifndef RTI_PRINT_H
#define RTI_PRINT_H

#include <stdarg.h>
#include <stddef.h>

#include <rt/attr.h>

/* %s %d %u %x %p %c %%, with l, ll or z before d u x. Anything else is printed as it stands. */
void rti_print_text(const char *fmt, ...) PRINTF_LIKE(1, 2);
void rti_print_args(const char *fmt, va_list args) PRINTF_LIKE(1, 0);
/* The same into buf: at most cap - 1 chars and a NUL; returns the length written. */
size_t rti_print_format(char *buf, size_t cap, const char *fmt, va_list args) PRINTF_LIKE(3, 0);

#endif
