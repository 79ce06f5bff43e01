/* probe.h - static trace points for perf, bpftrace, SystemTap and gdb: provider lode_rt, one nop each while nobody
 * listens, and nothing at all where <sys/sdt.h> was not there at build time. Threads: any. Memory: notes in the
 * program, never loaded.
 *
 * probe                arguments
 * goroutine__create    its id, its function
 * goroutine__start     id, id of the P
 * goroutine__park      id, why (enum rti_wait)
 * goroutine__ready     id
 * goroutine__exit      id
 * steal                id of the goroutine, of the P that steals, of the one that is stolen from
 * retake               id of the P, of the M that is in a call
 * offer                id of the P, of the M that gives it away before a call
 * m__start             id of the M that is put to work, of its P
 * m__stop              id of the M that goes to sleep
 *
 *     bpftrace -e 'usdt:build/release/bin/lode-worker:lode_rt:goroutine__park { @[arg1] = count(); }' */
#ifndef RTI_PROBE_H
#define RTI_PROBE_H

#if defined(__has_include)
#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#endif
#endif

#if defined(STAP_PROBE1)
#define RTI_PROBE1(name, a)       STAP_PROBE1(lode_rt, name, a)
#define RTI_PROBE2(name, a, b)    STAP_PROBE2(lode_rt, name, a, b)
#define RTI_PROBE3(name, a, b, c) STAP_PROBE3(lode_rt, name, a, b, c)
#else
#define RTI_PROBE1(name, a)       ((void)(a))
#define RTI_PROBE2(name, a, b)    ((void)(a), (void)(b))
#define RTI_PROBE3(name, a, b, c) ((void)(a), (void)(b), (void)(c))
#endif

#endif
