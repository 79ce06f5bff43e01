/* time.h - what a channel needs to know of the timer it belongs to. Threads: any. Memory: rt/time.h. */
#ifndef RTI_TIME_H
#define RTI_TIME_H

struct rt_timer;

/* Frees the timer of an rt_after() channel; fatal for one that its owner frees with rt_timer_free(). */
void rti_time_free_after(struct rt_timer *t);

#endif
