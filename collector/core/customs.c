/* Primitives of the operator's own. They are added to the one table of primitives before any aggregate is
 * parsed, and from then on are like all others. Kept in static memory: primitives are known to the whole
 * program by number, so there can be only one such list anyway. */
#include "collector/core/customs.h"

#include "collector/conf/mapfile.h"
#include "collector/flow/custom.h"

static struct {
	struct custom_list list;
	struct decode_custom element[PRIMITIVES_CUSTOM_MAX];
	unsigned elements;
} customs;

/* Only primitives that an information element feeds get here; occurrences are counted from 0 in the file
 * and from 1 by the decoder. */
static void
add_element(const struct custom_definition *d)
{
	const struct primitive *p = primitive_get(d->id);
	customs.element[customs.elements++] = (struct decode_custom){
	    .pen = d->pen,
	    .id = d->element,
	    .occurrence = (uint16_t)(d->occurrence + 1),
	    .offset = p->offset,
	    .width = d->len,
	    .sem = d->semantics,
	};
}

/* Every faulty line is reported, not just the first. Names given out stay given out: the file is read once,
 * since layouts compiled from it cannot change under running plugins. */
bool
customs_load(const struct conf *conf, struct text *errors)
{
	const char *path = conf_string(conf, CONF_CORE, CONF_aggregate_primitives);
	struct mapfile file;
	char *line, err[256];
	if (!path)
		return true;
	if (!mapfile_open(&file, path, 0, 0, errors))
		return false;
	/* their numbers follow the order of the lines */
	while ((line = mapfile_next(&file)))
		if (!custom_load_line(&customs.list, line, err, sizeof(err)))
			mapfile_fault(&file, "%s", err);
	bool ok = file.faults == 0;
	mapfile_close(&file);
	for (unsigned i = 0; i < customs.list.n; i++)
		if (customs.list.def[i].element)
			add_element(&customs.list.def[i]);
	return ok;
}

const struct custom_list *
customs_pointers(void)
{
	return &customs.list;
}

/* The array is the program's for good; decoders copy what they need of it. */
const struct decode_custom *
customs_elements(unsigned *n)
{
	*n = customs.elements;
	return customs.element;
}
