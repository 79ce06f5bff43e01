/* symbol.h - the name of a code address, for fatal reports. Threads: any; not strictly async-signal-safe (dladdr takes
 * the loader's lock), so only where the process is about to end. Memory: none. */
#ifndef RTI_SYMBOL_H
#define RTI_SYMBOL_H

/* Writes prefix, "name+0x12 (file)" or "0x1234 (file+0x34)", and a newline. */
void rti_symbol_print(const char *prefix, const void *at);

#endif
