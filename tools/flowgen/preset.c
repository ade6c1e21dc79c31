/* Names for templates worth having: those of real exporters, and one for each corner of the protocols. The
 * lists are written in the language of template_parse(). */
#include <stdio.h>

#include "tools/flowgen/message.h"

#define TUPLE	 "8 12 7 11 4 "
#define COUNTERS "2 1 "
#define V9_TIME	 "22 21 "
#define IPFIX_MS "152 153 "

static const struct gen_preset presets[] = {
    /* Eighteen fields, 57 bytes in v9: what a router's default record looks like. */
    {"basic", "8 12 15 10 14 2/4 1/8 22 21 7 11 6 4 5 16 17 9 13",
     "8 12 15 10 14 2/4 1/8 152 153 7 11 6 4 5 16 17 9 13", "", "18 fields as a router exports them"},
    {"tuple", TUPLE COUNTERS V9_TIME, TUPLE COUNTERS IPFIX_MS, "", "five-tuple, counters, times"},
    {"reduced", "8 12 10/2 14/1 2/2 1/5 22 21 7 11 6 4 5 16/2 17/3 9 13",
     "8 12 10/3 14/1 2/2 1/5 152 153 7 11 6 4 5 16/2 17/3 9 13", "", "reduced-size integers (RFC 7011, 6.2)"},
    {"mpls", TUPLE COUNTERS V9_TIME "70 71 72 73 47 90/8 89 10 14",
     TUPLE COUNTERS IPFIX_MS "70 71 72 73 47 90/8 89 10 14", "",
     "label stack, route distinguisher, forwarding status"},
    {"nat", "323 230 8 225 7 227 12 226 11 228 4 234", "323 230 8 225 7 227 12 226 11 228 4 234", "",
     "NAT events: no counters"},
    {"natflow", TUPLE COUNTERS "225 226 227 228 " V9_TIME, TUPLE COUNTERS "225 226 227 228 " IPFIX_MS, "",
     "flows with translated addresses"},
    {"firewall", TUPLE "231 232 233 323 152 148/4", TUPLE "231 232 233 323 152 148/4", "",
     "firewall events with initiator and responder octets"},
    {"biflow", NULL, TUPLE COUNTERS IPFIX_MS "6 r:1 r:2 r:6 r:152 r:153", "", "reverse elements (RFC 5103)"},
    {"varlen", NULL, TUPLE "82 371/v " COUNTERS "96 4242:7/v " IPFIX_MS, "",
     "variable-length text and unknown fields"},
    {"lists", NULL, TUPLE "291 " COUNTERS "292/v 6 293/v " IPFIX_MS, "",
     "structured data between the fields (RFC 6313)"},
    {"unknown", TUPLE "40000/3 2 500/7 1 22 39999/1 21", TUPLE "4242:1/3 2 4242:1000 1 500/7 152 32000/1 153",
     "", "elements nobody knows, of odd lengths"},
    {"vlan", "56 80 58 59 61 256 " TUPLE COUNTERS V9_TIME,
     "56 80 58 59 61 243 254 244 245 255 256 " TUPLE COUNTERS IPFIX_MS, "",
     "link layer: MAC, VLAN, class of service"},
    {"dual", "60 8 12 27 28 7 11 4 2 1 22 21", "60 8 12 27 28 7 11 4 2 1 152 153", "",
     "addresses of both families in one template"},
    {"frame", NULL, "315/64 352/8 10 14 152", "", "sampled frames (dataLinkFrameSection)"},
    {"header", NULL, "313/64 1 2 10 14 152", "",
     "sampled packets from the network layer (ipHeaderPacketSection)"},
    {"framevar", NULL, "315/v 10 14 152", "", "sampled frames of variable length"},
    {"seconds", NULL, TUPLE COUNTERS "150 151", "", "times in seconds"},
    {"micro", NULL, TUPLE COUNTERS "154 155", "", "times in microseconds, NTP format"},
    {"nano", NULL, TUPLE COUNTERS "156 157", "", "times in nanoseconds, NTP format"},
    {"delta", NULL, TUPLE COUNTERS "158 159", "", "times as microseconds before export"},
    {"uptime", NULL, TUPLE COUNTERS "22 21 160", "", "times relative to systemInitTimeMilliseconds"},
    {"duration", NULL, TUPLE COUNTERS "152 161", "", "start and duration"},
    {"notime", TUPLE COUNTERS, TUPLE COUNTERS, "", "no times at all"},
    {"ms9", TUPLE COUNTERS "152 153", NULL, "", "v9 with absolute times"},
    {"sampling", TUPLE COUNTERS V9_TIME "48", TUPLE COUNTERS IPFIX_MS "302", "samplers",
     "sampler id in the record, rates in options"},
    {"samplinginline", TUPLE COUNTERS V9_TIME "34", TUPLE COUNTERS IPFIX_MS "34", "",
     "the rate in the record itself"},
    {"samplingglobal", TUPLE COUNTERS V9_TIME, TUPLE COUNTERS IPFIX_MS, "sampling",
     "one rate for the exporter, in options (34, 35)"},
    {"names", TUPLE COUNTERS V9_TIME "10 14 234 235 95", TUPLE COUNTERS IPFIX_MS "10 14 234 235 95",
     "interfaces vrfs apps", "interface, VRF and application names in options"},
    {"exporter", TUPLE COUNTERS V9_TIME "130", TUPLE COUNTERS IPFIX_MS "130", "",
     "the original exporter's address in the record"},
    {"delta64", TUPLE "23/8 24/8 3/8 " V9_TIME, TUPLE "85/8 86/8 3/8 " IPFIX_MS, "",
     "out and total counters, flow count"},
    {"full",
     "8 12 15 10 14 2 1 22 21 7 11 6 4 5 16 17 9 13 56 80 58 59 61 70 71 72 18 34 89 128 129 32 234 235 95 "
     "31",
     "8 12 15 10 14 2 1 152 153 7 11 6 4 5 16 17 9 13 56 80 58 59 61 243 254 244 245 70 71 72 18 34 89 128 "
     "129 32 "
     "234 235 95 31 82 371/v 4242:9/v 4242:10 291 346 148 302",
     "samplers vrfs", "most elements at once"},
};

