/* commands.h - the commands of lodectl: one table of names, arguments, help and functions. Threads: main.
 * Memory: none kept. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "ctl/args.h"
#include "ctl/session.h"

/* The table; its last entry has no name. Static storage. */
const struct command *commands_table(void);
/* Runs what args say, help and version included; s->client is left to the caller. Returns the exit status. */
int commands_run(struct session *s, const struct args *args);

#endif
