/* kernel_select.h - which kernels are there, which work, which is fastest. Threads: any; all state is the caller's
 * menu, which is read-only once filled. Memory: none. Reads no environment; the clock is
 * an argument.
 *
 * Use at start:  struct kernel_menu menu;
 *                kernel_select_probe(&menu);                       CPU check and self-test of every kernel
 *                kernel_select_measure(&menu, versions, kernel_select_thread_ns);   20 ms in all
 *                kernel_select_pick(&menu, setting, &kernel);      setting: NULL or "auto", or a name */
#ifndef WORKER_KERNEL_KERNEL_SELECT_H
#define WORKER_KERNEL_KERNEL_SELECT_H

#include "worker/kernel/kernel.h"

enum { KERNEL_MENU_MAX = 8, KERNEL_WHY_BYTES = 120 };

enum kernel_state {
    KERNEL_UNUSABLE, /* the CPU or the operating system lacks what it needs */
    KERNEL_REFUSED,  /* the self-test found a wrong answer: why says which */
    KERNEL_READY
};

struct kernel_entry {
    const struct kernel *kernel;
    enum kernel_state state;
    double hashes_per_second;   /* of one thread, as measured; 0 when not measured */
    char why[KERNEL_WHY_BYTES]; /* one line for the log when not ready, else "" */
};

struct kernel_menu {
    size_t count;
    struct kernel_entry entry[KERNEL_MENU_MAX];
};

/* The kernels this program was built with, best first as far as one can say without measuring; NULL-terminated, static.
 * What --list-kernels prints is the menu made of them. */
const struct kernel *const *kernel_list(void);
/* Holds one kernel against the reference (SHA-256 of common/hash): the genesis nonce, random headers x targets x nonces
 * x versions with exact hit sets, odd counts, edges of the nonce space. 0, or ERR_KERNEL with one line in why
 * (KERNEL_WHY_BYTES). A few ms and 30 KiB of stack; the kernel must be usable. */
int kernel_select_test(const struct kernel *kernel, char *why) MUST_CHECK;
/* Fills menu from kernel_list(): CPU check, then the self-test of each usable kernel. */
void kernel_select_probe(struct kernel_menu *menu);
/* The same for a list of the caller's (NULL-terminated, at most KERNEL_MENU_MAX; more are left out). */
void kernel_select_probe_list(struct kernel_menu *menu, const struct kernel *const *list);
/* Measures every ready kernel in turns of short slices, 20 ms by now_ns in all, and writes hashes_per_second (best
 * slice: neighbours on the machine only ever slow one down). versions: 1, 2, 4, 8 or 16, as the jobs will have; else
 * ERR_RANGE. now_ns: a clock in nanoseconds that never goes back; kernel_select_thread_ns in production. */
int kernel_select_measure(struct kernel_menu *menu, int versions, int64_t (*now_ns)(void)) MUST_CHECK;
/* CPU time of the calling thread, nanoseconds. */
int64_t kernel_select_thread_ns(void);
/* The kernel to use. name NULL, "" or "auto": the fastest measured one, or the first ready one if none was measured.
 * Else that one, or an error: ERR_NOT_FOUND no such name, -ENOTSUP not usable here, ERR_KERNEL refused by its
 * self-test. Without any ready kernel: ERR_KERNEL. */
int kernel_select_pick(const struct kernel_menu *menu, const char *name, const struct kernel **out) MUST_CHECK;

#endif
