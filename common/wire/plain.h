/* plain.h - which characters may stand for themselves where people read: in a log line, on a terminal. Pure,
 * async-signal-safe. Threads: any. Memory: none.
 * On this floor because it reads UTF-8 as messages have it (cursor.h). */
#ifndef COMMON_WIRE_PLAIN_H
#define COMMON_WIRE_PLAIN_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at at[0..left), left > 0, or 0 when it must not be shown as it is: controls (C0, DEL, and C1,
 * among which U+009B starts an escape sequence as ESC [ does), separators of lines (U+2028, U+2029), marks and
 * overrides of direction, which let a text look like another (Unicode TR 36, section 2.6), and bytes that are no UTF-8.
 */
size_t plain_sequence(const uint8_t *at, size_t left);
/* The code point of the valid sequence of len bytes at at (as cursor_sequence counts them). */
uint32_t plain_code_point(const uint8_t *at, size_t len);

#endif
