# SPDX-License-Identifier: BSD-2-Clause
# The pure parts of the Unix server on the host.
UNIX_PURE_SRC := $(addprefix servers/unix/,elf.c sigset.c cred.c)
UNIT_TESTS += $(O)/tests/unix_test
$(O)/tests/unix_test: tests/unit/unix/unix_test.c $(UNIX_PURE_SRC) servers/unix/elf.h servers/unix/sigset.h servers/unix/cred.h
	$(call say,HOSTCC,$@)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu11 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all $(WARNINGS) -o $@ $(filter %.c,$^)
