#include "base/throw.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/print.h"

static _Atomic(uintptr_t) dump_fn, last_fn; /* written at boot (rel), read by whoever dies (acq) */

void rti_throw_set_dump(void (*dump)(void))
{
    store_rel(&dump_fn, (uintptr_t)dump); /* pairs with the exchange in call_once */
}

void rti_throw_set_last(void (*last)(void))
{
    store_rel(&last_fn, (uintptr_t)last); /* pairs with the exchange in call_once */
}

static void call_once(_Atomic(uintptr_t) *fn_at)
{
    void (*fn)(void) = (void (*)(void))xchg_acq_rel(fn_at, 0); /* so a dump that throws does not dump again */
    if (fn)
        fn();
}

enum rti_throw_level rti_throw_level(void)
{
    static const struct {
        const char *word;
        enum rti_throw_level level;
    } words[] = {{"none", RTI_THROW_NONE}, {"0", RTI_THROW_NONE},     {"single", RTI_THROW_SINGLE},
                 {"all", RTI_THROW_ALL},   {"1", RTI_THROW_ALL},      {"system", RTI_THROW_SYSTEM},
                 {"2", RTI_THROW_SYSTEM},  {"crash", RTI_THROW_CRASH}};
    const char *mode = getenv("GOTRACEBACK");
    for (size_t i = 0; mode && i < ARRAY_LEN(words); i++)
        if (strcmp(mode, words[i].word) == 0)
            return words[i].level;
    return RTI_THROW_SINGLE;
}

void rti_throw_begin(void)
{
    static _Atomic(int) who; /* the thread that dies; taken once */
    int me = gettid(), nobody = 0;
    if (cas_acq_rel(&who, &nobody, me) || nobody == me) /* pairs with itself */
        return;
    for (;;)
        pause();
}

void rti_throw_die(void)
{
    rti_throw_begin();
    call_once(&dump_fn);
    call_once(&last_fn);
    if (rti_throw_level() == RTI_THROW_CRASH)
        abort();
    _exit(2);
}

void rt_throw(const char *fmt, ...)
{
    va_list args;
    char buf[400];
    va_start(args, fmt);
    rti_print_format(buf, sizeof buf, fmt, args);
    va_end(args);
    rti_print_text("fatal error: %s\n", buf);
    rti_throw_die();
}

void rt_throw_check(const char *file, int line, const char *expr)
{
    rt_throw("%s:%d: CHECK(%s) failed", file, line, expr);
}
