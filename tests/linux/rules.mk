# SPDX-License-Identifier: BSD-2-Clause
# Linux tests: each *.sh runs under busybox sh in the guest and under the same busybox on the host, and what they print must be equal;
# then a person at the console, played through a pty.

include tests/linux/programs/rules.mk

.PHONY: test-linux
test-linux: deps run-image
	@status=0; tools/linux-tests $(B) || status=1; \
	tools/tap-run interactive "tools/interactive-test $(B)" || status=1; exit $$status

# CONFIG=debug: the server with failing allocations
.PHONY: test-fault
test-fault: deps run-image
	@tools/tap-run fault "tools/fault-test $(B)"
