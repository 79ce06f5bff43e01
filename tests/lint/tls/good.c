/* good.c - the same program as bad.c, done right: tools/check-tls must be silent. */
#include <errno.h>
#include <stdio.h>

#include <rt/rt.h>

NOINLINE static int errno_after_yield(void)
{
    errno = 0;
    int before = errno;
    rt_yield();
    return before + rt_errno();
}

static int app(void *arg)
{
    (void)arg;
    return errno_after_yield();
}

int main(void)
{
    printf("%d\n", rt_main(NULL, app, NULL));
    return 0;
}
