#include "worker/miner.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rt/go.h>
#include <rt/time.h>

#include "common/base/check.h"
#include "common/chain/header.h"
#include "common/chain/u256.h"
#include "worker/crew.h"
#include "worker/job.h"
#include "worker/kernel/kernel.h"
#include "worker/link/mailbox.h"

enum { NONCES_MIN = 64, ALIGNMENT = 64 };
#define NONCES_MAX (UINT64_C(1) << 28)

struct miner {
    struct crew *crew;
    size_t index;
    uint64_t size; /* nonces of the next slice */
    struct job job;
    uint64_t prepared_job; /* serial of what `ready` was made of; 0: nothing yet */
    uint32_t prepared_extranonce;
    uint8_t header[HEADER_LEN];
    struct kernel_prepared ready;
    struct kernel_hit hits[MINER_HITS_MAX];
};

uint64_t miner_next_size(uint64_t last, uint64_t done, int64_t busy_ns)
{
    if (busy_ns < 1)
        busy_ns = 1;
    double fits = (double)done * (MINER_SLICE_US * 1000.0) / (double)busy_ns;
    double size = ((double)last + fits) / 2; /* half way: one slice held up by others on the machine says little */
    if (fits < (double)last)
        size = fits; /* but the bound comes first */
    if (size > 4.0 * (double)last)
        size = 4.0 * (double)last;
    if (size > (double)NONCES_MAX)
        size = (double)NONCES_MAX;
    return size < NONCES_MIN ? NONCES_MIN : (uint64_t)size;
}

/* Midstate and constants, once per job and extranonce. */
static void prepare(struct miner *m, uint32_t extranonce)
{
    if (m->prepared_job == m->job.serial && m->prepared_extranonce == extranonce)
        return;
    struct kernel_job job;
    uint8_t target[U256_LEN];
    job_header(&m->job, extranonce, m->header);
    u256_to_be(target, &m->job.share_target);
    kernel_job_init(&job, m->header, target);
    int err = kernel_prepare(&m->ready, &job);
    CHECK(err == 0); /* one version is always allowed */
    m->prepared_job = m->job.serial;
    m->prepared_extranonce = extranonce;
}

static void report_hit(struct miner *m, const struct slice *slice, struct kernel_hit hit)
{
    struct report r = {.kind = REPORT_SHARE, .at_ns = rt_now()};
    struct report_found *f = &r.u.found;
    kernel_hash(&m->ready, hit, f->hash);
    enum job_grade grade = job_grade(&m->job, f->hash);
    if (!crew_found(m->crew, &m->job, grade))
        return;
    r.kind = grade == JOB_BLOCK ? REPORT_BLOCK : REPORT_SHARE;
    f->job = m->job.id;
    f->lease = slice->lease;
    f->nonce = (slice->start & ~UINT64_C(0xffffffff)) | hit.nonce;
    memcpy(f->header, m->header, HEADER_LEN);
    header_set_nonce(f->header, hit.nonce);
    mailbox_post(crew_mailbox(m->crew), &r);
}

static void mine_slice(struct miner *m, const struct slice *slice)
{
    prepare(m, (uint32_t)(slice->start >> 32));
    struct kernel_slice work = {
        .start = (uint32_t)slice->start, .count = slice->end - slice->start, .hits = m->hits, .cap = MINER_HITS_MAX};
    int64_t from = rt_now();
    uint64_t done = kernel_scan(crew_kernel(m->crew), &m->ready, &work);
    int64_t busy_ns = rt_now() - from;
    CHECK(done > 0); /* the cap holds a whole group's hits */
    m->size = miner_next_size(m->size, done, busy_ns);
    for (size_t i = 0; i < work.n_hits; i++)
        report_hit(m, slice, m->hits[i]);
    crew_put(m->crew, m->index, slice, done, busy_ns);
}

static void run(void *arg)
{
    struct miner *m = arg;
    struct slice slice;
    while (crew_take(m->crew, m->index, m->size, &slice, &m->job)) {
        mine_slice(m, &slice);
        rt_yield(); /* not only a checkpoint: between two slices the link gets its turn, and the netpoller is looked at
                     */
    }
    mailbox_post(crew_mailbox(m->crew), &(struct report){.kind = REPORT_EXITED, .at_ns = rt_now()});
    free(m);
}

void miner_start_all(struct crew *crew)
{
    for (size_t i = 0; i < crew_miners(crew); i++) {
        struct miner *m = aligned_alloc(ALIGNMENT, (sizeof *m + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
        CHECK(m);
        memset(m, 0, sizeof *m);
        m->crew = crew;
        m->index = i;
        m->size = MINER_FIRST_NONCES;
        rt_go_attr(&(struct rt_go_attr){.name = "miner", .stack = RT_STACK_256K}, run, m);
    }
}
