# SPDX-License-Identifier: BSD-2-Clause
# mig, a program of the build machine.

MIG     := $(O)/mig/mig
MIG_SRC := $(wildcard mig/*.c)
MIG_OBJ := $(MIG_SRC:mig/%.c=$(O)/mig/%.o)

$(O)/mig/%.o: mig/%.c
	@mkdir -p $(@D)
	$(call say,HOSTCC,$<)
	$(Q)$(HOSTCC) -std=gnu11 -g -O2 -fno-common -MMD -MP $(WARNINGS) -c -o $@ $<

$(MIG): $(MIG_OBJ)
	$(call say,HOSTLD,$@)
	$(Q)$(HOSTCC) -o $@ $(MIG_OBJ)

-include $(MIG_OBJ:.o=.d)
