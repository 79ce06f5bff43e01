/* err.h - every error code with its name and text, one table. Threads: any. Memory: none.
 * 0 or more is success. Codes of the kernel are -errno (above -1000); ours start at -1000. */
#ifndef COMMON_BASE_ERR_H
#define COMMON_BASE_ERR_H

/* X(NAME, value, "short-code", "text"): short-code is what goes on the wire's text, the log and JSON; it never changes.
 */
#define ERR_TABLE(X)                                                                                                   \
    /* decoding */                                                                                                     \
    X(ERR_TRUNCATED, -1000, "truncated", "the data ends before the value does")                                        \
    X(ERR_TYPE, -1001, "type", "the value has another type than the one expected")                                     \
    X(ERR_RANGE, -1002, "range", "the value is outside its range")                                                     \
    X(ERR_TOO_LONG, -1003, "too-long", "the value is longer than its limit")                                           \
    X(ERR_DEPTH, -1004, "depth", "the data is nested too deep")                                                        \
    X(ERR_TRAILING, -1005, "trailing", "there are bytes after the end of the value")                                   \
    X(ERR_UNKNOWN_MESSAGE, -1006, "unknown-message", "the message type is not known")                                  \
    X(ERR_VERSION, -1007, "version", "no protocol version in common")                                                  \
    X(ERR_FORMAT, -1008, "format", "the text does not have the form expected")                                         \
    /* header and chain rules */                                                                                       \
    X(ERR_BITS_NEGATIVE, -1100, "bits-negative", "nBits encodes a negative target")                                    \
    X(ERR_BITS_ZERO, -1101, "bits-zero", "nBits encodes a target of zero")                                             \
    X(ERR_BITS_OVERFLOW, -1102, "bits-overflow", "nBits encodes a target over 256 bits")                               \
    X(ERR_BITS_LIMIT, -1103, "bits-limit", "the target is above the network's limit")                                  \
    X(ERR_BITS_WRONG, -1104, "bits-wrong", "nBits is not what the retarget rule requires")                             \
    X(ERR_POW, -1105, "pow", "the hash is above the target")                                                           \
    X(ERR_LINK, -1106, "link", "the previous hash is not the parent's")                                                \
    X(ERR_TIME_OLD, -1107, "time-too-old", "the time is not above the median of the last 11 blocks")                   \
    X(ERR_TIME_NEW, -1108, "time-too-new", "the time is more than two hours ahead")                                    \
    X(ERR_TIME_WARP, -1109, "time-timewarp", "the first time of a period is too far before its predecessor's")         \
    X(ERR_MERKLE, -1110, "merkle", "the merkle root does not match")                                                   \
    X(ERR_MUTATED, -1111, "mutated", "the list has a duplicated pair (CVE-2012-2459)")                                 \
    X(ERR_GENESIS, -1112, "genesis", "the genesis block is not the network's")                                         \
    X(ERR_BAD_VERSION, -1113, "bad-version", "the header's version is not allowed here")                               \
    X(ERR_INVALID_PARENT, -1114, "invalid-parent", "the parent is known to be invalid")                                \
    X(ERR_WORK_OVERFLOW, -1115, "work-overflow", "the chain work does not fit 256 bits")                               \
    /* blocks, shares, leases */                                                                                       \
    X(ERR_DUPLICATE, -1200, "duplicate", "it is already known")                                                        \
    X(ERR_ORPHAN, -1201, "orphan", "the parent is not known")                                                          \
    X(ERR_STALE, -1202, "stale", "the job is no longer current")                                                       \
    X(ERR_UNKNOWN_JOB, -1203, "unknown-job", "the job is not known")                                                   \
    X(ERR_LOW_DIFF, -1204, "low-diff", "the hash is above the share target")                                           \
    X(ERR_BAD_RANGE, -1205, "bad-range", "the nonce is outside the lease")                                             \
    X(ERR_UNKNOWN_LEASE, -1206, "unknown-lease", "the lease is not held by this worker")                               \
    X(ERR_EXHAUSTED, -1207, "exhausted", "the search space is used up")                                                \
    X(ERR_FULL, -1208, "full", "a limit is reached")                                                                   \
    X(ERR_EPOCH, -1209, "epoch", "the epoch is not the current one")                                                   \
    X(ERR_TOO_DEEP, -1210, "too-deep", "the branch point is too far below the tip")                                    \
    /* configuration, files, store */                                                                                  \
    X(ERR_UNKNOWN_KEY, -1300, "unknown-key", "the key is not known")                                                   \
    X(ERR_MISSING_KEY, -1301, "missing-key", "a required key is missing")                                              \
    X(ERR_PERMISSION, -1302, "permission", "the file's mode lets others read it")                                      \
    X(ERR_EXISTS, -1303, "exists", "it exists and is not overwritten")                                                 \
    X(ERR_CORRUPT, -1304, "corrupt", "the stored data is damaged")                                                     \
    X(ERR_SCHEMA, -1305, "schema", "the database has another schema version")                                          \
    X(ERR_NETWORK, -1306, "network", "the database belongs to another network")                                        \
    X(ERR_LOCKED, -1307, "locked", "another process holds the data directory")                                         \
    X(ERR_STORE, -1308, "store", "the store failed")                                                                   \
    X(ERR_INSECURE, -1309, "insecure", "refused to listen off loopback without keys")                                  \
    /* programs */                                                                                                     \
    X(ERR_STATE, -1400, "state", "not possible in this state")                                                         \
    X(ERR_TIMEOUT, -1401, "timeout", "no answer in time")                                                              \
    X(ERR_CANCELLED, -1402, "cancelled", "given up before it was done")                                                \
    X(ERR_UNREACHABLE, -1403, "unreachable", "the other side is not reachable")                                        \
    X(ERR_KERNEL, -1404, "kernel", "the hash kernel failed its self-test")                                             \
    X(ERR_NOT_FOUND, -1405, "not-found", "there is no such thing")

enum err {
#define ERR_ENUM(name, value, code, text) name = value,
    ERR_TABLE(ERR_ENUM)
#undef ERR_ENUM
};

/* The short code of err: "truncated", or "errno-2" style names of the kernel ("ENOENT"); "ok" for 0 or more, "unknown"
 * else. Static storage. */
const char *err_code(int err);
/* The text of err, of the kernel's for -errno; static or thread-local storage, valid until the next call. */
const char *err_text(int err);

#endif
