# SPDX-License-Identifier: BSD-2-Clause
# mig on the host: layouts against a table, errors, golden files, round trips and hostile messages.

MIG_TEST     := tests/unit/mig
MIG_TEST_OUT := $(O)/tests/mig
MIG_TEST_CC   = $(HOSTCC) -std=gnu11 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all $(WARNINGS) \
		-Iabi -I$(MIG_TEST) -I$(MIG_TEST)/shim
MIG_TEST_H   := $(wildcard $(MIG_TEST)/*.h) $(MIG_TEST)/shim/kern/mig_kernel.h

UNIT_TESTS += $(O)/tests/mig_layout_test $(O)/tests/mig_error_test $(O)/tests/mig_golden_test \
	      $(O)/tests/mig_round_trip_test $(O)/tests/mig_kernel_round_trip_test

# scripts: tap-run wants programs without arguments
$(O)/tests/mig_layout_test: $(MIG_TEST)/layout_test.sh $(MIG) $(MIG_TEST)/layout.table
	@mkdir -p $(@D)
	$(Q)printf '#!/bin/sh\nexec %s %s %s\n' $< $(MIG) $(MIG_TEST)/layout.table > $@ && chmod +x $@

$(O)/tests/mig_error_test: $(MIG_TEST)/error_test.sh $(MIG)
	@mkdir -p $(@D)
	$(Q)printf '#!/bin/sh\nexec %s %s\n' $< $(MIG) > $@ && chmod +x $@

$(O)/tests/mig_golden_test: $(MIG_TEST)/golden_test.sh $(MIG)
	@mkdir -p $(@D)
	$(Q)printf '#!/bin/sh\nexec %s %s\n' $< $(MIG) > $@ && chmod +x $@

# $(1): user or kernel, the kind of server
define mig_tour
$(MIG_TEST_OUT)/$(1)/tour.server.c: $(MIG_TEST)/tour.defs abi/mach/std_types.defs $(MIG)
	$$(call say,MIG,$(1) tour.defs)
	@mkdir -p $$(@D)
	$$(Q)CC="$$(HOSTCC)" $$(MIG) $(2) -Iabi -I$$(MIG_TEST) -user /dev/null -header /dev/null \
		-sheader $$(@:.c=.h) -server $$@ $$<
	$$(Q)sed -n 's/TOUR_SERVER_REPLY_MAX/TOUR_REPLY_MAX/p' $$(@:.c=.h) > $$(@D)/tour_sizes.h
endef
$(eval $(call mig_tour,user,))
$(eval $(call mig_tour,kernel,-DKERNEL_SERVER=1))

$(MIG_TEST_OUT)/tour.user.c: $(MIG_TEST)/tour.defs abi/mach/std_types.defs $(MIG)
	@mkdir -p $(@D)
	$(Q)CC="$(HOSTCC)" $(MIG) -Iabi -I$(MIG_TEST) -user $@ -header $(@:.c=.h) -server /dev/null $<

MIG_TOUR_SRC := $(addprefix $(MIG_TEST)/,round_trip_test.c tour_calls.c fake_kernel.c)

$(O)/tests/mig_round_trip_test: $(MIG_TOUR_SRC) $(MIG_TEST)/tour_server.c $(MIG_TEST_OUT)/user/tour.server.c \
		$(MIG_TEST_OUT)/tour.user.c $(MIG_TEST_H)
	$(call say,HOSTCC,$@)
	$(Q)$(MIG_TEST_CC) -I$(MIG_TEST_OUT)/user -I$(MIG_TEST_OUT) -o $@ $(filter %.c,$^)

# the server's half is kernel code, the caller's is not: two compilations
$(O)/tests/mig_kernel_round_trip_test: $(MIG_TOUR_SRC) $(MIG_TEST)/tour_server.c \
		$(MIG_TEST_OUT)/kernel/tour.server.c $(MIG_TEST_OUT)/tour.user.c $(MIG_TEST_H)
	$(call say,HOSTCC,$@)
	$(Q)$(MIG_TEST_CC) -DKERNEL=1 -I$(MIG_TEST_OUT)/kernel -c -o $(MIG_TEST_OUT)/kernel/server.o \
		$(MIG_TEST_OUT)/kernel/tour.server.c
	$(Q)$(MIG_TEST_CC) -DKERNEL=1 -I$(MIG_TEST_OUT)/kernel -c -o $(MIG_TEST_OUT)/kernel/routines.o \
		$(MIG_TEST)/tour_server.c
	$(Q)$(MIG_TEST_CC) -DSERVER_KERNEL=1 -I$(MIG_TEST_OUT)/kernel -I$(MIG_TEST_OUT) -o $@ $(MIG_TOUR_SRC) \
		$(MIG_TEST_OUT)/tour.user.c $(MIG_TEST_OUT)/kernel/server.o $(MIG_TEST_OUT)/kernel/routines.o
