/* The low-level calls: deprecated since OpenSSL 3.0, but the only ones that give a midstate, and the only ones without
 * an allocation, a lock and a fetched algorithm object, which would be process-wide state. A header costs half of what
 * EVP takes for it; the block function underneath is the same. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "common/hash/sha256.h"

#include <openssl/sha.h>
#include <string.h>

#include "common/base/bytes.h"

_Static_assert(sizeof(struct sha256) >= sizeof(SHA256_CTX), "the context does not fit");
_Static_assert(_Alignof(struct sha256) >= _Alignof(SHA256_CTX), "the context is not aligned");

static SHA256_CTX *context(struct sha256 *self)
{
    return (SHA256_CTX *)(void *)self->opaque;
}

void sha256_start(struct sha256 *self)
{
    SHA256_Init(context(self));
}

void sha256_update(struct sha256 *self, const void *in, size_t len)
{
    if (len > 0)
        SHA256_Update(context(self), in, len);
}

void sha256_finish(struct sha256 *self, uint8_t out[SHA256_LEN])
{
    SHA256_Final(out, context(self));
}

void sha256_once(uint8_t out[SHA256_LEN], const void *in, size_t len)
{
    struct sha256 s;
    sha256_start(&s);
    sha256_update(&s, in, len);
    sha256_finish(&s, out);
}

void sha256_double(uint8_t out[SHA256_LEN], const void *in, size_t len)
{
    uint8_t first[SHA256_LEN];
    sha256_once(first, in, len);
    sha256_once(out, first, sizeof first);
}

void sha256_midstate(uint32_t state[SHA256_STATE_WORDS], const uint8_t block[SHA256_BLOCK])
{
    SHA256_CTX c;
    SHA256_Init(&c);
    SHA256_Transform(&c, block);
    for (int i = 0; i < SHA256_STATE_WORDS; i++)
        state[i] = c.h[i];
}
