/* replay.c - runs a fuzz target without libFuzzer: every file of the corpus, then seeded mutations of them. The inputs
 * run in child processes, so that a crash is counted, named and followed by the next input.
 *
 *   fuzz_NAME CORPUS_DIR MUTATIONS        the last line is "N passed, N failed"
 *   fuzz_NAME FILE                        one input, in this process: for a debugger */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { FILES_MAX = 4096, INPUT_MAX = 1 << 16 };

struct input {
    char *name;
    uint8_t *bytes;
    size_t len;
};

struct corpus {
    struct input files[FILES_MAX];
    size_t count;
};

static uint64_t next_random(uint64_t *state)
{
    uint64_t x = (*state += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 */
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static bool load(struct input *out, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    out->name = strdup(path);
    out->bytes = malloc(INPUT_MAX);
    out->len = out->bytes ? fread(out->bytes, 1, INPUT_MAX, f) : 0;
    return fclose(f) == 0 && out->bytes && out->name;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct input *)a)->name, ((const struct input *)b)->name);
}

/* Sorted, so that a mutation's number means the same input everywhere. */
static bool load_corpus(struct corpus *c, const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return false;
    char path[4096];
    for (struct dirent *e; (e = readdir(dir)) && c->count < FILES_MAX;) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (!load(&c->files[c->count++], path)) {
            closedir(dir);
            return false;
        }
    }
    closedir(dir);
    qsort(c->files, c->count, sizeof c->files[0], by_name);
    return c->count > 0;
}

static size_t splice(uint8_t *buf, size_t len, const struct input *other, uint64_t r)
{
    size_t at = len ? (size_t)(r >> 8) % len : 0, from = other->len ? (size_t)(r >> 24) % other->len : 0;
    size_t n = other->len - from;
    n = n > INPUT_MAX - at ? INPUT_MAX - at : n;
    memcpy(buf + at, other->bytes + from, n);
    return at + n;
}

/* One change; returns the new length. */
static size_t mutate_once(const struct corpus *c, uint8_t *buf, size_t len, uint64_t *random)
{
    static const uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe, 0xc0, 0xdf};
    uint64_t r = next_random(random);
    size_t at = len ? (size_t)(r >> 16) % len : 0;
    switch (len ? r % 8 : 6) {
    case 0:
        buf[at] ^= (uint8_t)(1u << (r >> 8 & 7));
        return len;
    case 1:
        buf[at] = (uint8_t)(r >> 8);
        return len;
    case 2:
        buf[at] = edges[r >> 8 & 7];
        return len;
    case 3: /* a field of four bytes to an edge value */
        memset(buf + at, (r >> 8 & 1) ? 0xff : 0, len - at < 4 ? len - at : 4);
        return len;
    case 4:
        return at;
    case 5: /* cut a piece out */
        memmove(buf + at, buf + at + (len - at + 1) / 2, (len - at) / 2);
        return at + (len - at) / 2;
    case 6: /* longer by up to 64 bytes */
        for (size_t n = 1 + (r >> 8 & 63); n > 0 && len < INPUT_MAX; n--)
            buf[len++] = (uint8_t)next_random(random);
        return len;
    default:
        return splice(buf, len, &c->files[(r >> 40) % c->count], r);
    }
}

static void run_input(const struct corpus *c, size_t i)
{
    uint8_t *buf = malloc(INPUT_MAX);
    if (!buf)
        abort();
    uint64_t random = i - c->count;
    bool mutate = i >= c->count;
    const struct input *seed = &c->files[mutate ? next_random(&random) % c->count : i];
    size_t len = seed->len;
    memcpy(buf, seed->bytes, len);
    for (uint64_t n = mutate ? 1 + next_random(&random) % 4 : 0; n > 0; n--)
        len = mutate_once(c, buf, len, &random);
    /* A copy of exactly this length: AddressSanitizer then sees a read of one byte too many. */
    uint8_t *exact = malloc(len ? len : 1);
    if (!exact)
        abort();
    memcpy(exact, buf, len);
    free(buf);
    (void)LLVMFuzzerTestOneInput(exact, len);
    free(exact);
}

/* Runs inputs from *at on in a child, which notes its place in *at; false when it died there. */
static bool run_until_crash(const struct corpus *c, volatile size_t *at, size_t end)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        for (; *at < end; (*at)++)
            run_input(c, *at);
        exit(0);
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int replay(const char *folder, size_t mutations)
{
    static struct corpus c;
    if (!load_corpus(&c, folder)) {
        fprintf(stderr, "%s: no corpus that can be read\n", folder);
        return 1;
    }
    volatile size_t *at = mmap(NULL, sizeof *at, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return 1;
    size_t end = c.count + mutations, failed = 0;
    while (!run_until_crash(&c, at, end)) {
        failed++;
        if (*at < c.count)
            printf("crash on %s\n", c.files[*at].name);
        else
            printf("crash on mutation %zu\n", *at - c.count);
        if (++*at >= end || failed == 10) /* ten are enough to read */
            break;
    }
    for (size_t i = 0; i < c.count; i++) {
        free(c.files[i].name);
        free(c.files[i].bytes);
    }
    size_t ran = *at < end ? *at : end;
    printf("%zu inputs, %zu crashes\n", ran, failed);
    printf("%d passed, %d failed\n", failed == 0, failed != 0); /* one test, however many inputs */
    return failed != 0;
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return replay(argv[1], (size_t)strtoull(argv[2], NULL, 10));
    struct input one;
    if (argc != 2 || !load(&one, argv[1])) {
        fprintf(stderr, "usage: %s CORPUS_DIR MUTATIONS | FILE\n", argv[0]);
        return 2;
    }
    (void)LLVMFuzzerTestOneInput(one.bytes, one.len);
    puts("1 passed, 0 failed");
    return 0;
}
