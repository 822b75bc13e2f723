# SPDX-License-Identifier: BSD-2-Clause
# Fuzzers of the host kernel. make fuzz-NAME runs one, make fuzz all of them, MINUTES altogether; make test runs each for a moment.
include tests/host/program.mk

FUZZERS := msg mig pager boot

# the types of every routine's arguments, from the interface generator
$(O)/host/gen/fuzz_routines.c: tests/fuzz/routines.awk $(MIG) $(KERNEL_MIG:%=abi/%.defs)
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$(Q)for d in $(KERNEL_MIG:%=abi/%.defs); do CC=$(CC) $(MIG) -DKERNEL_SERVER=1 -DKERNEL=1 -Iabi -layout - $$d || exit 1; done | \
		awk -f $< > $@.tmp && mv $@.tmp $@

FUZZ_SRC   := tests/fuzz/fuzz.c tests/fuzz/message.c tests/fuzz/tasks.c $(O)/host/gen/fuzz_routines.c
FUZZ_FLAGS := -Ikernel -Ikernel/arch/x86_64 -Itests/fuzz -DDEBUG=1 $(HOST_STACK)
$(foreach f,$(FUZZERS),$(eval $(call host-program,asan,fuzz_$(f),tests/fuzz/$(f)_fuzz.c $(FUZZ_SRC),$(FUZZ_FLAGS) -fsanitize=fuzzer)))
# for coverage: the corpus once, without libFuzzer
$(foreach f,$(FUZZERS),$(eval $(call host-program,cov,fuzz_$(f),tests/fuzz/$(f)_fuzz.c tests/fuzz/replay.c $(FUZZ_SRC),$(FUZZ_FLAGS))))

FUZZ_DIR     := $(O)/host/asan
FUZZ_SECONDS ?= 12

.PHONY: test-fuzz fuzz
test-fuzz: $(FUZZERS:%=$(FUZZ_DIR)/fuzz_%)
	@tools/tap-run fuzz "tools/fuzz run --seconds $(FUZZ_SECONDS) $(FUZZ_DIR) $(FUZZERS)"

# a campaign: MINUTES altogether
fuzz: deps
	@$(SUBMAKE) CONFIG=debug $(FUZZERS:%=$(FUZZ_DIR)/fuzz_%)
	@tools/fuzz run --seconds $$(($(MINUTES) * 60 / $(words $(FUZZERS)))) $(FUZZ_DIR) $(FUZZERS)
