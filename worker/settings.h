/* settings.h - the typed settings of lode-worker: what common/config read, checked together. Threads: one while
 * loading, any afterwards. Memory: malloc; strings are borrowed from the config, which lives as long. */
#ifndef WORKER_SETTINGS_H
#define WORKER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/config/config.h"
#include "common/net/keys.h"

enum { SETTINGS_ENDPOINTS_MAX = 16, SETTINGS_NAME_MAX = 64, SETTINGS_WHY_MAX = 256 };

struct settings {
    const char *endpoints[SETTINGS_ENDPOINTS_MAX]; /* in order of preference */
    size_t endpoint_count;
    char name[SETTINGS_NAME_MAX + 1];
    uint8_t uuid[16];
    int procs;          /* 0: the runtime's rule */
    const char *kernel; /* "auto" or a name */
    double kernel_rate; /* hashes per second of one thread with the kernel chosen; 0 unknown: main measures it */
    bool list_kernels;
    bool secure;                /* CURVE: keys and server_key are set */
    struct keys keys;           /* our pair */
    char server_key[KEYS_TEXT]; /* the coordinator's public key */
    int log_level, log_form;    /* enum log_level, enum log_form */
};

/* What config_start and --help need. Static. */
const struct config_program *settings_program(void);
/* Fills out from config. 0, or an error with one line in why that names the setting: ERR_TOO_LONG, ERR_FORMAT,
 * ERR_INSECURE (a coordinator off loopback without keys and without --insecure), ERR_MISSING_KEY (one of keys and
 * server-key without the other), those of keys_load, -errno of the state directory. */
int settings_load(struct settings *out, const struct config *config, char why[SETTINGS_WHY_MAX]) MUST_CHECK;
/* The worker's identity: the 32 hex digits in the file `uuid` of dir, made at first use (mode 0600); a random one when
 * dir is empty. 0, ERR_FORMAT for a file with something else in it, -errno. */
int settings_uuid(uint8_t uuid[16], const char *dir) MUST_CHECK;

#endif
