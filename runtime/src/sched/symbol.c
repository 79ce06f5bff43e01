#include "sched/symbol.h"

#include <dlfcn.h>
#include <stdint.h>

#include "base/print.h"

void rti_symbol_print(const char *prefix, const void *at)
{
    Dl_info info;
    if (!dladdr(at, &info) || !info.dli_fname) {
        rti_print_text("%s%p\n", prefix, at);
        return;
    }
    if (info.dli_sname)
        rti_print_text("%s%s+0x%lx (%s)\n", prefix, info.dli_sname,
                       (unsigned long)((uintptr_t)at - (uintptr_t)info.dli_saddr), info.dli_fname);
    else /* a static function: addr2line -e file offset */
        rti_print_text("%s%p (%s+0x%lx)\n", prefix, at, info.dli_fname,
                       (unsigned long)((uintptr_t)at - (uintptr_t)info.dli_fbase));
}
