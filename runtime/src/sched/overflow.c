#include "sched/overflow.h"

#include "base/print.h"
#include "base/throw.h"
#include "proc/g.h"
#include "sched/symbol.h"

void rti_overflow_tell(const struct g *g, const void *at)
{
    rti_print_text("fatal: stack overflow\n");
    rti_print_text("goroutine %lu%s%s ran over the end of its stack of %lu bytes (at %p)\n", (unsigned long)g->id,
                   g->name ? " " : "", g->name ? g->name : "",
                   (unsigned long)rti_stackpool_usable((enum rt_stack)g->stack_class), at);
    rti_symbol_print("        runs ", (void *)(uintptr_t)g->fn);
    if (g->created_at) {
        rti_print_text("created by goroutine %lu\n", (unsigned long)g->parent);
        rti_symbol_print("        at ", g->created_at);
    }
}

void rti_overflow_report(const struct g *g, const void *at)
{
    rti_overflow_tell(g, at);
    rti_throw_set_dump(0); /* the one goroutine says it all */
    rti_throw_die();
}
