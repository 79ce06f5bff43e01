/* symbol.h - the name of a code address, for reports and dumps. Threads: any, signal handlers. Memory: the program's
 * symbol table stays mapped once it was needed.
 * The program's own functions, static ones too, come from its .symtab, read from /proc/self/exe without malloc; those
 * of shared libraries and of a stripped program from dladdr, which takes the loader's lock (recursive, so a handler
 * that interrupted the loader gets through). */
#ifndef RTI_SYMBOL_H
#define RTI_SYMBOL_H

#include <stdbool.h>
#include <stdint.h>

struct rti_symbol {
    const char *name; /* NULL: unknown */
    uintptr_t start;  /* of the function; 0 when its name is unknown */
    const char *file; /* the program or library; NULL: the address is in none */
    uintptr_t base;   /* address - base is what addr2line -e file wants */
};

/* What lies at `at`. The strings stay. False when not even the file is known. */
bool rti_symbol_find(uintptr_t at, struct rti_symbol *out);

/* Remembers what was found: a dump asks for the same few addresses again and again. All zero is empty. */
enum { RTI_SYMBOL_CACHE = 64 };
struct rti_symbol_cache {
    struct {
        uintptr_t at;
        struct rti_symbol symbol;
    } of[RTI_SYMBOL_CACHE];
};
const struct rti_symbol *rti_symbol_cached(struct rti_symbol_cache *cache, uintptr_t at);

/* Writes prefix, "name+0x12 (file)" or "0x1234 (file+0x34)", and a newline on standard error. */
void rti_symbol_print(const char *prefix, const void *at);

#endif
