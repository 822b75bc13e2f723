# SPDX-License-Identifier: BSD-2-Clause
# Linux tests: each *.sh runs under busybox sh in the guest and under the same busybox on the host; what they print must be equal.

.PHONY: test-linux
test-linux: deps run-image
	@tools/linux-tests $(B)
