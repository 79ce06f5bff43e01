/* render.h - what people read: tables, and numbers with units. Threads: main. Memory: none kept. */
#ifndef CTL_RENDER_H
#define CTL_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

enum { RENDER_CAP = 64, RENDER_COLUMNS_MAX = 12, RENDER_WIDTH = 100 };

enum render_color { RENDER_PLAIN, RENDER_GREEN, RENDER_YELLOW, RENDER_RED };

/* How the value under a column's key is shown; all but TEXT and HASH stand at the right. */
enum render_kind { RENDER_TEXT, RENDER_HASH, RENDER_COUNT, RENDER_RATE, RENDER_AGE, RENDER_TIME };

struct render_column {
    const char *title;
    const char *key; /* of the row's object; a missing value shows as "-" or 0 */
    enum render_kind kind;
    bool stretch;                                 /* cut so that the table fits RENDER_WIDTH; at most one */
    enum render_color (*color)(const char *cell); /* NULL: plain */
    /* Writes the cell of one row into out[cap]; NULL: by key and kind. */
    void (*cell)(char *out, size_t cap, const json_t *row);
};

/* What a coordinator says may hold anything: each character that is not plain (common/wire/plain.h) becomes '?', in
 * place, so that it cannot drive the terminal. What is left is UTF-8. */
void render_plain(char *text);
/* A table of the array rows (borrowed), with a head; only as wide as its cells, which are made plain. */
void render_table(FILE *to, bool color, const struct render_column *columns, size_t count, const json_t *rows);
/* One line per pair, values under each other; title "" goes on under the line before. */
struct render_pair {
    const char *title;
    char value[256];
};
void render_pairs(FILE *to, const struct render_pair *pairs, size_t count);
/* JSON with two blanks of indent and a line end. In strings, characters that are not plain are escaped. */
void render_json(FILE *to, const json_t *value);

/* "0 H/s", "950 kH/s", "18.4 MH/s"; three digits. */
void render_rate(char *out, size_t cap, double hashes_per_second);
/* "350 ms", "3.2 s", "4 min 05 s", "2 h 10 min", "3 d 4 h". */
void render_age(char *out, size_t cap, int64_t ms);
/* "2026-11-24 19:50:00" UTC. */
void render_time(char *out, size_t cap, int64_t unix_seconds);
/* First 16 digits and "…"; shorter texts whole. */
void render_hash(char *out, size_t cap, const char *hex);
/* "1,234,567". */
void render_count(char *out, size_t cap, int64_t n);
/* The number in value: as it is when whole, cut to a whole one and to the range of int64_t when it has a fraction; of a
 * string of digits (a whole number above 2^63-1, see unpack.h) the largest; 0 for what is none. */
int64_t render_whole(const json_t *value);
/* Columns that text takes on a terminal, one a character. */
size_t render_width(const char *text);

#endif
