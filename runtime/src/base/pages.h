/* pages.h - address space and pages of the kernel. Threads: any. Memory: hands out mappings. */
#ifndef RTI_PAGES_H
#define RTI_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

enum { RTI_PAGE = 4096 };

/* Reserves bytes of private zero pages that are committed when touched; NULL when the address space is refused. */
void *rti_pages_reserve(size_t bytes);
void rti_pages_release(void *at, size_t bytes);
/* Pages that are needed at once: never NULL (a fatal error when there are none). Zeroed. */
void *rti_pages_take(size_t bytes);
/* Gives the pages back to the kernel; the range stays reserved and reads as zero. */
void rti_pages_discard(void *at, size_t bytes);
/* No huge pages here: one touched byte must not commit 2 MiB. */
void rti_pages_small(void *at, size_t bytes);

/* How a guard page is made; chosen once by the first call of rti_pages_guard_kind. */
enum rti_guard {
    RTI_GUARD_MADVISE,  /* MADV_GUARD_INSTALL (Linux 6.13): no mapping of its own */
    RTI_GUARD_MPROTECT, /* PROT_NONE: splits a mapping, so only while there are few */
    RTI_GUARD_NONE      /* a canary, checked by the scheduler */
};
enum rti_guard rti_pages_guard_kind(void);
/* Makes whole pages fault on touch. False when this kind of guard could not be made. Contents are lost. */
bool rti_pages_guard(void *at, size_t bytes, enum rti_guard kind) MUST_CHECK;
/* The same for count ranges (at most RTI_PAGES_MANY), stride bytes apart: by one system call where the kernel can. */
enum { RTI_PAGES_MANY = 64 };
bool rti_pages_guard_many(char *at, size_t bytes, size_t stride, size_t count) MUST_CHECK;
/* vm.max_map_count, 65530 where it cannot be read. */
long rti_pages_map_limit(void);

#endif
