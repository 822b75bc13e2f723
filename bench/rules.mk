# SPDX-License-Identifier: BSD-2-Clause
# make bench: the native program and the Linux program, one CPU under -icount, beside the anchors of anchors.txt.

BENCH_HARNESS := tests/boot/harness/test.c tests/boot/harness/port.c tests/boot/harness/thread.c tests/boot/harness/calls.c
$(eval $(call native_program,bench-mach,$(wildcard bench/mach/*.c) $(BENCH_HARNESS)))
$(foreach p,storage curves latency ratio,$(eval $(call native_program,bench-$(p),bench/scale/$(p).c $(BENCH_HARNESS))))

# the same static binary that measured Linux; the root image takes it to /bench
UNIXBENCH := $(O)/bench/unixbench
$(UNIXBENCH): bench/linux/unixbench.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)gcc -std=c11 -O2 -static -pthread -s -o $@ $<

ROOT_FILES += $(UNIXBENCH):bench/unixbench

.PHONY: bench bench-check
bench: deps
	@$(SUBMAKE) CONFIG=release run-image $(B)/bin/bench-mach $(B)/bin/bench-storage
	@tools/bench $(O)/release

# a test: every row is measured, and none is more than 2% above the recorded history; and loads on two CPUs under the kernel that is
# shipped, whose locks are not those of the debug kernel
BENCH_LOADS := tests/many_threads tests/smp_stress
bench-check: deps
	@$(SUBMAKE) CONFIG=release run-image $(addprefix $(O)/release/bin/,bench-mach bench-storage $(BENCH_LOADS))
	@tools/bench --check $(O)/release; bench=$$?; \
	tools/boot-tests --smp 2 $(O)/release $(notdir $(BENCH_LOADS)) && exit $$bench

# docs/performance.md and its curves: tables and figures are written by the tool, never by hand
$(O)/spans.so: tools/qemu/spans.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)gcc -std=gnu11 -O2 $(WARNINGS) -shared -fPIC -o $@ $<

.PHONY: performance
SECTIONS ?=
performance: deps
	@$(SUBMAKE) CONFIG=release kernel $(addprefix $(O)/release/bin/,bench-mach bench-storage bench-curves bench-latency bench-ratio tests/many_threads) $(O)/spans.so
	@$(SUBMAKE) CONFIG=debug kernel $(O)/debug/bin/tests/smp_stress
	@tools/bench --kernel-only $(O)/release > /dev/null
	@tools/performance $(O) $(SECTIONS)
