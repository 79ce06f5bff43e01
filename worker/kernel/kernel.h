/* kernel.h - searching nonces: one job prepared once, scanned slice by slice by one of several kernels (one instruction
 * set each). Pure: no I/O, no clock, no allocation. Threads: any; a prepared job is read-only and may be scanned by
 * many threads at once. Memory: the caller's; none of these structs holds a pointer, so they may live on a stack, in
 * malloc or in the GC heap (as pointer-free objects).
 *
 * Use:  kernel_job_init(&job, header, target);            one version: the header's own
 *       kernel_job_roll(&job, mask, 8);                   or k = 8 rolled versions (BIP 320 mask)
 *       kernel_prepare(&prepared, &job);                  per job and extranonce: about 1 microsecond
 *       done = kernel_scan(kernel, &prepared, &slice);    at most 1 ms of nonces at a time
 *
 * A nonce stands for `versions` hashes: k midstates share one message schedule of the header's second block
 * (software AsicBoost), which is why rolled versions make a kernel faster. */
#ifndef WORKER_KERNEL_KERNEL_H
#define WORKER_KERNEL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

enum { KERNEL_VERSIONS_MAX = 16, KERNEL_LANES_MAX = 16, KERNEL_HEADER_BYTES = 80 };

/* What to search. The header's bytes 0..3 (version) and 76..79 (nonce) are ignored: versions come from version[]. */
struct kernel_job {
    uint8_t header[KERNEL_HEADER_BYTES]; /* wire order */
    uint8_t target[32];                  /* big-endian: target[0] is the most significant byte */
    int versions;                        /* 1, 2, 4, 8 or 16 entries of version[] are used */
    uint32_t version[KERNEL_VERSIONS_MAX];
};

/* A header whose hash is at or below the target: the job's header with version[version_index] and nonce. */
struct kernel_hit {
    uint32_t nonce;
    uint8_t version_index;
};

/* A job made ready by kernel_prepare: midstates, constants folded into tables. Read it only inside worker/kernel; the
 * indices into the tables are named in kernel_words.h. */
struct kernel_prepared {
    uint32_t midstate[KERNEL_VERSIONS_MAX][8]; /* after the first 64 bytes of the header */
    uint32_t early[KERNEL_VERSIONS_MAX][16]; /* enum kernel_early: rounds 0..3 of the second block but for the nonce */
    uint32_t fold[8];                        /* enum kernel_fold: constant terms of the second block's schedule */
    uint32_t version[KERNEL_VERSIONS_MAX];
    uint32_t filter;    /* most significant word of the target */
    uint8_t target[32]; /* big-endian */
    uint8_t header[KERNEL_HEADER_BYTES];
    int versions;
};

/* One call's work. The caller sets start, count, hits and cap; kernel_scan sets n_hits.
 * cap must be at least the job's versions, else nothing could ever be reported (CHECKed). */
struct kernel_slice {
    uint32_t start;          /* first nonce */
    uint64_t count;          /* nonces; a range beyond 2^32 - 1 is cut there, it never wraps */
    struct kernel_hit *hits; /* borrowed during the call; filled in order of nonce, then version_index */
    size_t cap;              /* entries in hits */
    size_t n_hits;           /* out */
};

struct kernel {
    const char *name; /* "portable", "avx2", ...: the value of the setting kernel= */
    int lanes;        /* nonces hashed side by side */
    /* Whether this CPU and this operating system can run it. */
    bool (*usable)(void);
    /* Hashes up to `groups` (>= 1) groups of `lanes` consecutive nonces from nonce on, and stops after the first group
     * with a candidate: bit l of mask[v] says that the top word of the hash of nonce + l with version v is at or below
     * job->filter. All versions' masks are written; bits may be set too often, never too seldom. Returns the groups
     * done; the masks are those of the last one. The nonces do not pass 2^32 - 1 but in lanes the caller ignores. */
    uint64_t (*sweep)(const struct kernel_prepared *job, uint32_t nonce, uint64_t groups,
                      uint16_t mask[KERNEL_VERSIONS_MAX]);
};

/* Fills job for one version, the header's own. header: 80 bytes, wire order; target: 32 bytes, big-endian. */
void kernel_job_init(struct kernel_job *job, const uint8_t *header, const uint8_t *target);
/* Rolls version bits: version[0] stays the header's, the others differ from it only in bits of mask (BIP 320:
 * 0x1fffe000). Uses as many versions as wanted (1..16, rounded down to a power of two) and mask allow; returns their
 * number, at least 1. Equal arguments give equal versions. */
int kernel_job_roll(struct kernel_job *job, uint32_t mask, int wanted);
/* Makes job ready to scan. ERR_RANGE when versions is not 1, 2, 4, 8 or 16. The job is copied, not borrowed. */
int kernel_prepare(struct kernel_prepared *out, const struct kernel_job *job) MUST_CHECK;
/* Finds all hits among slice->count nonces from slice->start. Returns the nonces done (each is `versions` hashes): all
 * of them, unless the hits might not fit any more or the range passes 2^32 - 1; all hits of the nonces done are in
 * hits[0..n_hits). Go on at start + the value returned. Never blocks, never allocates; cost per call well under 1 us.
 */
uint64_t kernel_scan(const struct kernel *kernel, const struct kernel_prepared *job, struct kernel_slice *slice);
/* Hash of the job's header with that hit's version and nonce (display order reversed: wire order), by the reference;
 * for reports and tests. out: 32 bytes. */
void kernel_hash(const struct kernel_prepared *job, struct kernel_hit hit, uint8_t *out);

#endif
