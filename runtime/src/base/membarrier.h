/* membarrier.h - the slow side pays for the fences of the fast side. Threads: any. Memory: none.
 * A fast side that only stores and then loads (plain, in program order) is ordered against a slow side that stores,
 * calls rti_membarrier_all(), and then loads: one of the two sees the other's store. */
#ifndef RTI_MEMBARRIER_H
#define RTI_MEMBARRIER_H

#include <stdbool.h>

/* Registers the process. False when the kernel has no membarrier(PRIVATE_EXPEDITED): the fast side must then fence. */
bool rti_membarrier_register(void);
/* Every running thread of this process passes a full fence before this returns. Only after a successful register. */
void rti_membarrier_all(void);

#endif
