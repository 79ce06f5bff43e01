#include "base/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/atomic.h"
#include <rt/check.h>

/* Not in the headers of Debian 12. */
enum { GUARD_INSTALL = 102, PIDFD_OF_SELF = -10000 };

void *rti_pages_reserve(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void rti_pages_release(void *at, size_t bytes)
{
    munmap(at, bytes);
}

void *rti_pages_take(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        rt_throw("out of memory: mmap refused %zu bytes (errno %d)", bytes, errno);
    return p;
}

void rti_pages_discard(void *at, size_t bytes)
{
    madvise(at, bytes, MADV_DONTNEED);
}

void rti_pages_small(void *at, size_t bytes)
{
    madvise(at, bytes, MADV_NOHUGEPAGE); /* kernels without huge pages refuse it, which is as good */
}

/* An emulator may accept an advice that it does not know. The kernel refuses a path that lies in a guard page. */
static bool faults(const void *page)
{
    return syscall(SYS_faccessat, AT_FDCWD, page, F_OK) == -1 && errno == EFAULT;
}

enum rti_guard rti_pages_guard_kind(void)
{
    static _Atomic(int) known; /* 0, or the kind + 1; any thread may probe, all find the same */
    int kind = load_rlx(&known);
    if (kind)
        return (enum rti_guard)(kind - 1);
    void *probe = rti_pages_take(RTI_PAGE);
    bool works = madvise(probe, RTI_PAGE, GUARD_INSTALL) == 0 && faults(probe);
    kind = works ? RTI_GUARD_MADVISE : RTI_GUARD_MPROTECT;
    munmap(probe, RTI_PAGE);
    store_rlx(&known, kind + 1);
    return (enum rti_guard)kind;
}

bool rti_pages_guard(void *at, size_t bytes, enum rti_guard kind)
{
    switch (kind) {
    case RTI_GUARD_MADVISE:
        return madvise(at, bytes, GUARD_INSTALL) == 0;
    case RTI_GUARD_MPROTECT:
        return mprotect(at, bytes, PROT_NONE) == 0;
    default:
        return true;
    }
}

bool rti_pages_guard_many(char *at, size_t bytes, size_t stride, size_t count)
{
    struct iovec range[RTI_PAGES_MANY];
    CHECK(count <= RTI_PAGES_MANY);
    for (size_t i = 0; i < count; i++)
        range[i] = (struct iovec){at + i * stride, bytes};
    if (syscall(SYS_process_madvise, PIDFD_OF_SELF, range, count, GUARD_INSTALL, 0) == (long)(count * bytes))
        return true;
    bool all = true; /* an older kernel, or it stopped half-way: a guard may be made twice */
    for (size_t i = 0; i < count; i++)
        all = all && rti_pages_guard(at + i * stride, bytes, RTI_GUARD_MADVISE);
    return all;
}

long rti_pages_map_limit(void)
{
    char text[32] = {0};
    long limit = 65530;
    int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return limit;
    if (read(fd, text, sizeof text - 1) > 0 && text[0] >= '0' && text[0] <= '9') {
        limit = 0;
        for (const char *c = text; *c >= '0' && *c <= '9' && limit < 1000000000; c++)
            limit = limit * 10 + (*c - '0');
    }
    close(fd);
    return limit;
}
