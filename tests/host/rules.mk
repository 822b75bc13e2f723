# SPDX-License-Identifier: BSD-2-Clause
# The kernel as a host process: its tests under ASan and UBSan, several processors under TSan, coverage.
include tests/host/program.mk

UNIT_TESTS += $(O)/host/asan/host_test
# not by "make test-unit": these take the time of two more builds of the kernel, or of a coverage run
.PHONY: test-host
test-host: $(O)/host/asan/smp_test $(O)/host/tsan/smp_test
	@tools/tap-run host "tools/again 200 $(O)/host/asan/smp_test 4 40" "tools/again 200 $(O)/host/tsan/smp_test 4 10"
$(eval $(call host-program,asan,host_test,tests/host/host_test.c,-Ikernel -DDEBUG=1))
$(eval $(call host-program,tsan,host_test,tests/host/host_test.c,-Ikernel -DDEBUG=1))
$(eval $(call host-program,asan,smp_test,tests/host/smp_test.c))
$(eval $(call host-program,tsan,smp_test,tests/host/smp_test.c))

# lines of ipc, kern and vm that the host tests, the fuzzers' corpora and the boot tests execute; the last take minutes, coverage-host
# takes what they left before
COVER_PROGRAMS := host_test smp_test $(FUZZERS:%=fuzz_%)
$(eval $(call host-program,cov,host_test,tests/host/host_test.c,-Ikernel -DDEBUG=1))
$(eval $(call host-program,cov,smp_test,tests/host/smp_test.c))
.PHONY: coverage coverage-host
coverage: deps coverage-boot
	@$(SUBMAKE) coverage-host
coverage-host:
	@$(SUBMAKE) CONFIG=debug $(COVER_PROGRAMS:%=$(O)/host/cov/%)
	@tools/coverage $(O)/host/cov $(COVER_GUEST)
