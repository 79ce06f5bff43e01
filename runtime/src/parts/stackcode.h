/* stackcode.h - the words of a parked stack in fewer bytes. Most are zero, or addresses of the same stack or of the
 * program, of which the lower half is enough. Threads: none. Memory: the caller's. Not seen by sanitizers: what is
 * packed may be a stack in use, whose packing is thrown away then.
 *
 * Format: two bits per word (four words a byte, lowest first; padded to 4 bytes), then the parts of 4 bytes: none of a
 * zero word, the lower half of one whose upper half is that of the stack or of the program, else both, lower first. */
#ifndef RTI_STACKCODE_H
#define RTI_STACKCODE_H

#include <stddef.h>

enum { RTI_STACKCODE_MAX = 2048, RTI_STACKCODE_ROOM = RTI_STACKCODE_MAX + RTI_STACKCODE_MAX / 32 };

/* Packs bytes (a multiple of 8, at most RTI_STACKCODE_MAX) from `from` into out, which has room for RTI_STACKCODE_ROOM
 * and is 4-aligned. Returns how many it took. */
size_t rti_stackcode_pack(void *out, const void *from, size_t bytes);
/* The words again, bytes of them, into `to`. at: where they were packed from. */
void rti_stackcode_unpack(void *to, const void *at, size_t bytes, const void *packed);

#endif
