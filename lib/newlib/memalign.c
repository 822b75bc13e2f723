/* SPDX-License-Identifier: BSD-2-Clause */
/* posix_memalign, which newlib's aligned_alloc is made of. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

int posix_memalign(void **result, size_t alignment, size_t size);

int posix_memalign(void **result, size_t alignment, size_t size)
{
	void *memory;

	if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0)
		return EINVAL;
	memory = memalign(alignment, size);
	if (memory == NULL)
		return ENOMEM;
	*result = memory;
	return 0;
}
