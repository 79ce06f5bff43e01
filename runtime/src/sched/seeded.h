/* seeded.h - GODEBUG=seed=N: which goroutine runs, on which P, and when it gives way is drawn from N; time is virtual.
 * Equal seeds give equal runs, which the order hash proves. Threads: whoever holds the one P that is in use, but for
 * what is said below. Memory: static.
 *
 * One M holds the baton: it is bound to one P at a time, and before it picks a goroutine it may change to any other, so
 * that all queues are used as by several threads. The other Ps are on no idle list: nobody is woken for them. The baton
 * is handed on only when a goroutine stays in a blocking call for 100 ms of real time, or when a thread outside makes a
 * goroutine runnable while nothing runs; from there on the run depends on more than the seed.
 *
 * The stacks of parked goroutines are taken (sched/hibernate.h) at moments that the seed says, too; in half of all
 * seeds never. Those are drawn apart: a goroutine cannot tell, so the order and its hash are the same without
 * (GODEBUG=hibernate=0) and where the kernel cannot do it.
 *
 * Time stands still while anything can run; then descriptors are looked at, and then the clock jumps to the first
 * deadline. When goroutines do nothing but yield or pass checkpoints (2000 times, and nobody is made ready), it
 * jumps too: they may be waiting for the time. */
#ifndef RTI_SEEDED_H
#define RTI_SEEDED_H

#include <stdbool.h>
#include <stdint.h>

struct g;
struct m;
struct p;

/* Boot, before the first M: draws from seed from now on; sets the clock. End: no M left; gives the clock back. */
void rti_seeded_begin(uint64_t seed);
void rti_seeded_end(void);

/* The next choice, below n (n > 0). */
uint32_t rti_seeded_choose(uint32_t n);
/* At a point: the running goroutine is to give way. The odds are the seed's, too. */
bool rti_seeded_gives_way(void);
/* The running goroutine yields, or passes a checkpoint. */
void rti_seeded_yields(void);
/* On a goroutine's stack: who runs next; NULL: the system stack shall look. May bind m to another P. */
struct g *rti_seeded_fast(struct m *m);
/* On m's system stack: fires timers that are due, in any order and among the goroutines that run meanwhile; picks.
 * NULL: nothing can run at this time. */
struct g *rti_seeded_look(struct m *m);
/* The clock moves to the first deadline; false: there is none. */
bool rti_seeded_jump(void);
/* g is ready; true: it was put somewhere, false: it is p's runnext as ever. */
bool rti_seeded_place(struct p *p, struct g *g);

/* Of the present run or, between runs, of the last one: every choice and every goroutine that was picked, in order.
 * Any thread while nothing runs. */
uint64_t rti_seeded_hash(void);
uint64_t rti_seeded_steps(void); /* goroutines picked */
/* Prints "replay: GODEBUG=... program arguments" when a seeded run is on. Async-signal-safe but for open and read. */
void rti_seeded_print_replay(void);
/* What to print for program and arguments; borrowed; NULL: this process's own. */
void rti_seeded_replay_as(const char *command);

#endif
