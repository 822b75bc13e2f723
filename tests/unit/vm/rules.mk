# SPDX-License-Identifier: BSD-2-Clause
# The trees of the virtual memory on the host, against naive models.
UNIT_TESTS += $(O)/tests/vm_test
$(O)/tests/vm_test: tests/unit/vm/vm_test.c kernel/vm/ptree.c kernel/vm/entry.c kernel/vm/ptree.h kernel/vm/entry.h
	$(call say,HOSTCC,$@)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu11 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all $(WARNINGS) \
		-Ikernel -Iabi -o $@ $(filter %.c,$^)
