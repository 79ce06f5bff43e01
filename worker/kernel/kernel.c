/* kernel.c - preparing jobs, and the scan around a kernel's sweep: tails, candidates, full buffers. Compiled without
 * vector flags. */
#include "worker/kernel/kernel.h"

#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/base/err.h"
#include "common/hash/sha256.h"
#include "worker/kernel/kernel_words.h"

#include <string.h>

enum { VERSION_AT = 0, NONCE_AT = 76, TAIL_AT = 64 };

static uint32_t ror(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static uint32_t small0(uint32_t x)
{
    return ror(x, 7) ^ ror(x, 18) ^ x >> 3;
}

static uint32_t small1(uint32_t x)
{
    return ror(x, 17) ^ ror(x, 19) ^ x >> 10;
}

void kernel_job_init(struct kernel_job *job, const uint8_t *header, const uint8_t *target)
{
    memset(job, 0, sizeof *job);
    memcpy(job->header, header, sizeof job->header);
    memcpy(job->target, target, sizeof job->target);
    job->versions = 1;
    job->version[0] = bytes_le32(header + VERSION_AT);
}

/* The low bits of value, spread over the bits that mask has set. */
static uint32_t deposit(uint32_t value, uint32_t mask)
{
    uint32_t out = 0;
    for (; mask != 0; mask &= mask - 1, value >>= 1)
        if (value & 1)
            out |= mask & -mask;
    return out;
}

int kernel_job_roll(struct kernel_job *job, uint32_t mask, int wanted)
{
    int bits = __builtin_popcount(mask), k = 1;
    while (2 * k <= wanted && 2 * k <= KERNEL_VERSIONS_MAX && bits > 0) {
        k *= 2;
        bits--;
    }
    uint32_t base = bytes_le32(job->header + VERSION_AT);
    for (int i = 0; i < k; i++)
        job->version[i] = base ^ deposit((uint32_t)i, mask);
    job->versions = k;
    return k;
}

/* One round with known words; s is a..h. */
static void known_round(uint32_t s[8], uint32_t kw)
{
    uint32_t t1 = s[7] + kw + (ror(s[4], 6) ^ ror(s[4], 11) ^ ror(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6]));
    uint32_t t2 = (ror(s[0], 2) ^ ror(s[0], 13) ^ ror(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof s[0]);
    s[4] += t1;
    s[0] = t1 + t2;
}

/* Rounds 0..3 of block 2 for one midstate, with a nonce of zero in round 3: the nonce is added to a and e later. */
static void prepare_early(uint32_t *early, const uint32_t *midstate, const uint32_t *tail)
{
    const uint32_t *k = kernel_words.k;
    uint32_t s[8];
    memcpy(s, midstate, sizeof s);
    for (int i = 0; i < 3; i++)
        known_round(s, k[i] + tail[i]);
    early[EARLY_A] = s[0];
    early[EARLY_B] = s[1];
    early[EARLY_C] = s[2];
    early[EARLY_E] = s[4];
    early[EARLY_F] = s[5];
    early[EARLY_G] = s[6];
    early[EARLY_T4] = s[6] + kernel_words.pad1[4];
    early[EARLY_T5] = s[5] + kernel_words.pad1[5];
    early[EARLY_T6] = s[4] + kernel_words.pad1[6];
    known_round(s, k[3]);
    early[EARLY_A3] = s[0];
    early[EARLY_E3] = s[4];
}

static void prepare_fold(uint32_t *fold, const uint32_t *tail)
{
    const uint32_t pad = kernel_words.pad, length = kernel_words.length;
    uint32_t w16 = small0(tail[1]) + tail[0];
    uint32_t w17 = small1(length) + small0(tail[2]) + tail[1];
    fold[FOLD_W16] = w16;
    fold[FOLD_W17] = w17;
    fold[FOLD_KW16] = kernel_words.k[16] + w16;
    fold[FOLD_KW17] = kernel_words.k[17] + w17;
    fold[FOLD_W18] = small1(w16) + tail[2];
    fold[FOLD_W19] = small1(w17) + small0(pad);
    fold[FOLD_W31] = small0(w16) + length;
    fold[FOLD_W32] = small0(w17) + w16;
}

int kernel_prepare(struct kernel_prepared *out, const struct kernel_job *job)
{
    int k = job->versions;
    if (k < 1 || k > KERNEL_VERSIONS_MAX || (k & (k - 1)) != 0)
        return ERR_RANGE;
    memset(out, 0, sizeof *out);
    memcpy(out->header, job->header, sizeof out->header);
    memcpy(out->target, job->target, sizeof out->target);
    memcpy(out->version, job->version, (size_t)k * sizeof out->version[0]);
    out->filter = bytes_be32(job->target);
    out->versions = k;
    uint32_t tail[3];
    for (int i = 0; i < 3; i++)
        tail[i] = bytes_be32(job->header + TAIL_AT + 4 * i);
    prepare_fold(out->fold, tail);
    uint8_t first[SHA256_BLOCK];
    memcpy(first, job->header, sizeof first);
    for (int v = 0; v < k; v++) {
        bytes_put_le32(first + VERSION_AT, job->version[v]);
        sha256_midstate(out->midstate[v], first);
        prepare_early(out->early[v], out->midstate[v], tail);
    }
    return 0;
}

void kernel_hash(const struct kernel_prepared *job, struct kernel_hit hit, uint8_t *out)
{
    uint8_t header[KERNEL_HEADER_BYTES];
    memcpy(header, job->header, sizeof header);
    bytes_put_le32(header + VERSION_AT, job->version[hit.version_index]);
    bytes_put_le32(header + NONCE_AT, hit.nonce);
    sha256_double(out, header, sizeof header);
}

/* hash: wire order, so its last byte is the most significant. */
static bool meets(const uint8_t *hash, const uint8_t *target)
{
    for (int i = 0; i < 32; i++)
        if (hash[31 - i] != target[i])
            return hash[31 - i] < target[i];
    return true;
}

/* The candidates of one nonce, checked by the reference: whatever a kernel flags, a false hit is never reported. */
static void check_nonce(const struct kernel_prepared *job, uint32_t nonce, uint32_t versions,
                        struct kernel_slice *slice)
{
    for (; versions != 0; versions &= versions - 1) {
        struct kernel_hit hit = {.nonce = nonce, .version_index = (uint8_t)__builtin_ctz(versions)};
        uint8_t hash[32];
        kernel_hash(job, hit, hash);
        if (meets(hash, job->target))
            slice->hits[slice->n_hits++] = hit;
    }
}

/* Checks one group's candidates in order of nonce. Returns the nonces done: lanes, or fewer when the next one's hits
 * might not fit. */
static uint32_t check_group(const struct kernel_prepared *job, uint32_t nonce, uint32_t lanes, const uint16_t *mask,
                            struct kernel_slice *slice)
{
    uint32_t any = 0;
    for (int v = 0; v < job->versions; v++)
        any |= mask[v];
    for (any &= (1u << lanes) - 1; any != 0; any &= any - 1) {
        uint32_t lane = (uint32_t)__builtin_ctz(any), versions = 0;
        if (slice->cap - slice->n_hits < (size_t)job->versions)
            return lane;
        for (int v = 0; v < job->versions; v++)
            versions |= (mask[v] >> lane & 1u) << v;
        check_nonce(job, nonce + lane, versions, slice);
    }
    return lanes;
}

uint64_t kernel_scan(const struct kernel *kernel, const struct kernel_prepared *job, struct kernel_slice *slice)
{
    CHECK(slice->cap >= (size_t)job->versions);
    const uint64_t lanes = (uint64_t)kernel->lanes, left = ((uint64_t)1 << 32) - slice->start;
    const uint64_t count = slice->count < left ? slice->count : left;
    uint64_t done = 0;
    slice->n_hits = 0;
    while (done < count) {
        uint16_t mask[KERNEL_VERSIONS_MAX];
        uint64_t groups = (count - done + lanes - 1) / lanes;
        done += (kernel->sweep(job, (uint32_t)(slice->start + done), groups, mask) - 1) * lanes;
        uint32_t in_range = (uint32_t)(count - done < lanes ? count - done : lanes);
        uint32_t taken = check_group(job, (uint32_t)(slice->start + done), in_range, mask, slice);
        done += taken;
        if (taken < in_range)
            break;
    }
    return done;
}