/* Options tables: scope and fields per version, and how many records each has. */
static const struct option_row {
	const char *name;
	unsigned records;
	unsigned v9_scopes, ipfix_scopes;
	const char *v9, *ipfix; /* scope fields first */
} option_rows[] = {
    {"sampling", 1, 1, 1, "s1 34/4 35/1", "149 34/4 35/1"},
    {"samplers", 2, 1, 1, "s1 48/1 49/1 50/4", "149 302/4 304/2 305/4 306/4"},
    {"interfaces", 64, 1, 1, "s1 10/4 82/16 83/32", "10 82/v 83/v"},
    {"vrfs", 4, 1, 1, "s1 234/4 236/32", "234 236/v"},
    {"apps", 8, 1, 1, "s1 95/4 96/24", "95/4 96/v"},
};

static const struct gen_preset *
preset_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(presets); i++)
		if (!strcmp(presets[i].name, name))
			return &presets[i];
	return NULL;
}

void
preset_list(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(presets); i++)
		printf("%-15s %-6s %s\n", presets[i].name,
		       !presets[i].v9	   ? "10"
		       : !presets[i].ipfix ? "9"
					   : "9, 10",
		       presets[i].help);
}

static bool
options_add(struct gen_plan *plan, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
		const struct option_row *row = &option_rows[i];
		if (strcmp(row->name, name) || plan->option_count == MAX_OPTIONS)
			continue;
		struct gen_template *t = &plan->options[plan->option_count];
		t->id = (uint16_t)(300 + i);
		t->scopes = plan->version == 9 ? row->v9_scopes : row->ipfix_scopes;
		plan->option_records[plan->option_count++] = row->records;
		return template_parse(t, plan->version == 9 ? row->v9 : row->ipfix, false);
	}
	fprintf(stderr, "flowgen: unknown options '%s' (or more than %d of them)\n", name, MAX_OPTIONS);
	return false;
}

/* The formats before templates are lists of fields as well, with padding (element 210) where they have it. */
static const char *
fixed_fields(unsigned version)
{
	switch (version) {
	case 1:
		return "8 12 15 10/2 14/2 2/4 1/4 22 21 7 11 210/2 4 5 6 210/3 210/8";
	case 5:
		return "8 12 15 10/2 14/2 2/4 1/4 22 21 7 11 210/1 6 4 5 16/2 17/2 9 13 210/2";
	case 7:
		return "8 12 15 10/2 14/2 2/4 1/4 22 21 7 11 210/1 6 4 5 16/2 17/2 9 13 210/2 210/4";
	default:
		return NULL;
	}
}

static const char *
fields_of(const struct gen_plan *plan, const struct gen_preset *preset)
{
	const char *fixed = fixed_fields(plan->version);
	if (fixed)
		return fixed;
	return plan->version == 9 ? preset->v9 : preset->ipfix;
}

bool
plan_make(struct gen_plan *plan, const char *name, const char *fields, const char *options)
{
	const struct gen_preset *preset = preset_find(name);
	if (!preset) {
		fprintf(stderr, "flowgen: unknown template '%s'; --list shows all\n", name);
		return false;
	}
	if (!fields || plan->version < 9)
		fields = fields_of(plan, preset);
	if (!fields) {
		fprintf(stderr, "flowgen: template '%s' does not exist in version %u\n", name, plan->version);
		return false;
	}
	if (!template_parse(&plan->data[0], fields, false) || !template_parse(&plan->data[1], fields, true))
		return false;
	plan->data[0].id = 256;
	plan->data[1].id = 257;
	plan->sampled_header = !strncmp(name, "sampling", 8);
	char word[32];
	int used;
	if (!options)
		options = preset->options;
	for (; plan->version >= 9 && sscanf(options, "%31s%n", word, &used) == 1; options += used)
		if (!options_add(plan, word))
			return false;
	return true;
}
