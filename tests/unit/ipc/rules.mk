# SPDX-License-Identifier: BSD-2-Clause
# kernel/ipc on the host: the same sources over a small shim, one scripted thread at a time.
IPC_UNIT_SRC := $(filter-out kernel/ipc/kobject.c kernel/ipc/kernel_call.c kernel/ipc/rpc.c kernel/ipc/exception_call.c kernel/ipc/rpc_buffer.c kernel/ipc/traps.c kernel/ipc/show.c,$(wildcard kernel/ipc/*.c)) \
		tests/unit/ipc/shim.c tests/unit/ipc/ipc_test.c
UNIT_TESTS += $(O)/tests/ipc_test
$(O)/tests/ipc_test: $(IPC_UNIT_SRC) $(wildcard kernel/ipc/*.h) $(wildcard tests/unit/ipc/*.h) $(KERNEL_GEN)
	$(call say,HOSTCC,$@)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu11 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all $(WARNINGS) -DKERNEL=1 -DDEBUG=1 \
		-Itests/unit/ipc/include -Ikernel -Ikernel/arch/x86_64 -Iabi -I$(B)/gen/kernel -o $@ $(filter %.c,$(IPC_UNIT_SRC))
