#include "test.h"

#include "arch/context.h"
#include "arch/stackhints.h"

/* Everything here switches by hand, so no sanitizer may look on (arch/stackhints.h is what tells them). */
static struct rti_context here, there;
static _Alignas(16) char stack[64 << 10];
static volatile int steps;
static void never(void)
{
}

static uintptr_t entry_sp;
static void *entry_fp;

RTI_NO_SANITIZE static void other_side(void)
{
    char local;
    entry_sp = (uintptr_t)&local;
    entry_fp = *(void **)__builtin_frame_address(0);
    for (;;) {
        steps++;
        rti_context_switch(&there, &here);
    }
}

RTI_NO_SANITIZE static NOINLINE int round_trips(int n)
{
    rti_context_init(&there, stack + sizeof stack, other_side, never);
    long kept[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    for (int i = 0; i < n; i++) {
        rti_context_switch(&here, &there);
        for (int k = 0; k < 8; k++)
            kept[k] += k;
    }
    int right = 1;
    for (int k = 0; k < 8; k++)
        right &= kept[k] == k + 1 + (long)n * k;
    return right;
}

Test(context, two_stacks_take_turns_and_keep_their_registers)
{
    steps = 0;
    int right = round_trips(1000);
    cr_assert(right);
    cr_assert_eq(steps, 1000);
}

Test(context, a_new_stack_starts_at_its_top_with_an_ended_frame_chain)
{
    int right = round_trips(1);
    cr_assert(right);
    cr_assert(entry_sp > (uintptr_t)stack && entry_sp < (uintptr_t)(stack + sizeof stack));
    cr_assert((uintptr_t)(stack + sizeof stack) - entry_sp < 512);
    cr_assert_null(entry_fp);
}

static double fp_sum;
RTI_NO_SANITIZE static void fp_side(void)
{
    double d = 0.5;
    for (;;) {
        fp_sum += d;
        d *= 2;
        rti_context_switch(&there, &here);
    }
}

RTI_NO_SANITIZE static NOINLINE double fp_trips(void)
{
    double mine = 1.25;
    rti_context_init(&there, stack + sizeof stack, fp_side, never);
    for (int i = 0; i < 4; i++) {
        rti_context_switch(&here, &there);
        mine += 0.5;
    }
    return mine;
}

Test(context, floating_point_values_survive)
{
    double mine = fp_trips();
    cr_assert(mine == 3.25);
    cr_assert(fp_sum == 0.5 + 1 + 2 + 4);
}

static volatile int ended; /* the compiler does not see that others run in between */
static struct rti_context after_end;
RTI_NO_SANITIZE static void entry_that_returns(void)
{
    ended = 1;
}

RTI_NO_SANITIZE static void goes_on_in_done(void)
{
    char local;
    ended = ended == 1 && (uintptr_t)&local > (uintptr_t)stack && *(void **)__builtin_frame_address(0) == NULL ? 2 : -1;
    rti_context_switch(&after_end, &here);
}

RTI_NO_SANITIZE static NOINLINE void run_to_its_end(void)
{
    rti_context_init(&there, stack + sizeof stack, entry_that_returns, goes_on_in_done);
    rti_context_switch(&here, &there);
}

Test(context, an_entry_that_returns_goes_on_in_done)
{
    ended = 0;
    run_to_its_end();
    cr_assert_eq(ended, 2);
}

RTI_NO_SANITIZE static void starts_over(void)
{
    rti_context_enter(stack + sizeof stack - 64, entry_that_returns, goes_on_in_done);
}

RTI_NO_SANITIZE static NOINLINE void enter_on_the_own_stack(void)
{
    rti_context_init(&there, stack + sizeof stack, starts_over, never);
    rti_context_switch(&here, &there);
}

Test(context, a_stack_can_be_entered_anew_from_itself)
{
    ended = 0;
    enter_on_the_own_stack();
    cr_assert_eq(ended, 2);
}
