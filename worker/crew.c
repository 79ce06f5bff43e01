#include "worker/crew.h"

#include <stdlib.h>
#include <string.h>

#include <rt/sync.h>
#include <rt/time.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "worker/link/mailbox.h"

struct crew {
    const struct kernel *kernel;
    struct mailbox *mailbox;
    size_t miners;
    struct rt_mutex lock; /* guards everything below; never held while posting */
    struct rt_cond work;  /* signalled when waiting miners should look again */
    struct holdings *holdings;
    size_t job_count;
    struct job jobs[CREW_JOBS_MAX]; /* oldest first */
    uint64_t current;               /* id of the job for leases that are bound to none; 0 none: miners rest */
    bool stopping, quiet;
    unsigned paused;       /* bits of enum crew_pause */
    uint64_t serials;      /* given out */
    uint64_t solved;       /* serial of the job whose block was found here last */
    int64_t hold_until_ns; /* miners rest until then when the current job is solved; 0: they do not */
    int64_t changed_ns;    /* when the current job became so */
    int64_t gap_ns;        /* waited since the last lease ended */
    struct crew_totals totals;
};

struct crew *crew_new(const struct kernel *kernel, struct mailbox *mailbox, size_t miners)
{
    CHECK(miners > 0);
    struct crew *self = calloc(1, sizeof *self);
    CHECK(self);
    self->kernel = kernel;
    self->mailbox = mailbox;
    self->miners = miners;
    self->holdings = holdings_new(miners);
    return self;
}

void crew_free(struct crew **self_p)
{
    if (*self_p)
        holdings_free(&(*self_p)->holdings);
    free(*self_p);
    *self_p = NULL;
}

size_t crew_miners(const struct crew *self)
{
    return self->miners;
}

const struct kernel *crew_kernel(const struct crew *self)
{
    return self->kernel;
}

struct mailbox *crew_mailbox(const struct crew *self)
{
    return self->mailbox;
}

/* --- jobs --- */

static struct job *find_job(struct crew *self, uint64_t id)
{
    for (size_t i = 0; i < self->job_count; i++)
        if (self->jobs[i].id == id)
            return &self->jobs[i];
    return NULL;
}

/* The oldest job that nothing needs. With HOLDINGS_MAX leases and one current job there is one. */
static void evict_job(struct crew *self)
{
    for (size_t i = 0; i < self->job_count; i++) {
        uint64_t id = self->jobs[i].id;
        if (id == self->current || holdings_bound(self->holdings, id))
            continue;
        for (size_t j = i + 1; j < self->job_count; j++)
            self->jobs[j - 1] = self->jobs[j];
        self->job_count--;
        return;
    }
    CHECK(false); /* CREW_JOBS_MAX is above HOLDINGS_MAX + 1 */
}

/* The current job is another one now, or has other contents. */
static void start_current_locked(struct crew *self)
{
    self->hold_until_ns = 0;
    self->changed_ns = rt_now();
    self->totals.switch_ns = 0;
    rt_cond_broadcast(&self->work);
}

int crew_job(struct crew *self, const struct message_job *job)
{
    struct job taken;
    TRY(job_take(&taken, job));
    rt_mutex_lock(&self->lock);
    struct job *to = find_job(self, taken.id);
    if (!to) {
        if (self->job_count == CREW_JOBS_MAX)
            evict_job(self);
        to = &self->jobs[self->job_count++];
        to->serial = 0;
    }
    taken.serial = to->serial;
    if (taken.serial == 0 || memcmp(&taken, to, sizeof taken) != 0) { /* announced again as it was: nothing changes */
        taken.serial = ++self->serials;
        *to = taken;
        if (taken.id == self->current)
            start_current_locked(self);
    }
    rt_mutex_unlock(&self->lock);
    return 0;
}

int crew_work_on(struct crew *self, uint64_t job)
{
    rt_mutex_lock(&self->lock);
    int err = job == 0 || find_job(self, job) ? 0 : ERR_UNKNOWN_JOB;
    if (err == 0 && self->current != job) {
        self->current = job;
        start_current_locked(self);
    }
    rt_mutex_unlock(&self->lock);
    return err;
}

void crew_quiet(struct crew *self, bool quiet)
{
    rt_mutex_lock(&self->lock);
    self->quiet = quiet;
    rt_mutex_unlock(&self->lock);
}

void crew_unsolve(struct crew *self, uint64_t job)
{
    rt_mutex_lock(&self->lock);
    const struct job *found = find_job(self, job);
    if (found && self->solved == found->serial) {
        self->solved = 0;
        self->hold_until_ns = 0;
        rt_cond_broadcast(&self->work);
    }
    rt_mutex_unlock(&self->lock);
}

bool crew_found(struct crew *self, const struct job *job, enum job_grade grade)
{
    rt_mutex_lock(&self->lock);
    bool report = grade == JOB_SHARE || (grade == JOB_BLOCK && self->solved != (job->serial & ~CREW_QUIET));
    self->totals.shares += grade == JOB_SHARE;
    self->totals.siblings += grade == JOB_BLOCK && !report;
    if (report && grade == JOB_BLOCK) {
        self->totals.blocks++;
        self->solved = job->serial & ~CREW_QUIET;
        if (job->id == self->current)
            self->hold_until_ns = rt_now() + CREW_HOLD_MS * INT64_C(1000000);
    }
    rt_mutex_unlock(&self->lock);
    return report;
}

/* --- leases --- */

