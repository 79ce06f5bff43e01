#include "common/chain/merkle.h"

#include <stdbool.h>
#include <string.h>

#include "common/base/err.h"
#include "common/hash/sha256.h"

static void join(uint8_t out[MERKLE_HASH], const uint8_t left[MERKLE_HASH], const uint8_t right[MERKLE_HASH])
{
    uint8_t both[2 * MERKLE_HASH];
    memcpy(both, left, MERKLE_HASH);
    memcpy(both + MERKLE_HASH, right, MERKLE_HASH);
    sha256_double(out, both, sizeof both);
}

static unsigned height_of(size_t count)
{
    unsigned height = 0;
    while (((size_t)1 << height) < count)
        height++;
    return height;
}

/* Root at the given height over 1 to 2^height leaves, rows of odd length completed by their last hash. row[h] holds
 * the full subtree of 2^h leaves that waits for its right neighbour; the last leaf then climbs along the right edge.
 * True when two equal hashes were paired. */
static bool subtree(uint8_t root[MERKLE_HASH], const uint8_t *leaves, size_t count, unsigned height)
{
    uint8_t row[MERKLE_BRANCH_MAX][MERKLE_HASH], node[MERKLE_HASH];
    bool mutated = false;
    size_t last = count - 1;
    for (size_t i = 0; i < last; i++) {
        memcpy(node, leaves + i * MERKLE_HASH, MERKLE_HASH);
        unsigned h = 0;
        for (; (i >> h) & 1; h++) {
            mutated |= memcmp(row[h], node, MERKLE_HASH) == 0;
            join(node, row[h], node);
        }
        memcpy(row[h], node, MERKLE_HASH);
    }
    memcpy(node, leaves + last * MERKLE_HASH, MERKLE_HASH);
    for (unsigned h = 0; h < height; h++) {
        bool right = (last >> h) & 1;
        mutated |= right && memcmp(row[h], node, MERKLE_HASH) == 0;
        join(node, right ? row[h] : node, node);
    }
    memcpy(root, node, MERKLE_HASH);
    return mutated;
}

int merkle_root(uint8_t root[MERKLE_HASH], const uint8_t *leaves, size_t count)
{
    memset(root, 0, MERKLE_HASH);
    if (count == 0)
        return 0;
    if (count > UINT32_MAX)
        return ERR_TOO_LONG;
    return subtree(root, leaves, count, height_of(count)) ? ERR_MUTATED : 0;
}

int merkle_branch(uint8_t *branch, const uint8_t *leaves, size_t count)
{
    if (count > UINT32_MAX)
        return ERR_TOO_LONG;
    unsigned height = height_of(count);
    for (unsigned h = 0; h < height; h++) {
        size_t first = (size_t)1 << h, rest = count - first;
        (void)subtree(branch + h * MERKLE_HASH, leaves + first * MERKLE_HASH, rest < first ? rest : first, h);
    }
    return (int)height;
}

void merkle_root_from_branch(uint8_t root[MERKLE_HASH], const uint8_t leaf[MERKLE_HASH], const uint8_t *branch,
                             size_t count)
{
    memmove(root, leaf, MERKLE_HASH);
    for (size_t i = 0; i < count; i++)
        join(root, root, branch + i * MERKLE_HASH);
}
