/* chainreplay.h - lodectl chain replay: feeds headers to the production block tree. Threads: main. Memory: malloc. */
#ifndef CTL_CHAINREPLAY_H
#define CTL_CHAINREPLAY_H

/* chain replay --network NAME [--spacing S] [--half-life S] FILE...
 * argv[0] is the word "replay" (ignored). Inserts the headers of the files (80 bytes each) in the order given into a
 * tree that starts at the network's genesis; one JSON object a line: {"event":"connected"|"side"|"orphan"|"reorg"|
 * "refused", "hash", ...}, with height where it is known, depth, old_tip, new_tip for a reorg, code for a refusal (a
 * header given twice is refused as "duplicate"). An orphan's own event follows when its parent came. The genesis, which
 * the tree has from the start, is told as connected where a file holds it. Last line: tip, height, work.
 * Nothing is judged by the clock. Returns the exit status: 0, 1 when a file cannot be read, 2 wrong usage. */
int chainreplay_main(int argc, char **argv);

#endif
