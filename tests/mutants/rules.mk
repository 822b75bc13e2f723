# SPDX-License-Identifier: BSD-2-Clause
# Known bugs put back into our source, one at a time: the tests must notice. Minutes; make test only looks whether each still has its place.
UNIT_TESTS += tests/mutants/check

.PHONY: mutants
mutants: deps
	@$(MAKE) --no-print-directory CONFIG=debug kernel user
	@tools/mutants --jobs 2
