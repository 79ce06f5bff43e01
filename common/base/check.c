#include "common/base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *file, int line, const char *expr)
{
    fprintf(stderr, "fatal: %s:%d: CHECK(%s) failed\n", file, line, expr);
    abort();
}
