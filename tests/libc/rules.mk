# SPDX-License-Identifier: BSD-2-Clause
# Boot tests of the C library: as tests/boot, but linked with newlib.

LIBC_TESTS := $(patsubst tests/libc/%.c,%,$(wildcard tests/libc/*.c))
BOOT_TESTS += $(LIBC_TESTS)

$(foreach t,$(LIBC_TESTS),$(eval $(call newlib_program,tests/$(t),tests/libc/$(t).c $(BOOT_HARNESS))))

boot-programs: $(patsubst %,$(B)/bin/tests/%,$(LIBC_TESTS))
