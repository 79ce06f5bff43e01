#include "test.h"

#include "coordinator/core/pool.h"

static void append(struct pool *p, const char *text, uint64_t request)
{
    pool_append(p, (const uint8_t *)text, (uint32_t)strlen(text), request);
}

static bool mined(struct pool *p, const char *text, uint64_t *request)
{
    return pool_mined(p, (const uint8_t *)text, (uint32_t)strlen(text), request);
}

static bool front_is(const struct pool *p, const char *text)
{
    struct payload *front = pool_front(p);
    bool same = front && front->len == strlen(text) && memcmp(front->bytes, text, front->len) == 0;
    pool_drop(&front);
    return same;
}

Test(pool, payloads_come_out_in_order_and_returned_ones_first)
{
    struct pool p = {0};
    cr_assert_null(pool_front(&p));
    append(&p, "a", 1);
    append(&p, "b", 1);
    cr_assert(front_is(&p, "a"));
    pool_return(&p, (const uint8_t *)"z", 1);
    cr_assert(front_is(&p, "z"));
    cr_assert_eq(p.count, 3);
    cr_assert_eq(p.bytes, 3);
    pool_free(&p);
    cr_assert_eq(p.count, 0);
}

Test(pool, mined_takes_out_the_first_equal_one_and_names_its_request)
{
    struct pool p = {0};
    append(&p, "x", 1);
    append(&p, "same", 2);
    append(&p, "same", 3);
    uint64_t request = 0;
    cr_assert(mined(&p, "same", &request));
    cr_assert_eq(request, 2);
    cr_assert(mined(&p, "same", &request));
    cr_assert_eq(request, 3);
    cr_assert_not(mined(&p, "same", &request));
    cr_assert_not(mined(&p, "sam", &request));
    cr_assert(front_is(&p, "x"));
    append(&p, "y", 0); /* the end of the list is still right */
    cr_assert(mined(&p, "x", &request));
    cr_assert(front_is(&p, "y"));
    pool_free(&p);
}

Test(pool, a_payload_lives_as_long_as_a_job_holds_it)
{
    struct pool p = {0};
    append(&p, "held", 0);
    struct payload *held = pool_front(&p);
    uint64_t request;
    cr_assert(mined(&p, "held", &request));
    pool_free(&p);
    cr_assert_eq(memcmp(held->bytes, "held", 4), 0);
    pool_drop(&held);
    cr_assert_null(held);
    pool_drop(&held);
}

Test(pool, requests_end_and_are_found_by_id_and_forgotten_by_route)
{
    struct pool p = {0};
    struct core_route a = {.len = 1, .id = {1}}, b = {.len = 1, .id = {2}};
    uint64_t one = pool_request(&p, &a, 5, 1)->id, two = pool_request(&p, &b, 6, 1)->id;
    uint64_t three = pool_request(&p, &a, 7, 1)->id;
    cr_assert_eq(pool_request_find(&p, two)->ctl_id, 6);
    pool_forget_route(&p, &a);
    cr_assert_null(pool_request_find(&p, one));
    cr_assert_null(pool_request_find(&p, three));
    cr_assert_not_null(pool_request_find(&p, two));
    pool_request_end(&p, pool_request_find(&p, two));
    cr_assert_eq(p.request_count, 0);
    pool_free(&p);
}

Test(pool, room_is_measured_in_payloads_and_bytes)
{
    struct pool p = {0};
    cr_assert(pool_fits(&p, POOL_PAYLOADS_MAX, POOL_BYTES_MAX));
    cr_assert_not(pool_fits(&p, POOL_PAYLOADS_MAX + 1, 1));
    cr_assert_not(pool_fits(&p, 1, (size_t)POOL_BYTES_MAX + 1));
    append(&p, "x", 0);
    cr_assert_not(pool_fits(&p, POOL_PAYLOADS_MAX, 1));
    cr_assert_not(pool_fits(&p, 1, POOL_BYTES_MAX));
    cr_assert_not(pool_fits(&p, SIZE_MAX, SIZE_MAX));
    pool_free(&p);
}
