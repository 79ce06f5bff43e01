#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "registers.h"

#include "arch/sigframe.h"
#include "arch/ucontext.h"

/* One thread that signals itself in the middle of registers_hold, by a timer, and goes on after a detour. */

enum { SIGNAL_STACK = 1 << 16, DETOURS = 300, ROUNDS = 20000, NEVER = 1 << 20 };
extern const char section_start[] __asm__("__start_rt_preemptible");
extern const char section_stop[] __asm__("__stop_rt_preemptible");

static struct rti_sigframe_control control;
static _Atomic(int) detours, strange;
static void (*volatile detour)(void);

static void handler(int signo, siginfo_t *info, void *context)
{
    uintptr_t pc = rti_ucontext_pc(context);
    (void)signo, (void)info;
    if (detour && pc >= (uintptr_t)section_start && pc < (uintptr_t)section_stop)
        rti_sigframe_divert(context, &control, detour);
}

static void arm(void)
{
    static char stack[SIGNAL_STACK];
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    stack_t ours = {.ss_sp = stack, .ss_size = sizeof stack};
    sigemptyset(&act.sa_mask);
    cr_assert_eq(sigaltstack(&ours, NULL), 0);
    cr_assert_eq(sigaction(SIGUSR1, &act, NULL), 0);
    rti_sigframe_control(&control);
}

static pthread_t target;
static _Atomic(int) enough;
static void *shoots(void *arg)
{
    while (!atomic_load(&enough)) {
        pthread_kill(target, SIGUSR1);
        nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
    }
    return arg;
}

/* Spoils every register that a function may, and looks at what it was called with. */
static void spoil(void)
{
    struct registers r, out;
    struct rti_sigframe_control now;
    sigset_t mask;
    rti_sigframe_control(&now);
    atomic_fetch_add(&strange, memcmp(&now, &control, sizeof now) != 0);
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    atomic_fetch_add(&strange, sigismember(&mask, SIGUSR1) != 0); /* the handler has returned */
    atomic_fetch_add(&strange, registers_backwards());
    registers_fill(&r, 4711);
    void (*volatile next)(void) = detour;
    detour = NULL;
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &usr1, NULL); /* what the thread's mask is then is its own, and stays so */
    registers_hold(&r, &out, 1, 1, registers_vectors());
    pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
    detour = next;
    atomic_fetch_add(&detours, 1);
}

static void hold_and_look(int vectors)
{
    struct registers in, out;
    for (int i = 0; atomic_load(&detours) < DETOURS && i < NEVER; i++) {
        registers_fill(&in, (uint64_t)i * 1000);
        memset(&out, 0, sizeof out);
        registers_hold(&in, &out, ROUNDS, i % 2, vectors);
        cr_assert_eq(registers_differ(&in, &out, i % 2, vectors), 0, "registers came back changed (round %d)", i);
    }
}

static void under_fire(int vectors)
{
    pthread_t t;
    if (!rti_sigframe_can_divert())
        test_skip("handlers cannot be diverted here");
    arm();
    detour = spoil;
    target = pthread_self();
    cr_assert_eq(pthread_create(&t, NULL, shoots, NULL), 0);
    hold_and_look(vectors);
    atomic_store(&enough, 1);
    pthread_join(t, NULL);
    cr_assert_geq(atomic_load(&detours), DETOURS);
    cr_assert_eq(atomic_load(&strange), 0, "a detour began with another's floating point words, or blocked signals");
}

Test(sigframe, every_register_comes_back)
{
    under_fire(registers_vectors());
}

Test(sigframe, those_of_the_smallest_cpu_too)
{
    under_fire(0);
}

/* Whoever goes on on another thread has that thread's signal mask and signal stack. */
static _Atomic(int) taken;
static char other[SIGNAL_STACK];
static void change_the_threads_things(void)
{
    stack_t stack = {.ss_sp = other, .ss_size = sizeof other};
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &one, NULL);
    sigaltstack(&stack, NULL);
    atomic_store(&taken, 1);
    detour = NULL;
}

Test(sigframe, the_mask_and_the_signal_stack_are_the_threads)
{
    pthread_t t;
    struct registers in, out;
    if (!rti_sigframe_can_divert())
        test_skip("handlers cannot be diverted here");
    arm();
    detour = change_the_threads_things;
    target = pthread_self();
    cr_assert_eq(pthread_create(&t, NULL, shoots, NULL), 0);
    registers_fill(&in, 5);
    for (int i = 0; !atomic_load(&taken) && i < NEVER; i++)
        registers_hold(&in, &out, ROUNDS, 1, 0);
    atomic_store(&enough, 1);
    pthread_join(t, NULL);
    sigset_t mask;
    stack_t stack;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    sigaltstack(NULL, &stack);
    cr_assert_eq(sigismember(&mask, SIGUSR2), 1);
    cr_assert_eq(sigismember(&mask, SIGUSR1), 0);
    cr_assert(stack.ss_sp == other);
    stack.ss_flags = SS_DISABLE;
    sigaltstack(&stack, NULL);
}
