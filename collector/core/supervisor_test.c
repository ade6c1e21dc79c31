/* The spawner with plugins that are not: they end, fail or are killed as the test tells them. */
#include "collector/core/supervisor.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "plugins/testbed.h"

/* In shared memory: what the settle hook and the processes did. */
struct seen {
	_Atomic unsigned settled;
	_Atomic unsigned started;
	_Atomic bool may_start;
	_Atomic bool refuse_to_settle;
};

static struct seen *seen;
static struct conf *conf;
static struct testbed bed;

static void *
start(struct plugin_host *host, const struct plugin_setup *setup)
{
	(void)host;
	counter_set(setup->counters, PLUGIN_ENTRIES, 77);
	seen->started++;
	return seen->may_start ? seen : NULL;
}

static const struct plugin_ops fake = {.type = "fake", .start = start};

static bool
settle(const void *ctx)
{
	assert_ptr_equal(ctx, seen);
	seen->settled += seen->started == 0; /* before any plugin */
	return !seen->refuse_to_settle;
}

static int
setup(void **state)
{
	static struct instance instance;
	static struct instances all;
	static struct supervisor sup;
	memset(seen, 0, sizeof(*seen));
	seen->may_start = true;
	memset(&bed, 0, sizeof(bed));
	testbed_open(&bed, "f", "fake", 1, 1 << 16);
	bed.setup.conf = conf;
	instance = (struct instance){.setup = bed.setup, .ops = &fake};
	all = (struct instances){.list = &instance, .n = 1};
	assert_true(supervisor_start(&sup, &all, settle, seen));
	*state = &sup;
	return 0;
}

static int
teardown(void **state)
{
	struct supervisor *sup = *state;
	int status;
	close(sup->fd);
	assert_int_equal(waitpid(sup->pid, &status, 0), sup->pid);
	testbed_free(&bed);
	return 0;
}

/* The next event within ms milliseconds; false when there is none. */
static bool
next(struct supervisor *sup, struct supervisor_event *e, int ms)
{
	struct pollfd p = {.fd = sup->fd, .events = POLLIN};
	return poll(&p, 1, ms) == 1 && supervisor_event(sup, e);
}

static struct supervisor_event
expect(struct supervisor *sup, enum supervisor_event_kind kind)
{
	struct supervisor_event e;
	assert_true(next(sup, &e, 5000));
	assert_int_equal(e.kind, kind);
	assert_int_equal(e.instance, 0);
	return e;
}

static void
test_orderly_life(void **state)
{
	struct supervisor *sup = *state;
	struct supervisor_event e;
	assert_false(next(sup, &e, 50)); /* nothing before it is told */
	supervisor_command(sup, SUPERVISOR_GO);
	pid_t pid = expect(sup, SUPERVISOR_STARTED).pid;
	assert_int_equal(seen->settled, 1);
	assert_int_equal(kill(pid, 0), 0);
	supervisor_command(sup, SUPERVISOR_STOP);
	testbed_finish(&bed); /* closes the queue */
	e = expect(sup, SUPERVISOR_ENDED);
	assert_true(WIFEXITED(e.wait_status) && WEXITSTATUS(e.wait_status) == 0);
	assert_true(next(sup, &e, 5000));
	assert_int_equal(e.kind, SUPERVISOR_GONE);
}

static void
test_killed_one_is_replaced(void **state)
{
	struct supervisor *sup = *state;
	supervisor_command(sup, SUPERVISOR_GO);
	pid_t first = expect(sup, SUPERVISOR_STARTED).pid;
	for (int i = 0; i < 200 && !seen->started; i++)
		usleep(10000);
	kill(first, SIGKILL);
	struct supervisor_event e = expect(sup, SUPERVISOR_DIED);
	assert_true(WIFSIGNALED(e.wait_status) && WTERMSIG(e.wait_status) == SIGKILL);
	assert_int_equal(e.pid, first);
	assert_int_equal(e.lost, 77); /* what it held when it died, and not later what a successor holds */
	e = expect(sup, SUPERVISOR_STARTED);
	assert_true(e.pid != first);
	supervisor_command(sup, SUPERVISOR_KILL);
	expect(sup, SUPERVISOR_ENDED);
}

