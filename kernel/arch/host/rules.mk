# SPDX-License-Identifier: BSD-2-Clause
# The kernel as a Linux program: one archive for each kind of instrumentation, $(O)/host/KIND/kernel.a; debug kernel always.
# What the processor's layer has in plain C comes from arch/x86_64; kern/slab.c and vm/kmem.c have a counterpart here.

HOST_CC	      := clang
HOST_LEFT_OUT := kernel/kern/slab.c kernel/vm/kmem.c
HOST_SRC      := $(filter-out $(HOST_LEFT_OUT),$(foreach d,kern ipc vm device debug,$(wildcard kernel/$(d)/*.c))) \
		 kernel/arch/x86_64/pmap.c kernel/arch/x86_64/thread_state.c kernel/arch/x86_64/mach_i386.c \
		 $(wildcard kernel/arch/host/*.c kernel/arch/host/*.S)
HOST_GEN      := $(patsubst $(B)/gen/%.c,gen/%.c,$(KERNEL_GEN))
HOST_INC      := -Ikernel -Ikernel/arch/host -Ikernel/arch/x86_64 -Iabi -I$(B)/gen/kernel
# stacks hold the sanitizers' red zones too
HOST_STACK    := -DKERNEL_STACK_SIZE=131072
HOST_CFLAGS   := -std=gnu11 -g -O1 -fno-common -fno-strict-aliasing -fno-omit-frame-pointer -MMD -MP $(WARNINGS) -ffreestanding \
		 -DKERNEL=1 -DDEBUG=1 $(HOST_STACK) $(HOST_INC)

# instrumentation: of everything, and of arch/host itself where that must differ
HOST_SAN_asan	:= -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all
HOST_SAN_tsan	:= -fsanitize=thread -mllvm -tsan-instrument-func-entry-exit=0
HOST_SAN_cov	:= -fprofile-instr-generate -fcoverage-mapping
HOST_OWN_tsan	:= -fno-sanitize=thread

# $(1) = kind
define host-kernel
HOST_OBJ_$(1) := $(patsubst %,$(O)/host/$(1)/%.o,$(HOST_SRC) $(HOST_GEN))

$(O)/host/$(1)/kernel/arch/host/%.o: kernel/arch/host/% | $(KERNEL_GEN)
	$$(call say,HOSTCC,$$@)
	@mkdir -p $$(@D)
	$$(Q)$(HOST_CC) $(HOST_CFLAGS) $(HOST_SAN_$(1)) $(HOST_OWN_$(1)) -c -o $$@ $$<

# the C library has these, and the sanitizers look at its calls
$(O)/host/$(1)/kernel/kern/string.c.o: kernel/kern/string.c
	@mkdir -p $$(@D)
	$$(Q)$(HOST_CC) $(HOST_CFLAGS) $(foreach f,memcmp strlen strnlen strcmp strncmp strchr strstr,-D$(f)=kern_$(f)) -c -o $$@ $$<

$(O)/host/$(1)/kernel/%.o: kernel/% | $(KERNEL_GEN)
	$$(call say,HOSTCC,$$@)
	@mkdir -p $$(@D)
	$$(Q)$(HOST_CC) $(HOST_CFLAGS) $(HOST_SAN_$(1)) -c -o $$@ $$<

$(O)/host/$(1)/gen/%.c.o: $(B)/gen/%.c
	$$(call say,HOSTCC,$$@)
	@mkdir -p $$(@D)
	$$(Q)$(HOST_CC) $(HOST_CFLAGS) $(HOST_SAN_$(1)) -c -o $$@ $$<

$(O)/host/$(1)/kernel.a: $$(HOST_OBJ_$(1))
	$$(call say,AR,$$@)
	@rm -f $$@
	$$(Q)ar rcs $$@ $$(HOST_OBJ_$(1))

-include $$(HOST_OBJ_$(1):.o=.d)
endef

$(foreach k,asan tsan cov,$(eval $(call host-kernel,$(k))))
