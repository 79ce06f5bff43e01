/* crew.h - what the miners share: the jobs, the leases, who works on what. A miner takes a slice of about a quarter
 * of a millisecond together with the job that is current at that moment, hashes it whole and puts it back; so a new tip
 * stops work on the old one within a slice, and every counter value is hashed once.
 * Threads: goroutines; crew_take and crew_put by miners, the rest by the link's goroutine. Memory: one allocation and
 * the holdings'; borrows kernel and mailbox until crew_free. */
#ifndef WORKER_CREW_H
#define WORKER_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/wire/message.h"
#include "worker/holdings.h"
#include "worker/job.h"

struct kernel;
struct mailbox;
struct report;
struct crew;

enum {
    CREW_JOBS_MAX = 12, /* the current one, those sent ahead, those that held leases are bound to */
    CREW_HOLD_MS = 250, /* how long a job whose block was found rests while its successor is awaited */
};

#define CREW_QUIET (UINT64_C(1) << 63)

struct crew_totals {
    uint64_t hashes, slices;
    uint64_t leases_done, shares, blocks;
    uint64_t siblings; /* further blocks on a job that is solved already: of no use, not sent */
    int64_t busy_ns, wait_ns;
    int64_t switch_ns; /* the last change of jobs: from crew_work_on to the last miner that took it up */
    uint64_t left;     /* counters not taken yet */
    size_t held_count;
    struct holding_state held[HOLDINGS_MAX];
};

/* For `miners` miners (1 and more). Never NULL; caller owns. */
struct crew *crew_new(const struct kernel *kernel, struct mailbox *mailbox, size_t miners);
void crew_free(struct crew **self_p);
size_t crew_miners(const struct crew *self);
const struct kernel *crew_kernel(const struct crew *self);
struct mailbox *crew_mailbox(const struct crew *self);

/* --- the link's side --- */
/* Puts a job into the table (again: replaces it). 0, or what job_take says. */
int crew_job(struct crew *self, const struct message_job *job) MUST_CHECK;
/* From now on every slice is hashed under this job; 0: miners rest. ERR_UNKNOWN_JOB when it is not in the table. */
int crew_work_on(struct crew *self, uint64_t job) MUST_CHECK;
/* Takes a lease. Errors of holdings_add, and ERR_UNKNOWN_JOB when it is bound to a job that is not in the table. */
int crew_lease(struct crew *self, const struct message_lease *lease) MUST_CHECK;
int crew_drop(struct crew *self, uint64_t lease) MUST_CHECK; /* ERR_UNKNOWN_LEASE */
/* As holdings_cut; 1 when the cut completed the lease: then *done is its REPORT_DONE. */
int crew_cut(struct crew *self, const struct message_lease_cut *cut, uint64_t *end, struct report *done) MUST_CHECK;
/* No slices are handed out while paused for at least one reason. */
enum crew_pause {
    CREW_PAUSE_OPERATOR = 1, /* CTRL pause */
    CREW_PAUSE_LOST = 2,     /* no coordinator, which wants it so */
    CREW_PAUSE_BLOCKS = 4,   /* as many blocks wait for their ACK as may: none is ever dropped */
};
void crew_pause(struct crew *self, enum crew_pause why, bool paused);
/* While quiet, miners look for blocks only: as many shares wait for their ACK as may. */
void crew_quiet(struct crew *self, bool quiet);
/* The block found on this job was refused: look for another. */
void crew_unsolve(struct crew *self, uint64_t job);
/* The clock: lets a job that rests go on when its time is over. */
void crew_tick(struct crew *self, int64_t now_ns);
/* No more slices for ever; each miner then posts REPORT_EXITED as its last word. Does not wait. */
void crew_stop(struct crew *self);
void crew_totals(struct crew *self, struct crew_totals *out);

/* --- a miner's side --- */
/* Waits for work and takes it: at most max counters for miner. *job is the miner's copy of the job it worked on last
 * (serial 0: none); it is replaced when another one is due. While the crew is quiet its share target is the block's,
 * and its serial has CREW_QUIET set. False when the crew stops. */
bool crew_take(struct crew *self, size_t miner, uint64_t max, struct slice *slice, struct job *job) MUST_CHECK;
/* done counters of the slice are hashed, all or the first ones. May wait for the mailbox. */
void crew_put(struct crew *self, size_t miner, const struct slice *slice, uint64_t done, int64_t busy_ns);
/* A hash that is worth something on this job: true when it is to be reported. */
bool crew_found(struct crew *self, const struct job *job, enum job_grade grade);

#endif
