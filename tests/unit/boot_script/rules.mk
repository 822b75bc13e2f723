# SPDX-License-Identifier: BSD-2-Clause
# The language of boot module lines on the host.
UNIT_TESTS += $(O)/tests/boot_script_test
$(O)/tests/boot_script_test: tests/unit/boot_script/boot_script_test.c kernel/kern/boot_script.c kernel/kern/boot_script.h
	$(call say,HOSTCC,$@)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu11 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all $(WARNINGS) -Ikernel -Iabi \
		-o $@ $(filter %.c,$^)
