/* chainexport.h - lodectl chain export: the active chain's 80-byte headers into a file. Threads: main. Memory: malloc.
 */
#ifndef CTL_CHAINEXPORT_H
#define CTL_CHAINEXPORT_H

struct args;
struct session;

/* args->rest[0]: the file, written beside itself and renamed when it is whole and synced, so that no reader ever sees
 * half of it, with the mode that the umask gives; a link is followed, a device or pipe is written to; "-" for the
 * session's out, which must not be a terminal. Headers come page by page; each must follow the one before, so a reorg
 * meanwhile is noticed and the export begun again (three times at most, then it fails with "link"). On success a
 * summary {headers, height, tip, file} is printed, with the network's parameters, which headers do not tell (network,
 * genesis, spacing_s, half_life_s; as text: how to verify): to out, or to err when the headers went to out. Returns the
 * exit status. */
int chainexport_run(struct session *s, const struct args *args);

#endif
