// A C++ program on the runtime: a lambda as goroutine, a mutex as member, select with a default.
#include "layout.h"

#include <cstdint>
#include <cstdio>
#include <cstring>

#include <rt/blocking.h>
#include <rt/check.h>
#include <rt/poll.h>
#include <rt/time.h>

namespace
{
struct account {
    rt_mutex mutex{};
    rt_waitgroup left{};
    std::int64_t sum = 0;
};

void add_one(void *arg)
{
    auto *a = static_cast<account *>(arg);
    rt_mutex_lock(&a->mutex);
    a->sum++;
    rt_mutex_unlock(&a->mutex);
    rt_waitgroup_done(&a->left);
}

int app(void *)
{
    account a;
    rt_waitgroup_add(&a.left, 100);
    for (int i = 0; i < 100; i++)
        rt_go(add_one, &a);
    rt_waitgroup_wait(&a.left);

    rt_chan *c = rt_chan_new(sizeof(int), 1);
    rt_go([](void *to) { rt_send(static_cast<rt_chan *>(to), &(const int &)7); }, c);
    int got = 0;
    rt_case cases[] = {rt_case_recv(c, &got)};
    int chosen = rt_select(cases, 1, true);
    rt_chan_free(&c);
    rt_sleep(1000);
    int blocked = RT_BLOCKING(static_cast<int>(a.sum));
    std::printf("C++: %d goroutines added, select %d gave %d\n", blocked, chosen, got);
    return a.sum == 100 && chosen == 0 && got == 7 ? 0 : 1;
}
} // namespace

int main(int argc, char **argv)
{
    if (argc > 1 && std::strcmp(argv[1], "layout") == 0) {
        print_layout();
        return 0;
    }
    return rt_main(nullptr, app, nullptr);
}
