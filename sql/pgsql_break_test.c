/* Exactly once, whatever breaks: purges go from a spool to a real server while the connection is cut and the
 * server is killed, and the sums in the database are those of what was purged. Skipped where there is no
 * PostgreSQL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "collector/base/clock.h"
#include "sql/drivers.h"
#include "sql/pgsql_cluster.h"
#include "sql/writer.h"

#define ROWS 500 /* a purge */

static struct cluster cluster;
static const char *skipped;
static struct layout layout;
static const struct counter_desc rows[SQL_COUNTERS] = {SQL_COUNTER_ROWS};

/* --- a proxy between writer and server --- */

struct proxy {
	char folder[64];
	int listener;
	pthread_t thread;
	_Atomic bool end;
	_Atomic int cut_after;	 /* bytes towards the server, then the connection is cut; 0: never */
	_Atomic bool refuse;	 /* from the cut at COMMIT on, until it is false again */
	_Atomic bool cut_commit; /* once: let COMMIT pass, and cut before the answer */
	_Atomic unsigned cuts;
};

static int
unix_socket(const char *folder, bool listening)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/.s.PGSQL.5432", folder);
	bool fine =
	    fd >= 0 && (listening ? bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, 8) == 0
				  : connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	if (fine)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Whether it is to be cut now. */
static bool
towards_server(struct proxy *p, const char *buffer, ssize_t n, size_t *sent, int server)
{
	bool is_commit = n >= 11 && memmem(buffer, (size_t)n, "COMMIT\0", 7);
	if (send(server, buffer, (size_t)n, MSG_NOSIGNAL) != n)
		return true;
	*sent += (size_t)n;
	if (is_commit && atomic_exchange(&p->cut_commit, false)) {
		usleep(100000); /* the server has it, and does it */
		atomic_store(&p->refuse, true);
		return true;
	}
	int after = atomic_load(&p->cut_after);
	return after && *sent > (size_t)after;
}

/* One connection at a time is all a writer has. */
static void
forward(struct proxy *p, int client, int server)
{
	static char buffer[8192];
	size_t sent = 0;
	while (!atomic_load(&p->end)) {
		struct pollfd fds[] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
		if (poll(fds, 2, 100) <= 0)
			continue;
		bool up = fds[0].revents != 0;
		ssize_t n = read(up ? client : server, buffer, sizeof(buffer));
		if (n <= 0)
			return;
		if (!up && send(client, buffer, (size_t)n, MSG_NOSIGNAL) != n)
			return;
		if (up && towards_server(p, buffer, n, &sent, server)) {
			atomic_fetch_add(&p->cuts, 1);
			return;
		}
	}
}

static void *
proxy_main(void *arg)
{
	struct proxy *p = arg;
	while (!atomic_load(&p->end)) {
		struct pollfd fd = {.fd = p->listener, .events = POLLIN};
		if (poll(&fd, 1, 100) <= 0)
			continue;
		int client = accept(p->listener, NULL, NULL), server = unix_socket(cluster.folder, false);
		if (client >= 0 && server >= 0 && !atomic_load(&p->refuse))
			forward(p, client, server);
		if (client >= 0)
			close(client);
		if (server >= 0)
			close(server);
	}
	return NULL;
}

