/* Time. All times of the program are microseconds in 64 bits: since the epoch for what is shown, since boot
 * for what is measured. */
#ifndef FLOWRIB_BASE_CLOCK_H
#define FLOWRIB_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define US_PER_S 1000000ULL

static inline uint64_t
clock_now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * US_PER_S + (uint64_t)ts.tv_nsec / 1000;
}

static inline uint64_t
clock_monotonic_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * US_PER_S + (uint64_t)ts.tv_nsec / 1000;
}

#endif
