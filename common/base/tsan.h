/* tsan.h - tell ThreadSanitizer of an order that it cannot see, as through libzmq's queues. Nothing in other builds.
 * Threads: any. Memory: none. */
#ifndef COMMON_BASE_TSAN_H
#define COMMON_BASE_TSAN_H

/* What a thread did before tsan_release(at) is seen by one that passes tsan_acquire(at) afterwards. at: any address
 * that both sides name. */
void tsan_acquire(void *at);
void tsan_release(void *at);
/* The same for messages through any ZeroMQ socket: directly before one is sent, directly after one is received. */
void tsan_message_sent(void);
void tsan_message_received(void);

#endif
