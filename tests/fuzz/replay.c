/* SPDX-License-Identifier: BSD-2-Clause */
/* In libFuzzer's place: every line of the file named, an input in hexadecimal, once. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int	LLVMFuzzerInitialize(int *argc, char ***argv);
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned digit(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

int main(int argc, char **argv)
{
	static char line[20000];
	static uint8_t data[10000];
	FILE *f = argc > 1 ? fopen(argv[1], "r") : NULL;

	if (f == NULL)
		return 1;
	LLVMFuzzerInitialize(&argc, &argv);
	while (fgets(line, sizeof line, f) != NULL) {
		size_t n = 0;

		for (; line[2 * n] > ' ' && line[2 * n + 1] > ' '; n++)
			data[n] = (uint8_t)(digit(line[2 * n]) << 4 | digit(line[2 * n + 1]));
		LLVMFuzzerTestOneInput(data, n);
	}
	return 0;
}