static void
proxy_start(struct proxy *p)
{
	memset(p, 0, sizeof(*p));
	snprintf(p->folder, sizeof(p->folder), "/tmp/flowrib-proxy-XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	p->listener = unix_socket(p->folder, true);
	assert_true(p->listener >= 0);
	assert_int_equal(pthread_create(&p->thread, NULL, proxy_main, p), 0);
}

static void
proxy_stop(struct proxy *p)
{
	char path[96];
	atomic_store(&p->end, true);
	pthread_join(p->thread, NULL);
	close(p->listener);
	snprintf(path, sizeof(path), "%s/.s.PGSQL.5432", p->folder);
	unlink(path);
	rmdir(p->folder);
}

/* --- purges --- */

struct job {
	char folder[64];
	struct spool *spool;
	struct sql_writer *writer;
	struct counter_block *counters;
	char host[96];
	uint64_t packets; /* purged */
};

static void
put_table(void *ctx, const struct layout *l, const uint8_t *record, uint64_t purged_us, struct text *out)
{
	(void)ctx, (void)l, (void)record, (void)purged_us;
	text_str(out, "t");
}

static void
job_open(struct job *j)
{
	char err[256];
	memset(j, 0, sizeof(*j));
	snprintf(j->folder, sizeof(j->folder), "/tmp/flowrib-break-XXXXXX");
	assert_non_null(mkdtemp(j->folder));
	struct spool_options o = {.directory = j->folder};
	j->spool = spool_open(&o, err, sizeof(err));
	assert_non_null(j->spool);
}

static void
job_write(struct job *j, const char *folder, const char *backup)
{
	char err[256];
	snprintf(j->host, sizeof(j->host), "unix:%s", folder);
	struct sql_writer_options o = {
	    .driver = &sql_driver_pgsql,
	    .params = {.host = j->host,
		       .database = "postgres",
		       .user = "flowrib",
		       .timeout_ms = 3000,
		       .create = true},
	    .backup_host = backup,
	    .table = {.version = 9, .optimize = true},
	    .naming = {.name = put_table, .constant = true},
	    .counters = counters_add(rows, SQL_COUNTERS, ""),
	};
	j->counters = o.counters;
	j->writer = sql_writer_start(j->spool, &o, err, sizeof(err));
	assert_non_null(j->writer);
}

static void
job_purge(struct job *j)
{
	char err[256];
	uint8_t record[1024];
	struct flow *f = calloc(1, sizeof(*f));
	struct spool_append *a = spool_append_begin(j->spool, &layout, clock_now_us(), err, sizeof(err));
	assert_non_null(a);
	for (uint32_t i = 0; i < ROWS; i++) {
		f->src_as = i;
		f->packets = 1 + (uint64_t)random() % 100;
		f->bytes = 10 * f->packets;
		j->packets += f->packets;
		spool_append_records(a, record, layout_pack(&layout, f, record), 1);
	}
	assert_true(spool_append_commit(a, err, sizeof(err)));
	free(f);
}

static void
job_close(struct job *j)
{
	char command[96];
	spool_close(j->spool);
	snprintf(command, sizeof(command), "rm -r %s", j->folder);
	assert_int_equal(system(command), 0);
}

static PGconn *
plain(void)
{
	char info[128];
	snprintf(info, sizeof(info), "host=%s dbname=postgres user=flowrib", cluster.folder);
	return PQconnectdb(info);
}

/* Everything is there, once. */
static void
assert_sum(const struct job *j)
{
	char expected[64];
	PGconn *pg = plain();
	PGresult *r = PQexec(pg, "SELECT count(*)||' '||sum(packets)||' '||sum(bytes) FROM t");
	assert_int_equal(PQresultStatus(r), PGRES_TUPLES_OK);
	snprintf(expected, sizeof(expected), "%d %llu %llu", ROWS, (unsigned long long)j->packets,
		 10 * (unsigned long long)j->packets);
	assert_string_equal(PQgetvalue(r, 0, 0), expected);
	PQclear(r);
	PQfinish(pg);
}

/* --- setting up --- */

static int
start_server(void **state)
{
	struct aggregate a;
	struct layout_options o = {.time_bins = false};
	char err[256];
	(void)state;
	counters_init();
	srandom(1);
	if (!aggregate_parse(&a, "src_as", err, sizeof(err)) ||
	    !layout_compile(&layout, &a, &o, err, sizeof(err)))
		return -1;
	skipped = cluster_make(&cluster);
	if (!skipped && !cluster_start(&cluster))
		skipped = "PostgreSQL does not start";
	return 0;
}

static int
stop_server(void **state)
{
	(void)state;
	cluster_remove(&cluster);
	return 0;
}

static int
fresh(void **state)
{
	(void)state;
	if (skipped)
		return 0;
	PGconn *pg = plain();
	PGresult *r =
	    PQexec(pg, "SET client_min_messages = warning; DROP SCHEMA public CASCADE; CREATE SCHEMA public");
	int failed = PQresultStatus(r) != PGRES_COMMAND_OK;
	PQclear(r);
	PQfinish(pg);
	return failed;
}

#define NEEDS_SERVER                                                                                         \
	do {                                                                                                 \
		(void)state;                                                                                 \
		if (skipped) {                                                                               \
			print_message("skipped: %s\n", skipped);                                             \
			skip();                                                                              \
		}                                                                                            \
	} while (0)

/* --- tests --- */

/* The connection ends at any byte of the transaction. */
static void
test_cut(void **state)
{
	struct proxy p;
	struct job j;
	NEEDS_SERVER;
	proxy_start(&p);
	job_open(&j);
	atomic_store(&p.cut_after, 1);
	job_write(&j, p.folder, NULL);
	for (unsigned i = 0; i < 6; i++) {
		job_purge(&j);
		atomic_store(&p.cut_after, 1 + (int)(random() % 20000));
		usleep(300000);
	}
	atomic_store(&p.cut_after, 0);
	assert_true(sql_writer_stop(j.writer, 60000));
	assert_true(atomic_load(&p.cuts) > 0);
	assert_int_equal(counter_read(j.counters, SQL_SEGMENTS_REJECTED), 0);
	assert_sum(&j);
	job_close(&j);
	proxy_stop(&p);
}

/* The one value of a query. */
static long long
number_of(const struct cluster *c, const char *sql)
{
	char info[128];
	snprintf(info, sizeof(info), "host=%s dbname=postgres user=flowrib", c->folder);
	PGconn *pg = PQconnectdb(info);
	PGresult *r = PQexec(pg, sql);
	long long n = PQntuples(r) == 1 ? strtoll(PQgetvalue(r, 0, 0), NULL, 10) : -1;
	PQclear(r);
	PQfinish(pg);
	return n;
}

/* COMMIT comes through, its answer does not, and then the server is away: the segment waits for that server,
 * which alone can tell, and does not go to the second one; nor does it when another process has the spool. */
static void
test_commit_in_doubt(void **state)
{
	struct proxy p;
	struct job j;
	struct cluster second;
	char backup[96];
	NEEDS_SERVER;
	assert_null(cluster_make(&second));
	assert_true(cluster_start(&second));
	proxy_start(&p);
	job_open(&j);
	snprintf(backup, sizeof(backup), "unix:%s", second.folder);
	for (unsigned i = 0; i < 3; i++)
		job_purge(&j);
	atomic_store(&p.cut_commit, true);
	job_write(&j, p.folder, backup);
	for (unsigned i = 0; i < 200 && counter_read(j.counters, SQL_RETRIES) < 2; i++)
		usleep(50000);
	assert_false(sql_writer_stop(j.writer, 0));
	assert_int_equal(counter_read(j.counters, SQL_TO_BACKUP), 0);
	job_write(&j, p.folder, backup); /* as a new process would */
	for (unsigned i = 0; i < 200 && counter_read(j.counters, SQL_RETRIES) < 2; i++)
		usleep(50000);
	assert_int_equal(counter_read(j.counters, SQL_TO_BACKUP), 0);
	atomic_store(&p.refuse, false);
	assert_true(sql_writer_stop(j.writer, 30000));
	assert_int_equal(counter_read(j.counters, SQL_SEGMENTS_WRITTEN), 2);
	assert_int_equal(atomic_load(&p.cuts), 1);
	assert_sum(&j);
	/* without doubt the second server does take over */
	uint64_t before = j.packets;
	atomic_store(&p.refuse, true);
	job_write(&j, p.folder, backup);
	job_purge(&j);
	assert_true(sql_writer_stop(j.writer, 30000));
	assert_int_equal(number_of(&second, "SELECT sum(packets) FROM t"), j.packets - before);
	job_close(&j);
	proxy_stop(&p);
	cluster_remove(&second);
}

/* The server is killed and started again while purges go on. */
static void
test_server_killed(void **state)
{
	struct job j;
	NEEDS_SERVER;
	job_open(&j);
	job_write(&j, cluster.folder, NULL);
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned k = 0; k < 4; k++)
			job_purge(&j);
		usleep((useconds_t)(random() % 200000));
		cluster_stop(&cluster, i % 2 ? SIGINT : SIGQUIT);
		job_purge(&j);
		assert_true(cluster_start(&cluster));
	}
	assert_true(sql_writer_stop(j.writer, 60000));
	assert_sum(&j);
	job_close(&j);
}

