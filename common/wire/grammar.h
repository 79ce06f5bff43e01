/* grammar.h - the order and the limits of the fields of every message, as tables that codec.c (and tests) walk.
 * Pure. Threads: any. Memory: constants. */
#ifndef COMMON_WIRE_GRAMMAR_H
#define COMMON_WIRE_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire/message.h"

enum grammar_kind {
    GRAMMAR_UINT,            /* uint8_t to uint64_t, by width; min to max */
    GRAMMAR_I64,             /* int64_t */
    GRAMMAR_BOOL,            /* bool */
    GRAMMAR_BYTES,           /* uint8_t[width], binary of exactly that length */
    GRAMMAR_BYTES_OR_NIL,    /* the same with a bool at `other` */
    GRAMMAR_BIN,             /* view of binary, <= max bytes */
    GRAMMAR_STR,             /* view of a string, <= max bytes */
    GRAMMAR_STR_OR_NIL,      /* the same; NULL is nil */
    GRAMMAR_MAGIC,           /* the string "lode"; no member */
    GRAMMAR_RECORD,          /* a struct of the grammar `sub` */
    GRAMMAR_RECORD_OR_NIL,   /* the same with a bool at `other` */
    GRAMMAR_LIST,            /* array of structs of `sub`, width bytes each, uint32_t count at `other`; min to max */
    GRAMMAR_NUMBERS,         /* view of so many numbers, uint32_t count at `other`; <= max */
    GRAMMAR_ROWS,            /* view of so many records of `sub`, uint32_t count at `other`; <= max */
    GRAMMAR_MAP,             /* view of a whole map, <= max bytes, MESSAGE_MAP_DEPTH_MAX levels */
    GRAMMAR_NUMBER_OR_BYTES, /* struct message_setting's value; the offsets are of that struct */
    GRAMMAR_KINDS,
};

struct grammar_field {
    const char *name;
    enum grammar_kind kind;
    uint16_t at, other; /* offsets in the struct of the message or record */
    uint32_t width;     /* bytes of the member (LIST: of one element) */
    uint64_t min, max;
    const struct grammar *sub;
};

/* A message's body or a record inside one. */
struct grammar {
    const char *name;
    const struct grammar_field *fields;
    uint8_t count;
    uint8_t required; /* the fields from here on are optional and read as zero when they are missing */
    bool bare;        /* one field without an array around it */
};

/* NULL for a type without a message. Static storage. */
const struct grammar *grammar_of(enum message_type type);
extern const struct grammar grammar_schema_entry;

#endif
