/* See testbed.h.
 *
 * The bed stands in for the core: it makes rings, counters and the process as collector/core does, and
 * nothing else, so a plugin's test links no core. Every wait has an end. */
#include "plugins/testbed.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Between two looks; short against what is waited for, long against the cost of a look. */
#define STEP_US 2000

/* A fault of the bed is no result of the test: it ends the program. */
static void
require(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

/* Never unmapped: it lives as long as the test program. */
void *
testbed_shared(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(p != MAP_FAILED, "mmap");
	return p;
}

/* The registry is made once for all tests of a program, as in the daemon; blocks are never freed, so each bed
 * has its own. */
void
testbed_open(struct testbed *t, const char *name, const char *type, unsigned rings, size_t ring_bytes)
{
	static bool counters_ready;

	if (!counters_ready)
		require(counters_init(), "counters_init");
	counters_ready = true;
	memset(t, 0, sizeof(*t));
	t->setup.name = name;
	t->setup.type = type;
	t->setup.wake = queue_wake_new();
	require(t->setup.wake, "queue_wake_new");
	t->setup.rings = t->ring;
	t->setup.ring_count = rings;
	/* without labels: nothing in a test prints the registry */
	t->setup.counters = counters_add(plugin_counter_desc, PLUGIN_COUNTERS, NULL);
	for (unsigned i = 0; i < rings; i++) {
		t->ring[i] = ring_new(ring_bytes, t->setup.wake);
		require(t->ring[i], "ring_new");
		t->queue_counters[i] = counters_add(queue_counter_desc, QUEUE_COUNTERS, NULL);
		ring_writer_init(&t->writer[i], t->ring[i], 4096, t->queue_counters[i]);
	}
}

/* In a process of its own, because the host takes over signals, names and the exit status. */
void
testbed_start(struct testbed *t, const struct plugin_ops *ops)
{
	/* what the core does with the plugin's own rows; a second start goes on in the same block */
	if (ops->counter_count && !t->setup.own)
		t->setup.own = counters_add(ops->counters, ops->counter_count, NULL);
	fflush(NULL);
	t->pid = fork();
	require(t->pid >= 0, "fork");
	if (t->pid == 0)
		_exit(plugin_run(ops, &t->setup));
}

/* The bed is the core's source thread: it waits where the core would drop, since tests count records. */
void
testbed_send(struct testbed *t, unsigned ring, const void *record, size_t n)
{
	uint8_t *slot;

	while (!(slot = queue_slot(&t->writer[ring], n)))
		usleep(STEP_US);
	memcpy(slot, record, n);
	queue_push(&t->writer[ring], n);
}

/* Without it the last batch stays in the writer until it is full. */
void
testbed_flush(struct testbed *t)
{
	for (unsigned i = 0; i < t->setup.ring_count; i++)
		queue_flush(&t->writer[i]);
}

/* What a source thread does at its end; the plugin then drains and stops by itself. */
void
testbed_finish(struct testbed *t)
{
	for (unsigned i = 0; i < t->setup.ring_count; i++)
		queue_close(&t->writer[i]);
}

/* Never longer than told: a plugin that does not end fails its test instead of hanging the run. */
int
testbed_wait(struct testbed *t, unsigned seconds)
{
	int status;

	for (unsigned waited = 0; waited < seconds * 1000000u; waited += STEP_US) {
		pid_t pid = waitpid(t->pid, &status, WNOHANG);
		if (pid == t->pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		usleep(STEP_US);
	}
	/* it hangs: ended here, so that the run goes on and the test fails */
	kill(t->pid, SIGKILL);
	waitpid(t->pid, &status, 0);
	return -1;
}

/* Polls the shared counters, as the core does; there is no other way to see into the child. */
bool
testbed_reached(const struct testbed *t, unsigned id, uint64_t v, unsigned seconds)
{
	for (unsigned waited = 0; waited < seconds * 1000000u; waited += STEP_US) {
		if (counter_read(t->setup.counters, id) >= v)
			return true;
		usleep(STEP_US);
	}
	return false;
}

/* The child must have ended: it maps the same rings. */
void
testbed_free(struct testbed *t)
{
	for (unsigned i = 0; i < t->setup.ring_count; i++)
		ring_free(t->ring[i]);
	queue_wake_free(t->setup.wake);
}
