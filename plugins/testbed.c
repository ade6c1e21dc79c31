/* See testbed.h. */
#include "plugins/testbed.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEP_US 2000

static void
require(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

void *
testbed_shared(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(p != MAP_FAILED, "mmap");
	return p;
}

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
	t->setup.counters = counters_add(plugin_counter_desc, PLUGIN_COUNTERS, NULL);
	for (unsigned i = 0; i < rings; i++) {
		t->ring[i] = ring_new(ring_bytes, t->setup.wake);
		require(t->ring[i], "ring_new");
		t->queue_counters[i] = counters_add(queue_counter_desc, QUEUE_COUNTERS, NULL);
		ring_writer_init(&t->writer[i], t->ring[i], 4096, t->queue_counters[i]);
	}
}

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

void
testbed_send(struct testbed *t, unsigned ring, const void *record, size_t n)
{
	uint8_t *slot;

	while (!(slot = queue_slot(&t->writer[ring], n)))
		usleep(STEP_US);
	memcpy(slot, record, n);
	queue_push(&t->writer[ring], n);
}

void
testbed_flush(struct testbed *t)
{
	for (unsigned i = 0; i < t->setup.ring_count; i++)
		queue_flush(&t->writer[i]);
}

void
testbed_finish(struct testbed *t)
{
	for (unsigned i = 0; i < t->setup.ring_count; i++)
		queue_close(&t->writer[i]);
}

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
	kill(t->pid, SIGKILL);
	waitpid(t->pid, &status, 0);
	return -1;
}

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

void
testbed_free(struct testbed *t)
{
	for (unsigned i = 0; i < t->setup.ring_count; i++)
		ring_free(t->ring[i]);
	queue_wake_free(t->setup.wake);
}
