#include "observe/fatal.h"

#include <unistd.h>

#include "arch/ucontext.h"
#include "base/outbuf.h"
#include "base/print.h"
#include "base/throw.h"
#include "observe/schedtrace.h"
#include "observe/traceback.h"
#include "proc/m.h"

enum { BUF = 4096 };

static void dump(const struct rti_traceback_at *here, bool all)
{
    char buf[BUF];
    struct rti_outbuf o;
    enum rti_throw_level level = rti_throw_level();
    struct m *m = rti_m_self();
    struct g *self = m ? m->curg : NULL;
    rti_outbuf_init(&o, STDERR_FILENO, buf, sizeof buf);
    if (all)
        rti_schedtrace_fatal(&o);
    rti_outbuf_text(&o, "\n");
    bool system = level >= RTI_THROW_SYSTEM, show_all = level != RTI_THROW_NONE && all;
    if (show_all && !rti_traceback_frozen(&o, self, here, system))
        rti_traceback_all(&o, self, here, system);
    else if (!all && level != RTI_THROW_NONE && self)
        rti_traceback_one(&o, self, here, system);
    rti_outbuf_flush(&o);
}

void rti_fatal_dump(void)
{
    struct rti_traceback_at here = {.fp = (uintptr_t)__builtin_frame_address(0)};
    dump(&here, true);
}

static struct rti_traceback_at interrupted(const void *context)
{
    return (struct rti_traceback_at){.pc = rti_ucontext_pc(context), .fp = rti_ucontext_fp(context)};
}

void rti_fatal_quit(int code, const void *context)
{
    struct rti_traceback_at here = interrupted(context);
    struct m *m = rti_m_self();
    rti_throw_begin();
    rti_print_text("SIGQUIT: quit\nPC=0x%lx m=%u sigcode=%d\n", (unsigned long)here.pc, m ? m->id : 0, code);
    dump(&here, true);
    rti_throw_set_dump(NULL);
    rti_throw_die();
}

void rti_fatal_overflow(const void *context)
{
    rti_throw_begin();
    rti_fatal_fault(context);
    rti_throw_set_dump(NULL);
    rti_throw_die();
}

void rti_fatal_fault(const void *context)
{
    struct rti_traceback_at here = interrupted(context);
    dump(&here, rti_throw_level() >= RTI_THROW_ALL);
}
