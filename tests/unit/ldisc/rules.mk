# SPDX-License-Identifier: BSD-2-Clause
# The terminal line discipline on the host.
UNIT_TESTS += $(O)/tests/ldisc_test
$(O)/tests/ldisc_test: tests/unit/ldisc/ldisc_test.c servers/unix/tty/ldisc.c servers/unix/tty/ldisc.h servers/unix/linux.h
	$(call say,HOSTCC,$@)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu11 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all $(WARNINGS) -o $@ $(filter %.c,$^)
