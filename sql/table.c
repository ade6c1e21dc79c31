/* See table.h.
 *
 * A column's value is read by its source and kind, two small switches, rather than by a function for each:
 * what costs time in a row is the database, and a reader sees all there is in one place. Text goes through
 * the formatter that print uses, so that both show the same. */
#include "sql/table.h"

#include "collector/base/clock.h"
#include "collector/flow/value.h"

/* --- pmacct's tables --- */

/* The fixed columns of its versions: those of a version are all rows up to it. */
static const struct {
	const char *primitive;
	unsigned since;
} version_columns[] = {
    {"tag", 2},	     {"class", 5},  {"src_mac", 1},  {"dst_mac", 1},  {"vlan", 2},
    {"src_as", 6},   {"dst_as", 6}, {"src_host", 1}, {"dst_host", 1}, {"src_port", 1},
    {"dst_port", 1}, {"proto", 1},  {"tos", 3},	     {"tcpflags", 7}, {"flows", 4},
};

static const char *const bgp_columns[] = {
    "tag",	   "src_as",   "dst_as",  "peer_src_as", "peer_dst_as", "peer_src_ip",
    "peer_dst_ip", "std_comm", "as_path", "local_pref",	 "med",
};

/* Columns that had other names: up to a version, in SQLite, or in tables of type bgp. */
static const struct {
	const char *primitive;
	const char *name;
	unsigned before;
	bool sqlite;
} old_names[] = {
    {"tag", "agent_id", 9, false},  {"src_port", "src_port", 8, true}, {"dst_port", "dst_port", 8, true},
    {"src_as", "ip_src", 6, false}, {"dst_as", "ip_dst", 6, false},
};

static const char *
column_name(const struct sql_table_options *o, const struct primitive *p)
{
	unsigned version = o->bgp ? 8 : o->version;
	for (size_t i = 0; i < ARRAY_SIZE(old_names); i++)
		if (strcmp(old_names[i].primitive, p->name) == 0 && version < old_names[i].before &&
		    (!old_names[i].sqlite || o->sqlite))
			return old_names[i].name;
	return p->sql;
}

void
sql_table_default_name(char *out, size_t n, const struct sql_table_options *o)
{
	if (o->bgp)
		snprintf(out, n, "acct_bgp");
	else if (o->version > 1)
		snprintf(out, n, "acct_v%u", o->version);
	else
		snprintf(out, n, "acct");
}

/* --- kinds --- */

/* What the values of a type are to a database. */
static enum sql_kind
kind_of(const struct sql_table_options *o, const struct primitive *p)
{
	switch (p->type) {
	case VALUE_UINT:
	case VALUE_TCPFLAGS:
	case VALUE_FWDSTATUS:
		return SQL_KIND_INT;
	case VALUE_PROTO:
		return o->sqlite && !o->num_protos ? SQL_KIND_TEXT : SQL_KIND_INT;
	case VALUE_ADDR:
		return SQL_KIND_ADDR;
	case VALUE_MAC:
		return SQL_KIND_MAC;
	case VALUE_TIME:
	case VALUE_STAMP:
		return SQL_KIND_TIME;
	case VALUE_DOUBLE:
		return SQL_KIND_REAL;
	case VALUE_AS_PATH:
	case VALUE_STD_COMM:
	case VALUE_EXT_COMM:
	case VALUE_LRG_COMM:
		return o->lists ? SQL_KIND_LIST : SQL_KIND_TEXT;
	default:
		return SQL_KIND_TEXT;
	}
}

/* Exact types: what the values really can be, where pmacct's scripts have what once seemed enough. */
static const char *
best_type(enum sql_kind kind, const struct primitive *p)
{
	switch (kind) {
	case SQL_KIND_INT:
		if (p->flags & PRIMITIVE_COUNTER || p->width > 4)
			return "bigint NOT NULL DEFAULT 0";
		return p->width == 1   ? "smallint NOT NULL DEFAULT 0"
		       : p->width == 2 ? "integer NOT NULL DEFAULT 0"
				       : "bigint NOT NULL DEFAULT 0";
	case SQL_KIND_REAL:
		return "double precision NOT NULL DEFAULT 0";
	case SQL_KIND_ADDR:
		return "inet NOT NULL DEFAULT '0.0.0.0'";
	case SQL_KIND_MAC:
		return "macaddr NOT NULL DEFAULT '00:00:00:00:00:00'";
	case SQL_KIND_TIME:
		return "timestamp without time zone NOT NULL DEFAULT '0001-01-01 00:00:00'";
	case SQL_KIND_LIST:
		return p->type == VALUE_AS_PATH ? "bigint[] NOT NULL DEFAULT '{}'"
						: "text[] NOT NULL DEFAULT '{}'";
	default:
		return "text NOT NULL DEFAULT ''";
	}
}

