/* See readers.h. liburcu's memb flavour: a reader's begin and end are two plain stores each, because the
 * writer asks the kernel (membarrier) to order them. Rejected: the qsbr flavour, whose readers cost nothing
 * but must announce every rest, which threads that sleep in epoll would have to do around each wait. */
#include "collector/base/readers.h"

#define _LGPL_SOURCE
#include <stdatomic.h>
#include <urcu.h>

/* The sanitizer takes each end of reading as the release that a grace period acquires. */
#if defined(__SANITIZE_THREAD__)
#define TOLD_TO_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TOLD_TO_SANITIZER 1
#endif
#endif
#ifdef TOLD_TO_SANITIZER
extern void __tsan_acquire(void *addr);
extern void __tsan_release(void *addr);
#define tell_acquire(p) __tsan_acquire(p)
#define tell_release(p) __tsan_release(p)
#else
#define tell_acquire(p) ((void)(p))
#define tell_release(p) ((void)(p))
#endif

/* What stands for "a grace period" and "all tickets" to the sanitizer. */
static char grace, tickets;

void
readers_join(void)
{
	rcu_register_thread();
}

void
readers_leave(void)
{
	rcu_unregister_thread();
}

void
readers_begin(void)
{
	rcu_read_lock();
}

void
readers_end(void)
{
	tell_release(&grace);
	rcu_read_unlock();
}

/* Runs on liburcu's thread. */
static void
ticket_passed(struct rcu_head *head)
{
	struct readers_ticket *t = (struct readers_ticket *)(void *)head;
	tell_acquire(t);
	tell_acquire(&grace);
	__atomic_store_n(&t->passed, true, __ATOMIC_RELEASE);
	tell_release(&tickets);
}

void
readers_ticket_start(struct readers_ticket *t)
{
	_Static_assert(sizeof(struct rcu_head) <= sizeof(t->head), "struct rcu_head has grown");
	__atomic_store_n(&t->passed, false, __ATOMIC_RELAXED);
	t->running = true;
	tell_release(t); /* its memory may be fresh */
	call_rcu((struct rcu_head *)(void *)t->head, ticket_passed);
}

bool
readers_ticket_done(struct readers_ticket *t)
{
	if (t->running && __atomic_load_n(&t->passed, __ATOMIC_ACQUIRE)) {
		tell_acquire(&grace);
		t->running = false;
	}
	return !t->running;
}

void
readers_wait(void)
{
	synchronize_rcu();
	tell_acquire(&grace);
}

void
readers_drain(void)
{
	rcu_barrier();
	tell_acquire(&tickets);
}
