/* bad.c - what tools/check-tls must find: the address of errno kept in a register while the goroutine changes threads.
 */
#include <errno.h>
#include <stdio.h>

#include <rt/rt.h>

NOINLINE static int errno_across_yield(void)
{
    errno = 0;
    rt_yield();
    return errno;
}

static int app(void *arg)
{
    (void)arg;
    return errno_across_yield();
}

int main(void)
{
    printf("%d\n", rt_main(NULL, app, NULL));
    return 0;
}
