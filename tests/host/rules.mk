# SPDX-License-Identifier: BSD-2-Clause
# The kernel as a host process: its tests under ASan and UBSan, several processors under TSan, coverage.
include tests/host/program.mk

HOST_TESTS   := host_test memory_test message_test thread_test
HOST_CASES   := tests/host/cases.c tests/host/store.c
HOST_CASES_F := -Ikernel -Ikernel/arch/x86_64 -DDEBUG=1 $(HOST_STACK)
UNIT_TESTS   += $(HOST_TESTS:%=$(O)/host/asan/%)
$(foreach k,asan tsan cov,$(foreach t,$(HOST_TESTS),$(eval $(call host-program,$(k),$(t),tests/host/$(t).c $(HOST_CASES),$(HOST_CASES_F)))))
$(foreach k,asan tsan cov,$(eval $(call host-program,$(k),smp_test,tests/host/smp_test.c)))

# not by "make test-unit": these take the time of two more builds of the kernel, or of a coverage run
.PHONY: test-host
test-host: $(O)/host/asan/smp_test $(O)/host/tsan/smp_test
	@tools/tap-run host "timeout 400 $(O)/host/asan/smp_test 4 40" "timeout 400 $(O)/host/tsan/smp_test 4 10"

# lines of ipc, kern and vm that the host tests, the fuzzers' corpora and the boot tests execute; the last take minutes, coverage-host
# takes what they left before
COVER_PROGRAMS := $(HOST_TESTS) smp_test $(FUZZERS:%=fuzz_%)
.PHONY: coverage coverage-host
coverage: deps coverage-boot
	@$(SUBMAKE) coverage-host
coverage-host:
	@$(SUBMAKE) CONFIG=debug $(COVER_PROGRAMS:%=$(O)/host/cov/%)
	@tools/coverage $(O)/host/cov $(COVER_GUEST)
