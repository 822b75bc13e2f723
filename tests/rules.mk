# SPDX-License-Identifier: BSD-2-Clause
# Rings of tests: unit (host), boot (modules in QEMU), linux (busybox in the guest against the host).
# A ring's programs print TAP; tools/tap-sum adds them up.

UNIT_TESTS  :=
include $(wildcard tests/unit/*/rules.mk)
include $(filter-out tests/unit/rules.mk,$(wildcard tests/*/rules.mk))

.PHONY: test-unit
# each entry of UNIT_TESTS is a host program (or script) that prints TAP and exits 0 when all passed
test-unit: $(UNIT_TESTS)
	@tools/tap-run unit $(UNIT_TESTS)