static enum sql_merge
merge_of(const struct primitive *p)
{
	static const enum sql_merge merges[] = {
	    [MERGE_NONE] = SQL_MERGE_KEY, [MERGE_SUM] = SQL_MERGE_SUM, [MERGE_MIN] = SQL_MERGE_MIN,
	    [MERGE_MAX] = SQL_MERGE_MAX,  [MERGE_OR] = SQL_MERGE_OR,
	};
	return merges[p->merge];
}

/* --- compiling --- */

static struct sql_column *
add_column(struct sql_table *t, const char *name)
{
	if (t->columns == SQL_COLUMNS_MAX)
		return NULL;
	struct sql_column *c = &t->column[t->columns++];
	*c = (struct sql_column){.id = PRIMITIVE_NULL, .text = -1};
	snprintf(c->name, sizeof(c->name), "%s", name);
	return c;
}

/* A time has its fraction in a column of its own, as pmacct has it. */
static bool
add_residue(struct sql_table *t, const struct sql_column *of)
{
	char name[SQL_NAME_MAX];
	if (of->kind != SQL_KIND_TIME || t->options.timestamps_secs)
		return true;
	snprintf(name, sizeof(name), "%.53s_residual", of->name);
	struct sql_column base = *of, *c = add_column(t, name);
	if (!c)
		return false;
	c->type = c->best = "INT NOT NULL DEFAULT 0";
	c->kind = SQL_KIND_INT;
	c->merge = base.merge;
	c->source = base.source == SQL_FROM_NOWHERE ? SQL_FROM_NOWHERE : SQL_FROM_RESIDUE;
	c->offset = base.offset;
	c->width = base.merge == SQL_MERGE_KEY ? 0 : 1; /* 1: of a counter */
	return true;
}

/* A column for primitive id. Rows that share a column (class and class_frame) have it once. */
static bool
add_primitive(struct sql_table *t, primitive_id id, enum sql_source source, uint16_t offset, uint16_t width)
{
	const struct primitive *p = primitive_get(id);
	const char *name = p->flags & PRIMITIVE_CUSTOM ? p->name : column_name(&t->options, p);
	if (!name)
		return true;
	for (unsigned i = 0; i < t->columns; i++)
		if (strcmp(t->column[i].name, name) == 0)
			return true;
	struct sql_column *c = add_column(t, name);
	if (!c)
		return false;
	c->id = id;
	c->kind = kind_of(&t->options, p);
	/* pmacct's scripts have another zero than its values, and it belongs to the key of its rows */
	if (source == SQL_FROM_NOWHERE && c->kind == SQL_KIND_MAC && t->options.sqlite)
		c->kind = SQL_KIND_TEXT;
	c->type = p->sql_type ? p->sql_type : "VARCHAR(255) NOT NULL DEFAULT ' '";
	c->best = best_type(c->kind, p);
	c->merge = merge_of(p);
	c->source = source;
	c->offset = offset;
	c->width = width;
	if (source == SQL_FROM_KEY && (c->kind == SQL_KIND_TEXT || c->kind == SQL_KIND_LIST))
		c->text = format_column_of(t->format, id);
	return add_residue(t, c);
}

/* What is aggregated by, in the order of the outputs. */
static bool
add_aggregate(struct sql_table *t)
{
	const struct layout *l = t->layout;
	primitive_id bin = primitive_find("stamp_inserted");
	bool fine = true;
	for (unsigned i = 0; i < l->fields && fine; i++) {
		const struct layout_field *f = &l->field[i];
		if (f->id != bin)
			fine = add_primitive(t, f->id, SQL_FROM_KEY, f->offset, f->width);
	}
	return fine;
}

static bool
add_counters(struct sql_table *t)
{
	bool fine = true;
	for (unsigned i = 0; i < t->layout->counters && fine; i++)
		fine = add_primitive(t, t->layout->counter[i].id, SQL_FROM_COUNTER, (uint16_t)i, 8);
	return fine;
}

static bool
is_counted(const struct layout *l, primitive_id id)
{
	for (unsigned i = 0; i < l->counters; i++)
		if (l->counter[i].id == id)
			return true;
	return false;
}

/* A column that is there whether it is aggregated by or not; one that is counted comes with the counters. */
static bool
add_fixed(struct sql_table *t, const char *primitive)
{
	primitive_id id = primitive_find(primitive);
	return is_counted(t->layout, id) || add_primitive(t, id, SQL_FROM_NOWHERE, 0, 0);
}

