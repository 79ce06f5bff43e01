#include "worker/link/chainview.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/chain/pow.h"
#include "common/chain/target.h"

struct chainview {
    size_t count; /* tips taken; the newest CHAINVIEW_KEPT are in the ring */
    struct chainview_tip ring[CHAINVIEW_KEPT];
    struct chainview_counts counts;
};

struct chainview *chainview_new(void)
{
    struct chainview *self = calloc(1, sizeof *self);
    CHECK(self);
    return self;
}

void chainview_free(struct chainview **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

static struct chainview_tip *newest(struct chainview *self)
{
    return self->count ? &self->ring[(self->count - 1) % CHAINVIEW_KEPT] : NULL;
}

/* What the 80 bytes say of themselves. The network's easiest target is not known here, so nBits may encode any. */
static int check_header(const struct message_tip *tip, struct header *header)
{
    uint8_t hash[32];
    struct u256 zero = {{0}}, easiest = u256_not(&zero);
    header_hash_raw(hash, tip->header);
    if (memcmp(hash, tip->hash, sizeof hash) != 0)
        return ERR_LINK;
    header_parse(header, tip->header);
    TRY(pow_check(hash, header->bits, &easiest));
    if (tip->has_job && memcmp(tip->body.parent, hash, sizeof hash) != 0)
        return ERR_INVALID_PARENT;
    return 0;
}

/* A plain extension must stand on our tip and add its own work to it. */
static int check_extension(const struct chainview_tip *have, const struct message_tip *tip, const struct header *header)
{
    if (memcmp(header->prev, have->hash, sizeof header->prev) != 0)
        return ERR_LINK;
    struct u256 sum = have->work, own = target_work_of_bits(header->bits), claimed = u256_from_be(tip->work);
    TRY(target_add_work(&sum, &own));
    return u256_compare(&sum, &claimed) == 0 ? 0 : ERR_RANGE;
}

/* Whether it may follow what we have: 1 yes, 0 nothing new, or a refusal. */
static int check_order(const struct chainview_tip *have, const struct message_tip *tip)
{
    if (tip->epoch < have->epoch)
        return ERR_EPOCH;
    if (tip->epoch > have->epoch)
        return 1;
    if (tip->tip_seq == have->tip_seq && memcmp(tip->hash, have->hash, sizeof have->hash) != 0)
        return ERR_DUPLICATE;
    return tip->tip_seq > have->tip_seq;
}

static int judge(struct chainview *self, const struct message_tip *tip, struct header *header)
{
    const struct chainview_tip *have = newest(self);
    int order = have ? check_order(have, tip) : 1;
    if (order <= 0)
        return order;
    TRY(check_header(tip, header));
    if (!have || tip->epoch > have->epoch)
        return 1; /* the coordinator restarted, or another one: its chain may be another, judged by its own work */
    struct u256 claimed = u256_from_be(tip->work);
    if (u256_compare(&claimed, &have->work) < 0)
        return ERR_STALE;
    bool same = memcmp(tip->hash, have->hash, sizeof have->hash) == 0;
    if (!same && tip->reorg == 0 && tip->tip_seq == have->tip_seq + 1 && tip->height == have->height + 1)
        TRY(check_extension(have, tip, header));
    return 1;
}

int chainview_offer(struct chainview *self, const struct message_tip *tip)
{
    struct header header;
    int verdict = judge(self, tip, &header);
    self->counts.refused += verdict < 0;
    self->counts.repeated += verdict == 0;
    if (verdict <= 0)
        return verdict;
    const struct chainview_tip *have = newest(self);
    self->counts.gaps += have && tip->epoch == have->epoch && tip->tip_seq > have->tip_seq + 1;
    self->counts.reorgs += tip->reorg > 0;
    self->counts.taken++;
    struct chainview_tip *to = &self->ring[self->count++ % CHAINVIEW_KEPT];
    *to = (struct chainview_tip){.epoch = tip->epoch, .tip_seq = tip->tip_seq, .height = tip->height, .header = header};
    memcpy(to->hash, tip->hash, sizeof to->hash);
    to->work = u256_from_be(tip->work);
    return 1;
}

int chainview_beacon(struct chainview *self, const struct message_beacon *beacon)
{
    const struct chainview_tip *have = newest(self);
    if (!have || beacon->epoch > have->epoch)
        return 1;
    if (beacon->epoch < have->epoch)
        return ERR_EPOCH;
    if (beacon->tip_seq == have->tip_seq)
        return memcmp(beacon->hash8, have->hash, sizeof beacon->hash8) != 0;
    return beacon->tip_seq > have->tip_seq;
}

const struct chainview_tip *chainview_tip(const struct chainview *self)
{
    return self->count ? &self->ring[(self->count - 1) % CHAINVIEW_KEPT] : NULL;
}

const struct chainview_tip *chainview_find(const struct chainview *self, const uint8_t hash[32])
{
    size_t kept = self->count < CHAINVIEW_KEPT ? self->count : CHAINVIEW_KEPT;
    for (size_t i = 0; i < kept; i++)
        if (memcmp(self->ring[i].hash, hash, sizeof self->ring[i].hash) == 0)
            return &self->ring[i];
    return NULL;
}

void chainview_counts(const struct chainview *self, struct chainview_counts *out)
{
    *out = self->counts;
}
