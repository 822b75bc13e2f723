# SPDX-License-Identifier: BSD-2-Clause
# Static programs, run by tools/linux-tests on the host and in the guest, where the root image has them in /tests.
LINUX_PROGRAMS := $(patsubst tests/linux/programs/%.c,$(O)/linux/%,$(wildcard tests/linux/programs/*.c))
ROOT_FILES     += $(foreach p,$(LINUX_PROGRAMS),$(p):tests/$(notdir $(p)))

$(LINUX_PROGRAMS): $(O)/linux/%: tests/linux/programs/%.c tests/linux/programs/tap.h
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)gcc -std=gnu11 -O2 $(WARNINGS) -static -pthread -s -o $@ $<
