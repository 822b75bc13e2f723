# SPDX-License-Identifier: BSD-2-Clause
# The commands a person types: run, test, debug, bench, iso, lint, help, deps, clean.

include tools/root/rules.mk

SMP     ?= 2
MEM     ?= 256
SWAP    ?=
TIMEOUT ?=
export TIMEOUT

DEPS_PACKAGES := $(shell sed -e 's/\#.*//' tools/packages)

.PHONY: deps run debug test iso lint help clean

deps:
	@tools/deps

run: deps
	@$(SUBMAKE) CONFIG=$(CONFIG) run-image
	@tools/run --smp $(SMP) --mem $(MEM) $(if $(SWAP),--swap $(SWAP)) $(if $(DEMO),--demo $(DEMO)) \
		$(if $(CMD),--cmd '$(subst ','\'',$(value CMD))') $(B)

run-image: kernel user $(ROOT_IMAGE)
	@:
.PHONY: run-image

debug: deps
	@$(SUBMAKE) CONFIG=debug debug-image

debug-image: run-image
	@tools/run --gdb --smp $(SMP) --mem $(MEM) $(if $(SWAP),--swap $(SWAP)) $(B)
.PHONY: debug-image

test: deps
	@tools/test

iso: deps
	@$(SUBMAKE) CONFIG=$(CONFIG) run-image
	@tools/mkiso $(B) $(O)/ernst.iso

# docs/reference, from abi/*.defs and tests/conformance.txt
.PHONY: reference
reference: $(MIG)
	@tools/reference $(MIG)

lint: deps
	@tools/lint

clean:
	rm -rf $(O)

help:
	@cat tools/help.txt