/* Columns that the version has anyway: they belong to its primary key, so a row names them all. */
static bool
add_version(struct sql_table *t)
{
	bool fine = true;
	for (size_t i = 0; t->options.bgp && i < ARRAY_SIZE(bgp_columns) && fine; i++)
		fine = add_fixed(t, bgp_columns[i]);
	for (size_t i = 0; !t->options.bgp && i < ARRAY_SIZE(version_columns) && fine; i++)
		if (version_columns[i].since <= t->options.version)
			fine = add_fixed(t, version_columns[i].primitive);
	return fine;
}

/* The two stamps; only with time bins, as pmacct writes them. */
static bool
add_stamps(struct sql_table *t)
{
	static const struct {
		const char *name;
		enum sql_source source;
		enum sql_merge merge;
		const char *type;
	} stamps[] = {
	    {"stamp_inserted", SQL_FROM_BIN, SQL_MERGE_KEY,
	     "timestamp without time zone NOT NULL DEFAULT '0001-01-01 00:00:00'"},
	    {"stamp_updated", SQL_FROM_NOW, SQL_MERGE_REPLACE, "timestamp without time zone"},
	};
	for (size_t i = 0; t->has_bins && i < ARRAY_SIZE(stamps); i++) {
		struct sql_column *c = add_column(t, stamps[i].name);
		if (!c)
			return false;
		c->kind = SQL_KIND_TIME;
		c->source = stamps[i].source;
		c->merge = stamps[i].merge;
		c->type = c->best = stamps[i].type;
	}
	return true;
}

bool
sql_table_compile(struct sql_table *t, const struct layout *l, const struct sql_table_options *o, char *err,
		  size_t errlen)
{
	struct format_options f = {
	    .kind = FORMAT_CSV, .num_protos = o->num_protos, .comms_num = o->comms_num, .separator = ','};
	*t = (struct sql_table){.layout = l, .options = *o, .has_bins = l->bin_offset != 0};
	t->format = format_new(l, &f, err, errlen);
	if (!t->format)
		return false;
	if (add_aggregate(t) && (o->optimize || add_version(t)) && add_stamps(t) && add_counters(t))
		return true;
	snprintf(err, errlen, "aggregate: more than %d columns", SQL_COLUMNS_MAX);
	sql_table_free(t);
	return false;
}

void
sql_table_free(struct sql_table *t)
{
	format_free(t->format);
	text_free(&t->scratch);
	*t = (struct sql_table){0};
}

/* --- rows --- */

