/* mine.h - lodectl mine: hands payloads in and shows the blocks they become. Threads: main. Memory: malloc. */
#ifndef CTL_MINE_H
#define CTL_MINE_H

struct args;
struct session;

/* Every argument is one payload, --count times each (all together at most MINE_BLOCKS_MAX). A line per block on the
 * session's err as it comes, the result on out. Returns the exit status: ARGS_PARTIAL when some blocks were mined and
 * then it failed; those are on out all the same. Given up (Ctrl-C), what was handed in stays queued. */
int mine_run(struct session *s, const struct args *args);

enum { MINE_BLOCKS_MAX = 100000, MINE_PAYLOAD_MAX = 32768 };

#endif