static void
test_failing_one_waits_ever_longer(void **state)
{
	struct supervisor *sup = *state;
	uint64_t last = 0, least = 0;
	seen->may_start = false;
	supervisor_command(sup, SUPERVISOR_GO);
	for (unsigned i = 0; i < 3; i++) {
		expect(sup, SUPERVISOR_STARTED);
		uint64_t now = clock_monotonic_us();
		assert_true(i == 0 || now - last >= least);
		struct supervisor_event e = expect(sup, SUPERVISOR_DIED);
		assert_int_equal(WEXITSTATUS(e.wait_status), 1);
		assert_int_equal(e.restart_in_s, 1u << i); /* 1, 2, 4 seconds */
		last = now;
		least = (uint64_t)e.restart_in_s * US_PER_S - US_PER_S / 10;
	}
	assert_int_equal(seen->started, 3);
}

/* A stopped process takes neither the end of its queue nor SIGTERM: it is killed, not before its second is
 * over and five more (and not much later), and what it held is told. */
static void
test_stuck_one_is_killed(void **state)
{
	struct supervisor *sup = *state;
	supervisor_command(sup, SUPERVISOR_GO);
	pid_t pid = expect(sup, SUPERVISOR_STARTED).pid;
	for (int i = 0; i < 200 && !seen->started; i++)
		usleep(10000);
	kill(pid, SIGSTOP);
	supervisor_command(sup, SUPERVISOR_STOP);
	testbed_finish(&bed);
	uint64_t begin = clock_monotonic_us();
	supervisor_command(sup, SUPERVISOR_CLOSED);
	struct supervisor_event e;
	assert_true(next(sup, &e, 12000));
	uint64_t took = clock_monotonic_us() - begin;
	assert_int_equal(e.kind, SUPERVISOR_DIED);
	assert_int_equal(e.pid, pid);
	assert_true(WIFSIGNALED(e.wait_status) && WTERMSIG(e.wait_status) == SIGKILL);
	assert_int_equal(e.lost, 77);
	assert_in_range(took, 6 * US_PER_S - 1000, 9 * US_PER_S);
	assert_true(next(sup, &e, 5000));
	assert_int_equal(e.kind, SUPERVISOR_GONE);
}

/* One whose queue the end does not reach is not killed: SIGTERM is enough for it. */
static void
test_deaf_one_is_told(void **state)
{
	struct supervisor *sup = *state;
	supervisor_command(sup, SUPERVISOR_GO);
	expect(sup, SUPERVISOR_STARTED);
	supervisor_command(sup, SUPERVISOR_STOP); /* the queue stays open */
	supervisor_command(sup, SUPERVISOR_CLOSED);
	struct supervisor_event e = expect(sup, SUPERVISOR_ENDED);
	assert_true(WIFEXITED(e.wait_status) && WEXITSTATUS(e.wait_status) == 0);
}

static void
test_nobody_starts_what_may_not_settle(void **state)
{
	struct supervisor *sup = *state;
	struct supervisor_event e;
	seen->refuse_to_settle = true;
	supervisor_command(sup, SUPERVISOR_GO);
	assert_true(next(sup, &e, 5000));
	assert_int_equal(e.kind, SUPERVISOR_GONE);
	assert_int_equal(seen->started, 0);
}

static void
test_plugins_end_without_the_core(void **state)
{
	struct supervisor *sup = *state;
	supervisor_command(sup, SUPERVISOR_GO);
	pid_t pid = expect(sup, SUPERVISOR_STARTED).pid;
	shutdown(sup->fd, SHUT_RDWR); /* as when the core is gone */
	for (int i = 0; i < 800 && kill(pid, 0) == 0; i++)
		usleep(10000);
	assert_int_equal(kill(pid, 0), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_orderly_life, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_killed_one_is_replaced, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_failing_one_waits_ever_longer, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_stuck_one_is_killed, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_deaf_one_is_told, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_nobody_starts_what_may_not_settle, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_plugins_end_without_the_core, setup, teardown),
	};
	static const char lines[] = "nfacctd_port: 2100\nplugins: memory[f]\nplugin_end_timeout: 1\n";
	struct text messages = {0};
	seen = testbed_shared(sizeof(*seen));
	conf = conf_load_text("f", lines, strlen(lines), NULL, &messages);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	conf_free(conf);
	text_free(&messages);
	return failed;
}
