/* chainreplay.h - lodectl chain replay: feeds headers to the production block tree. Threads: main. Memory: malloc. */
#ifndef CTL_CHAINREPLAY_H
#define CTL_CHAINREPLAY_H

struct args;
struct session;

/* chain replay --network NAME [--spacing D] [--half-life D] FILE...
 * Inserts the headers of the files (80 bytes each) in the order given into a tree that starts at the network's genesis;
 * one JSON object a line on the session's out, whatever -o says: {"event":"connected"|"side"|"orphan"|"reorg"|
 * "refused", "hash", ...}, with height where it is known, depth, old_tip, new_tip for a reorg, code for a refusal (a
 * header given twice is refused as "duplicate"). An orphan's own event follows when its parent came. The genesis, which
 * the tree has from the start, is told as connected where a file holds it. Last line: tip, height, work.
 * Nothing is judged by the clock. Returns the exit status: ARGS_OK; ARGS_USAGE; ARGS_FAILED, or ARGS_REFUSED for want
 * of permission, when a file cannot be read or holds no whole headers: then nothing is on out. */
int chainreplay_run(struct session *s, const struct args *args);

#endif
