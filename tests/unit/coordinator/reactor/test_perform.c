#include "plant.h"

#include "coordinator/reactor/perform.h"

Test(perform, routes_of_two_control_sockets_differ_and_long_ids_are_refused)
{
    struct frame_peer peer = {.len = 5, .id = {0, 1, 2, 3, 4}};
    struct core_route work, outside, inside;
    cr_assert(perform_route(&work, SOCKETS_WORK, &peer));
    cr_assert(perform_route(&outside, SOCKETS_CONTROL, &peer));
    cr_assert(perform_route(&inside, SOCKETS_INSIDE, &peer));
    cr_assert_eq(work.len, 5);
    cr_assert_eq(outside.len, 6);
    cr_assert_neq(memcmp(&outside, &inside, sizeof outside), 0);
    cr_assert_eq(outside.id[0], SOCKETS_CONTROL);
    peer.len = CORE_ROUTE_MAX;
    cr_assert(perform_route(&work, SOCKETS_WORK, &peer));
    cr_assert_not(perform_route(&inside, SOCKETS_INSIDE, &peer));
    peer.len = FRAME_PEER_MAX;
    cr_assert_not(perform_route(&work, SOCKETS_WORK, &peer));
    peer.len = 0;
    cr_assert_not(perform_route(&work, SOCKETS_WORK, &peer));
}

Test(perform, monotonic_time_does_not_fall)
{
    int64_t last = 0;
    for (int i = 0; i < 1000; i++) {
        int64_t now = perform_now_ns();
        cr_assert_geq(now, last);
        last = now;
    }
}