int crew_lease(struct crew *self, const struct message_lease *lease)
{
    rt_mutex_lock(&self->lock);
    int err = lease->job == 0 || find_job(self, lease->job) ? 0 : ERR_UNKNOWN_JOB;
    if (err == 0)
        err = holdings_add(self->holdings, lease->lease, lease->epoch, lease->job,
                           (uint64_t[]){lease->start, lease->end});
    if (err == 0)
        rt_cond_broadcast(&self->work);
    rt_mutex_unlock(&self->lock);
    return err;
}

int crew_drop(struct crew *self, uint64_t lease)
{
    rt_mutex_lock(&self->lock);
    int err = holdings_drop(self->holdings, lease);
    rt_mutex_unlock(&self->lock);
    return err;
}

/* With the lock held: the report of a lease that is hashed whole. */
static struct report done_report_locked(struct crew *self, const struct holding *l)
{
    self->totals.leases_done++;
    struct report r = {.kind = REPORT_DONE, .at_ns = rt_now()};
    r.u.done = (struct report_done){.lease = l->id,
                                    .start = l->start,
                                    .end = l->end,
                                    .hashes = l->hashes,
                                    .busy_ns = l->busy_ns,
                                    .wait_ns = self->gap_ns};
    self->gap_ns = 0;
    return r;
}

int crew_cut(struct crew *self, const struct message_lease_cut *cut, uint64_t *end, struct report *done)
{
    struct holding lease;
    rt_mutex_lock(&self->lock);
    int err = holdings_cut(self->holdings, cut->lease, cut->at, end);
    if (err == 0 && holdings_reap(self->holdings, &lease)) {
        *done = done_report_locked(self, &lease);
        err = 1;
    }
    rt_mutex_unlock(&self->lock);
    return err;
}

/* --- the clock, and stopping --- */

void crew_pause(struct crew *self, enum crew_pause why, bool paused)
{
    rt_mutex_lock(&self->lock);
    self->paused = paused ? self->paused | (unsigned)why : self->paused & ~(unsigned)why;
    rt_cond_broadcast(&self->work);
    rt_mutex_unlock(&self->lock);
}

void crew_tick(struct crew *self, int64_t now_ns)
{
    rt_mutex_lock(&self->lock);
    if (self->hold_until_ns != 0 && now_ns >= self->hold_until_ns) {
        self->hold_until_ns = 0;
        rt_cond_broadcast(&self->work);
    }
    rt_mutex_unlock(&self->lock);
}

void crew_stop(struct crew *self)
{
    rt_mutex_lock(&self->lock);
    self->stopping = true;
    rt_cond_broadcast(&self->work);
    rt_mutex_unlock(&self->lock);
}

void crew_totals(struct crew *self, struct crew_totals *out)
{
    rt_mutex_lock(&self->lock);
    *out = self->totals;
    out->left = holdings_left(self->holdings);
    out->held_count = holdings_list(self->holdings, out->held);
    rt_mutex_unlock(&self->lock);
}

/* --- miners --- */

static bool is_ready_locked(struct crew *self, size_t miner)
{
    struct slice rest;
    if (self->paused != 0 || self->current == 0 || self->hold_until_ns != 0)
        return false;
    return holdings_flight(self->holdings, miner, &rest) || holdings_left(self->holdings) > 0;
}

/* False when the crew stops. */
static bool await_work_locked(struct crew *self, size_t miner)
{
    if (!self->stopping && is_ready_locked(self, miner))
        return true;
    int64_t from = rt_now();
    while (!self->stopping && !is_ready_locked(self, miner))
        rt_cond_wait(&self->work, &self->lock);
    int64_t waited = rt_now() - from;
    self->totals.wait_ns += waited;
    self->gap_ns += waited;
    return !self->stopping;
}

bool crew_take(struct crew *self, size_t miner, uint64_t max, struct slice *slice, struct job *job)
{
    rt_mutex_lock(&self->lock);
    bool have = await_work_locked(self, miner);
    if (have) {
        bool given = holdings_flight(self->holdings, miner, slice) || holdings_carve(self->holdings, miner, max, slice);
        CHECK(given); /* is_ready_locked has just said so */
        uint64_t due = slice->job ? slice->job : self->current;
        const struct job *found = find_job(self, due);
        CHECK(found); /* evict_job keeps what is current or bound */
        uint64_t serial = found->serial | (self->quiet ? CREW_QUIET : 0);
        if (job->serial != serial) {
            *job = *found;
            job->serial = serial;
            if (self->quiet)
                job->share_target = job->block_target;
            if (due == self->current)
                self->totals.switch_ns = rt_now() - self->changed_ns;
        }
    }
    rt_mutex_unlock(&self->lock);
    return have;
}

void crew_put(struct crew *self, size_t miner, const struct slice *slice, uint64_t done, int64_t busy_ns)
{
    struct holding lease;
    struct report r;
    bool complete = false;
    rt_mutex_lock(&self->lock);
    self->totals.hashes += done;
    self->totals.slices++;
    self->totals.busy_ns += busy_ns;
    if (done < slice->end - slice->start)
        holdings_advance(self->holdings, miner, done, done, busy_ns);
    else
        complete = holdings_finish(self->holdings, miner, done, busy_ns, &lease);
    if (complete)
        r = done_report_locked(self, &lease);
    rt_mutex_unlock(&self->lock);
    if (complete)
        mailbox_post(self->mailbox, &r);
}
