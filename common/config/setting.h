/* setting.h - the text of one setting to its value, by the rules of its key. Pure. Threads: any. Memory: none. */
#ifndef COMMON_CONFIG_SETTING_H
#define COMMON_CONFIG_SETTING_H

#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/config/config.h"

/* Checks text and, for BOOL (0, 1), U64, DURATION (ns), SIZE (bytes) and ENUM (index), sets *number. ERR_FORMAT: not of
 * the type; ERR_RANGE: outside min and max; ERR_TOO_LONG: a string above its limit. */
int setting_parse(const struct config_key *key, const char *text, uint64_t *number) MUST_CHECK;
/* What the key takes, in words: "a duration such as 500ms, 30s or 2m, from 100ms to 60s". Cut to cap. */
void setting_expected(const struct config_key *key, char *out, size_t cap);
/* setting_parse; for a value that is refused, why[cap] says what was expected and what came, cut to cap: "expected a
 * duration such as 500ms, 30s or 2m, not 'soon'". The text is shown as it came, but not a secret. */
int setting_read(const struct config_key *key, const char *text, uint64_t *number, char *why, size_t cap) MUST_CHECK;
/* Calls one(arg, text, len) for each part of a list of endpoints. Returns the number of parts; 0 for an empty text. */
size_t setting_split(const char *text, void (*one)(void *arg, const char *part, size_t len), void *arg);

#endif
