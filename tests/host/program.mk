# SPDX-License-Identifier: BSD-2-Clause
# How host programs with the kernel in them are made; for tests/host and tests/fuzz.

ifndef HOST_USER_MIG

# stubs of the kernel's interfaces for host user programs: u_NAME, so that they do not meet the kernel's own functions
HOST_USER_MIG := mach/mach mach/mach_port mach/mach_host mach/gnumach mach/mach4 mach/exception_ports mach_debug/mach_debug device/device
HOST_USER_GEN := $(foreach m,$(HOST_USER_MIG),$(O)/host/gen/u/$(notdir $(m)).c)
HOST_USER_INC := -Ikernel/arch/host -Itests/host -I$(O)/host/gen -Iabi

$(O)/host/gen/u/%.c: $(MIG) $(wildcard abi/*/*.defs)
	$(call say,MIG,$@)
	@mkdir -p $(@D)
	$(Q)CC=$(CC) $(MIG) -DMACH_PCSAMPLE=1 -Iabi -prefix u_ -user $@ -header $(@:.c=.h) -server /dev/null $(filter %/$*.defs,$^)

# $(1) = kind of instrumentation, $(2) = name, $(3) = sources: a host program with the kernel in it
define host-program
$(O)/host/$(1)/$(2): $(3) tests/host/user.c $(HOST_USER_GEN) $(wildcard tests/host/*.h tests/fuzz/*.h) $(O)/host/$(1)/kernel.a
	$$(call say,HOSTCC,$$@)
	$$(Q)$(HOST_CC) -std=gnu11 -g -O1 $(WARNINGS) -Wno-unused-function $(HOST_SAN_$(1)) $(HOST_LINK_$(1)) $(4) $(HOST_USER_INC) -o $$@ \
		$$(filter %.c,$$^) $(O)/host/$(1)/kernel.a -lpthread
endef

endif
