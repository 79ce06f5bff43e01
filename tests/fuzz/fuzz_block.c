/* Blocks from anyone: what parses is within all limits and serializes to the very same bytes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/chain/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct block b;
    struct block_coinbase cb;
    if (block_coinbase_parse(&cb, data, len) == 0) {
        uint8_t record[BLOCK_COINBASE_MAX];
        CHECK(block_coinbase_write(record, &cb) == (int)len && memcmp(record, data, len) == 0);
    }
    if (block_parse(&b, data, len) < 0)
        return 0;
    for (unsigned i = 0; i < b.payload_count; i++)
        CHECK(b.payloads[i].bytes >= data && b.payloads[i].bytes + b.payloads[i].len <= data + len);
    uint8_t *again = malloc(len);
    CHECK(again != NULL && block_size(&b) == (int64_t)len);
    CHECK(block_serialize(again, len, &b) == (int64_t)len && memcmp(again, data, len) == 0);
    free(again);
    int err = block_check(&b, b.coinbase.height);
    CHECK(err == 0 || err == ERR_MERKLE || err == ERR_MUTATED);
    if (err == 0) { /* then the worker's way to the root is right too */
        uint8_t branch[BLOCK_BRANCH_MAX * 32];
        CHECK(block_branch(branch, &b) >= 0);
    }
    return 0;
}