/* A process that writes from the spool until it is killed. */
static pid_t
start_victim(struct job *j)
{
	struct spool_options o = {.directory = j->folder};
	char err[256];
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	j->spool = spool_open(&o, err, sizeof(err));
	if (j->spool)
		job_write(j, cluster.folder, NULL);
	sleep(20);
	_exit(0);
}

/* The writing process is killed at random moments; the next one goes on with the spool. */
static void
test_writer_killed(void **state)
{
	struct job j;
	char err[256];
	NEEDS_SERVER;
	job_open(&j);
	struct spool_options o = {.directory = j.folder};
	for (unsigned i = 0; i < 10; i++) {
		for (unsigned k = 0; k < 4; k++)
			job_purge(&j);
		spool_close(j.spool);
		pid_t pid = start_victim(&j);
		assert_true(pid > 0);
		usleep((useconds_t)(random() % 150000));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		j.spool = spool_open(&o, err, sizeof(err));
		assert_non_null(j.spool);
	}
	job_write(&j, cluster.folder, NULL);
	assert_true(sql_writer_stop(j.writer, 60000));
	assert_sum(&j);
	job_close(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_cut, fresh),
	    cmocka_unit_test_setup(test_commit_in_doubt, fresh),
	    cmocka_unit_test_setup(test_server_killed, fresh),
	    cmocka_unit_test_setup(test_writer_killed, fresh),
	};
	alarm(280); /* nothing here waits for ever */
	return cmocka_run_group_tests(tests, start_server, stop_server);
}
