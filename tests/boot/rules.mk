# SPDX-License-Identifier: BSD-2-Clause
# Boot tests: every tests/boot/*.c is a module; tests/boot/harness is linked to each. make test-boot, or make boot-NAME SMP=4.

BOOT_TESTS   := $(patsubst tests/boot/%.c,%,$(wildcard tests/boot/*.c))
BOOT_HARNESS := $(wildcard tests/boot/harness/*.c)
BOOT_SMPS    ?= 1 2 4
# long loads: make stress runs them, make test does not
BOOT_LONG    := $(filter stress_%,$(BOOT_TESTS))

# a stranger's program: nothing of ours is compiled or linked in
$(B)/bin/tests/compat: tests/boot/compat/compat.c tests/boot/compat/start.S
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -g -O2 $(WARNINGS) -m64 -ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-builtin -mno-red-zone \
		-fcf-protection=none -fno-asynchronous-unwind-tables $(USER_NOLIBC) $(USER_LDFLAGS) -o $@ $^
USER_PROGRAMS += $(B)/bin/tests/compat

$(foreach t,$(BOOT_TESTS),$(eval $(call native_program,tests/$(t),tests/boot/$(t).c $(BOOT_HARNESS))))

# every request of the interface, for the tests that send nonsense
$(B)/gen/user/routines.inc: tools/conformance tests/conformance.txt $(wildcard abi/mach/*.defs abi/device/*.defs abi/mach_debug/*.defs) $(MIG)
	$(call say,TABLE,$@)
	@mkdir -p $(@D)
	$(Q)tools/conformance --table $(B) > $@
$(B)/obj/native/tests/boot/hostile_calls.c.o $(B)/obj/native/tests/boot/conformance.c.o: $(B)/gen/user/routines.inc

$(eval $(call native_program,tests/gang,tests/boot/gang/gang.c $(GANG_SRC) $(BOOT_HARNESS)))

# says what it was given: tools/console-tests
$(eval $(call native_program,tests/script_args,tests/boot/script/args.c))

# Modules that run behind a proxy of all their kernel objects as well (tests/boot/harness/proxy.c). Why the others do not: docs/testing.md.
BOOT_PROXIED := host thread thread_state registers exception exception_ports exception_traps ipc_rights ipc_rpc ipc_body ipc_send \
	ipc_receive ipc_notify hostile gsync device user_driver vm_basic vm_copy vm_pager vm_hostile vm_smp default_pager sample sched processor_set \
	conformance

.PHONY: test-boot boot-programs
boot-programs: $(B)/bin/default_pager $(patsubst %,$(B)/bin/tests/%,$(BOOT_TESTS) compat gang script_args)
test-boot: deps kernel boot-programs $(B)/bin/debugger $(B)/bin/debugger-victim
	@tools/boot-tests --smp "$(BOOT_SMPS)" $(B) $(filter-out $(BOOT_LONG),$(BOOT_TESTS)) compat gang; boot=$$?; \
	tools/boot-tests --smp 2 $(B) $(addsuffix @proxied,$(BOOT_PROXIED)) || boot=1; \
	tools/console-tests $(B) || boot=1; tools/conformance --missing --check $(B) || boot=1; exit $$boot

# the same with a kernel that counts what runs; as profiles for tools/coverage
COVER_GUEST := $(O)/debug-clang-cover
.PHONY: coverage-boot
coverage-boot:
	@$(SUBMAKE) CONFIG=debug boot-programs
	@$(SUBMAKE) CONFIG=debug CC=clang COVER=1 kernel
	@ln -sfn ../debug/bin $(COVER_GUEST)/bin
	@mkdir -p $(COVER_GUEST)/profiles
	@rm -f $(COVER_GUEST)/profiles/*
	@PROFILES=$(COVER_GUEST)/profiles tools/boot-tests --smp 2 $(COVER_GUEST) $(filter-out $(BOOT_LONG),$(BOOT_TESTS)) compat gang

# every routine and trap, and what the last test-boot did with it
.PHONY: conformance
conformance: $(MIG)
	@tools/conformance $(O)/debug

# the commands of tools/gdb, against the debug kernel
.PHONY: test-gdb
test-gdb: deps kernel $(B)/bin/tests/host
	@tools/tap-run gdb "tools/gdb-test $(B)"

boot-%: kernel $(B)/bin/default_pager $(B)/bin/tests/%
	@tools/boot-tests --verbose --smp "$(SMP)" $(B) $*

# the long loads: SMP stress of the kernel, then fork, exec and pipes under the Unix
MINUTES ?= 15
.PHONY: stress
stress: deps
	@$(SUBMAKE) CONFIG=debug kernel user $(ROOT_IMAGE)
	@tools/stress $(MINUTES) $(O)/debug