static int64_t
read_int(const uint8_t *p, size_t width)
{
	uint64_t v = 0;
	memcpy(&v, p, width < sizeof(v) ? width : sizeof(v));
	return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

static const uint8_t *
bytes_of(const struct sql_table *t, const struct sql_column *c, const uint8_t *record)
{
	bool counter = c->source == SQL_FROM_COUNTER || (c->source == SQL_FROM_RESIDUE && c->width);
	return counter ? record + layout_key_size(t->layout, record) + (size_t)8 * c->offset
		       : record + c->offset;
}

/* What a text is when there is none: the fallbacks of pmacct's columns. */
static const char *
no_text(const struct sql_column *c)
{
	if (c->id == PRIMITIVE_NULL)
		return "";
	const struct primitive *p = primitive_get(c->id);
	return p->type == VALUE_MAC ? "0:0:0:0:0:0" : strcmp(p->name, "class") == 0 ? "unknown" : "";
}

/* Texts are appended to the scratch; their places are set when all are there, since it may move. */
static void
get_text(struct sql_table *t, const struct sql_column *c, const uint8_t *record, struct sql_value *out)
{
	size_t begin = t->scratch.len;
	if (c->text >= 0)
		format_column_text(t->format, c->text, record, &t->scratch);
	else
		text_str(&t->scratch, no_text(c));
	/* no database takes a NUL in a text, and what an exporter sends may hold one */
	for (char *p; (p = memchr(t->scratch.data + begin, '\0', t->scratch.len - begin));)
		*p = ' ';
	out->text.len = (uint32_t)(t->scratch.len - begin);
	out->text.p = (const char *)begin; /* for now */
	text_char(&t->scratch, '\0');
}

static void
get_value(struct sql_table *t, const struct sql_column *c, const uint8_t *record, struct sql_value *out)
{
	const uint8_t *p = bytes_of(t, c, record);
	bool absent = c->source == SQL_FROM_NOWHERE;
	switch (c->kind) {
	case SQL_KIND_INT:
		out->integer = absent ? 0 : read_int(p, c->source == SQL_FROM_RESIDUE ? 8 : c->width);
		if (c->source == SQL_FROM_RESIDUE)
			out->integer %= US_PER_S;
		break;
	case SQL_KIND_TIME:
		if (c->source == SQL_FROM_BIN)
			out->integer = (int64_t)layout_bin(t->layout, record) * US_PER_S;
		else
			out->integer = absent			   ? 0
				       : c->source == SQL_FROM_NOW ? (int64_t)t->now_us
								   : read_int(p, 8);
		/* the column has whole seconds; the rest is in the one behind it */
		out->integer -= out->integer % US_PER_S;
		break;
	case SQL_KIND_REAL:
		memcpy(&out->real, p, sizeof(out->real));
		out->real = absent ? 0 : out->real;
		break;
	case SQL_KIND_ADDR:
		out->addr = (struct addr){.q = {0, 0}};
		if (!absent)
			memcpy(&out->addr, p, sizeof(out->addr));
		break;
	case SQL_KIND_MAC:
		memset(out->mac, 0, sizeof(out->mac));
		if (!absent)
			memcpy(out->mac, p, sizeof(out->mac));
		break;
	case SQL_KIND_TEXT:
	case SQL_KIND_LIST:
		get_text(t, c, record, out);
		break;
	}
}

void
sql_table_row(struct sql_table *t, const uint8_t *record, struct sql_value *out)
{
	t->scratch.len = 0;
	for (unsigned i = 0; i < t->columns; i++) {
		out[i].kind = t->column[i].kind;
		get_value(t, &t->column[i], record, &out[i]);
	}
	for (unsigned i = 0; i < t->columns; i++)
		if (out[i].kind == SQL_KIND_TEXT || out[i].kind == SQL_KIND_LIST)
			out[i].text.p = t->scratch.data + (size_t)out[i].text.p;
}

/* --- text of statements --- */

void
sql_quote_text(struct text *out, const char *s, size_t n)
{
	text_char(out, '\'');
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\'')
			text_char(out, '\'');
		text_char(out, s[i]);
	}
	text_char(out, '\'');
}

void
sql_quote_name(struct text *out, const char *name)
{
	text_char(out, '"');
	for (const char *p = name; *p; p++) {
		if (*p == '.')
			text_str(out, "\".\"");
		else if (*p == '"')
			text_str(out, "\"\"");
		else
			text_char(out, *p);
	}
	text_char(out, '"');
}

/* SQLite takes any words as a type; these give its columns the right affinity. */
static const char *
sqlite_type(enum sql_kind kind)
{
	switch (kind) {
	case SQL_KIND_INT:
		return "INTEGER NOT NULL DEFAULT 0";
	case SQL_KIND_REAL:
		return "REAL NOT NULL DEFAULT 0";
	case SQL_KIND_TIME:
		return "DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00'";
	default:
		return "TEXT NOT NULL DEFAULT ''";
	}
}

/* The time bin comes first: rows of a purge then stand together in the index, at its end, however large the
 * table has become, and a query for a span of time reads only that. */
static void
ddl_key(struct text *out, const struct sql_table *t)
{
	const char *before = ",\n\tPRIMARY KEY (";
	bool any = false;
	for (unsigned i = 0; i < 2 * t->columns; i++) {
		const struct sql_column *c = &t->column[i % t->columns];
		bool first = i < t->columns;
		if (c->merge != SQL_MERGE_KEY || (c->source == SQL_FROM_BIN) != first)
			continue;
		text_str(out, any ? ", " : before);
		sql_quote_name(out, c->name);
		any = true;
	}
	if (any)
		text_char(out, ')');
}

void
sql_ddl(struct text *out, const struct sql_table *t, const char *name, const struct sql_ddl_options *o)
{
	text_str(out, "CREATE TABLE IF NOT EXISTS ");
	sql_quote_name(out, name);
	text_str(out, " (\n");
	for (unsigned i = 0; i < t->columns; i++) {
		const struct sql_column *c = &t->column[i];
		text_str(out, i ? ",\n\t" : "\t");
		sql_quote_name(out, c->name);
		text_char(out, ' ');
		text_str(out, o->sqlite ? sqlite_type(c->kind) : c->best);
	}
	ddl_key(out, t);
	text_str(out, "\n)");
	if (o->partitions && t->has_bins)
		text_str(out, " PARTITION BY RANGE (\"stamp_inserted\")");
	else if (o->sqlite)
		text_str(out, " WITHOUT ROWID");
	text_str(out, ";\n");
}
