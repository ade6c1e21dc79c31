/* What becomes of a key that somebody sets: the words of the column "standing" in keys.def, with the reason
 * in words. Each reason is written once and shared by its keys: the manual page groups them by it, so the
 * text is the group's heading as well. The text stands in a message after the key: "no effect: ..." for
 * accepted keys, "removed: ..." for those of older releases. Only table.c needs this. */
#ifndef FLOWRIB_CONF_STANDING_H
#define FLOWRIB_CONF_STANDING_H

#define STANDING(what, text) .standing = CONF_STANDING_##what, .reason = (text)

#define STANDING_WORKS STANDING(EFFECT, "")

/* what a later version brings */
#define STANDING_LATER_CAPTURE	  STANDING(ACCEPTED, "packet capture and NFLOG are not in this version")
#define STANDING_LATER_SFLOW	  STANDING(ACCEPTED, "sFlow is not in this version")
#define STANDING_LATER_BGP	  STANDING(ACCEPTED, "this part of BGP is not in this version")
#define STANDING_LATER_BMP	  STANDING(ACCEPTED, "BMP is not in this version")
#define STANDING_LATER_TELEMETRY  STANDING(ACCEPTED, "streaming telemetry is not in this version")
#define STANDING_LATER_SQL	  STANDING(ACCEPTED, "the SQL plugins are not in this version")
#define STANDING_LATER_KAFKA	  STANDING(ACCEPTED, "Kafka is not in this version")
#define STANDING_LATER_AMQP	  STANDING(ACCEPTED, "AMQP is not in this version")
#define STANDING_LATER_AVRO	  STANDING(ACCEPTED, "Avro is not in this version")
#define STANDING_LATER_BROKER	  STANDING(ACCEPTED, "message brokers are not in this version")
#define STANDING_LATER_PROBE	  STANDING(ACCEPTED, "exporting (nfprobe, sfprobe) is not in this version")
#define STANDING_LATER_TEE	  STANDING(ACCEPTED, "replication (tee) is not in this version")
#define STANDING_LATER_MAPS	  STANDING(ACCEPTED, "tags and maps are not in this version")
#define STANDING_LATER_GEOIP	  STANDING(ACCEPTED, "GeoIP is not in this version")
#define STANDING_LATER_CLASSES	  STANDING(ACCEPTED, "classification by payload is not in this version")
#define STANDING_LATER_CLUSTER	  STANDING(ACCEPTED, "clusters of collectors are not in this version")
#define STANDING_LATER_DTLS	  STANDING(ACCEPTED, "DTLS is not in this version")
#define STANDING_LATER_ZMQ_INPUT  STANDING(ACCEPTED, "input through ZeroMQ is not in this version")
#define STANDING_LATER_PREPROCESS STANDING(ACCEPTED, "preprocessing before a purge is not in this version")
#define STANDING_LATER_CUSTOM	  STANDING(ACCEPTED, "output libraries are not in this version")

/* what is made otherwise here */
#define STANDING_GROWS STANDING(ACCEPTED, "tables and maps grow as they need to, there is nothing to size")
#define STANDING_ONE_WRITER                                                                                  \
	STANDING(ACCEPTED, "a plugin has one writer, and purges wait for it instead of multiplying")
#define STANDING_ALWAYS_TOLD STANDING(ACCEPTED, "plugins always get the signals that concern them")
#define STANDING_ALWAYS_CHECKED                                                                              \
	STANDING(ACCEPTED, "sequence numbers and versions are always checked, and what is wrong is counted")
#define STANDING_SQL_ADDRESSES                                                                               \
	STANDING(ACCEPTED, "PostgreSQL has a type for addresses, and SQLite gets their text")
#define STANDING_SQL_COPY    STANDING(ACCEPTED, "rows always go in by the fastest way the database has")
#define STANDING_SQL_TRIGGER STANDING(ACCEPTED, "the program runs whenever rows are in the database")
#define STANDING_SQL_TYPED   STANDING(ACCEPTED, "values are written for the types that the columns have")
#define STANDING_NOT_NEEDED  STANDING(ACCEPTED, "it is not needed here")
#define STANDING_NEVER_READ  STANDING(ACCEPTED, "pmacct documents this key, but does not know it either")

/* keys of older releases */
#define STANDING_REMOVED_IMT_PASSWD                                                                          \
	STANDING(REMOVED, "who may ask is a matter of the permissions of runtime_dir; delete this line")
#define STANDING_REMOVED_DISABLE_CHECKS STANDING(REMOVED, "use nfacctd_disable_sanity_checks")
#define STANDING_REMOVED_GEOIP		STANDING(REMOVED, "use geoipv2_file")
#define STANDING_REMOVED_ISIS                                                                                \
	STANDING(REMOVED, "there is no IS-IS any more, use BGP or BMP; delete this line")
#define STANDING_REMOVED_SINCE_EPOCH	STANDING(REMOVED, "use timestamps_since_epoch")
#define STANDING_REMOVED_REFRESH_MAPS	STANDING(REMOVED, "use maps_refresh")
#define STANDING_REMOVED_MAP_ENTRIES	STANDING(REMOVED, "use maps_entries")
#define STANDING_REMOVED_INTERFACE	STANDING(REMOVED, "use pcap_interface")
#define STANDING_REMOVED_INTERFACE_WAIT STANDING(REMOVED, "use pcap_interface_wait")
#define STANDING_REMOVED_TIME_ROUNDOFF	STANDING(REMOVED, "use print_history_roundoff")

#endif
