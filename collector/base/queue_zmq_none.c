/* Stands in for queue_zmq.c in a build without libzmq: the makefile chooses one of the two files, so that no
 * caller has an #ifdef. Only the two functions that open an end can be called with effect, and both refuse
 * with a message naming the configure switch. */
#include "collector/base/queue_zmq.h"

/* One sentence for both ends; it names the switch, the package and the way out. */
static void
refuse(char *err, size_t errlen)
{
	snprintf(err, errlen,
		 "plugin_pipe_zmq: this flowrib was built without ZeroMQ; install libzmq3-dev and "
		 "configure --with-zmq, or leave the key out to use the queue in shared memory");
}

bool
queue_zmq_writer_init(struct queue_writer *w, const char *endpoint, size_t batch_bytes, unsigned hwm,
		      struct counter_block *counters, char *err, size_t errlen)
{
	(void)w, (void)endpoint, (void)batch_bytes, (void)hwm, (void)counters;
	refuse(err, errlen);
	return false;
}

struct queue_zmq_reader *
queue_zmq_reader_new(const char *endpoint, unsigned hwm, unsigned writers, char *err, size_t errlen)
{
	(void)endpoint, (void)hwm, (void)writers;
	refuse(err, errlen);
	return NULL;
}

/* What follows is never reached, since nobody has a reader; the answers are those of an empty and finished
 * stream, so that even a caller that ignored the error would end. */
void
queue_zmq_reader_free(struct queue_zmq_reader *r)
{
	(void)r;
}

const struct queue_message *
queue_zmq_receive(struct queue_zmq_reader *r)
{
	(void)r;
	return NULL;
}

uint64_t
queue_zmq_malformed(struct queue_zmq_reader *r)
{
	(void)r;
	return 0;
}

int
queue_zmq_fd(const struct queue_zmq_reader *r)
{
	(void)r;
	return -1;
}

bool
queue_zmq_pending(struct queue_zmq_reader *r)
{
	(void)r;
	return false;
}

bool
queue_zmq_finished(const struct queue_zmq_reader *r)
{
	(void)r;
	return true;
}
