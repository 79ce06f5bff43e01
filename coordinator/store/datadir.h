/* datadir.h - the data directory: made private, and held by one process at a time.
 * Threads: one. Memory: none; one descriptor. */
#ifndef COORDINATOR_STORE_DATADIR_H
#define COORDINATOR_STORE_DATADIR_H

#include <rt/attr.h>

/* Makes dir with mode 0700 if it is absent (its parent must exist) and takes the lock DIR/lock. Returns the lock's
 * descriptor, which holds the lock until it is closed or the process ends, however it ends; ERR_LOCKED: another process
 * has it; ERR_TOO_LONG: the path; -errno: the directory, or the file. Symbolic links at dir/lock are refused. */
int datadir_lock(const char *dir) MUST_CHECK;
/* Makes what was created in dir durable. 0 or -errno. */
int datadir_sync(const char *dir) MUST_CHECK;

#endif
