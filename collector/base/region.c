/* Regions by mmap; see region.h.
 *
 * The reserve is mapped without access, which costs nothing under any overcommit policy; mprotect opens it
 * step by step and is where the kernel says that memory is short. Rejected: mremap (moves what others point
 * to), a list of chunks (one more load on every access, and nothing gained). */
#include "collector/base/region.h"

#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

static size_t
round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

/* Halves the wish until it is granted: a process may be limited (ulimit -v), and a smaller reserve is only a
 * lower bound of what it can hold. */
bool
region_init(struct region *r, size_t bytes)
{
	for (size_t n = round_up(bytes, HUGE_PAGE); n >= HUGE_PAGE; n = round_up(n / 2, HUGE_PAGE)) {
		/* one huge page more, to be able to begin at the border of one */
		uint8_t *p =
		    mmap(NULL, n + HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (p != MAP_FAILED) {
			size_t lead = -(uintptr_t)p & (HUGE_PAGE - 1);
			if (lead)
				munmap(p, lead);
			munmap(p + lead + n, HUGE_PAGE - lead);
			*r = (struct region){.base = p + lead, .reserved = n};
			return true;
		}
		if (n == HUGE_PAGE)
			break;
	}
	return false;
}

/* Also right for a region that was never made (all zero). */
void
region_free(struct region *r)
{
	if (r->base)
		munmap(r->base, r->reserved);
	*r = (struct region){0};
}

/* Small tables grow by 64 KiB, so that fifty plugins with ten entries do not cost fifty huge pages each. */
size_t
region_step(const struct region *r, size_t need)
{
	if (need <= r->usable)
		return 0;
	size_t step = need <= HUGE_PAGE ? REGION_PAGE : HUGE_PAGE;
	return round_up(need, step) - r->usable;
}

/* madvise is a wish: where huge pages are off, small ones serve, only slower. */
bool
region_grow(struct region *r, size_t step)
{
	if (step > r->reserved - r->usable)
		return false;
	uint8_t *p = r->base + r->usable;
	if (mprotect(p, step, PROT_READ | PROT_WRITE) != 0)
		return false;
	if (step >= HUGE_PAGE)
		madvise(p, step, MADV_HUGEPAGE);
	r->usable += step;
	return true;
}

/* Called between two lives of a table, never while somebody reads it: what lay there reads as zero or not
 * at all afterwards. */
void
region_trim(struct region *r, size_t keep)
{
	keep = round_up(keep, REGION_PAGE);
	if (keep >= r->usable)
		return;
	uint8_t *p = r->base + keep;
	size_t n = r->usable - keep;
	/* a fresh mapping over the old one frees the pages and forgets their protection at once */
	if (mmap(p, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) !=
	    MAP_FAILED)
		r->usable = keep;
	else /* out of mappings: the pages go back all the same */
		madvise(p, n, MADV_DONTNEED);
}
