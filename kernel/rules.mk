# SPDX-License-Identifier: BSD-2-Clause
# The kernel: every C and assembly file of its folders, and the MIG servers of its interfaces.

KERNEL_DIRS   := kern ipc vm device debug arch/x86_64 plat/pc
KERNEL_SRC    := $(foreach d,$(KERNEL_DIRS),$(wildcard kernel/$(d)/*.c kernel/$(d)/*.S))
KERNEL_MIG    := mach/mach mach/mach4 mach/gnumach mach/exception_ports mach/mach_port mach/mach_host mach_debug/mach_debug \
		 device/device mach/x86_64/mach_i386 mach/experimental
KERNEL_GEN    := $(foreach m,$(KERNEL_MIG),$(B)/gen/kernel/$(m).server.c)
KERNEL_OBJ    := $(patsubst %,$(B)/obj/%.o,$(KERNEL_SRC)) $(patsubst $(B)/gen/%.c,$(B)/obj/gen/%.c.o,$(KERNEL_GEN))
KERNEL_LDS    := kernel/arch/x86_64/kernel.ld

KERNEL_INC    := -Ikernel -Ikernel/arch/x86_64 -Ikernel/plat/pc -Iabi -I$(B)/gen/kernel
KERNEL_CFLAGS := $(C_COMMON) -ffreestanding -nostdinc -isystem $(shell $(CC) -print-file-name=include) \
		 -DKERNEL=1 $(KERNEL_INC) -m64 -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fno-pic -fno-pie \
		 -fno-stack-protector -fcf-protection=none -fno-omit-frame-pointer -fno-asynchronous-unwind-tables
ifeq ($(CONFIG),release)
KERNEL_CFLAGS += -fomit-frame-pointer
endif
# the release kernel is optimised as one program: about 8% fewer instructions per message
KERNEL_LTO    := $(if $(filter release,$(CONFIG)),$(if $(findstring clang,$(CC)),,-flto=2 -fuse-linker-plugin \
		 -mmemset-strategy=unrolled_loop:64:noalign,rep_8byte:1024:noalign,libcall:-1:noalign \
		 -mmemcpy-strategy=unrolled_loop:64:noalign,rep_8byte:1024:noalign,libcall:-1:noalign))
KERNEL_CFLAGS += $(KERNEL_LTO)
# COVER=1: clang's counters of what runs, in the parts that "make coverage" is about; tools/guest-profile reads them from the guest's memory
KERNEL_COVER  := $(if $(COVER),-fprofile-instr-generate -fcoverage-mapping)
$(foreach d,ipc kern vm,$(patsubst %,$(B)/obj/%.o,$(wildcard kernel/$(d)/*.c))): KERNEL_CFLAGS += $(KERNEL_COVER)
# nothing calls this file but the trap entry, which saves every register; so the file is compiled by itself
ifneq ($(KERNEL_LTO),)
$(B)/obj/kernel/ipc/rpc.c.o: KERNEL_CFLAGS += -fno-lto $(patsubst %,-fcall-used-%,rbx r12 r13 r14 r15)
endif
# seen by the linker's optimiser, these definitions would take the place of what the compiler knows about memset and memcpy
$(B)/obj/kernel/arch/x86_64/string.c.o: KERNEL_CFLAGS += -fno-lto
KERNEL_LDFLAGS := -m64 -nostdlib -static -no-pie -Wno-unused-command-line-argument -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack \
		  -Wl,--no-warn-rwx-segments -T $(KERNEL_LDS)

KERNEL        := $(B)/ernst

.PHONY: kernel
kernel: $(KERNEL)

# glyphs of the framebuffer console, from Debian's Unifont
CONSOLE_FONT  := /usr/share/consolefonts/Unifont-APL8x16.psf.gz
KERNEL_OBJ    += $(B)/obj/console_font.o
$(B)/obj/console_font.o: $(CONSOLE_FONT) tools/psf-font
	$(call say,FONT,$<)
	@mkdir -p $(@D)
	$(Q)tools/psf-font $< > $(@:.o=.S)
	$(Q)$(CC) -m64 -c -o $@ $(@:.o=.S)

$(B)/obj/kernel/%.c.o: kernel/%.c kernel/rules.mk | $(KERNEL_GEN)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) -c -o $@ $<

$(B)/obj/kernel/%.S.o: kernel/%.S
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) -D__ASSEMBLER__=1 -c -o $@ $<

# generated code keeps to our warnings too
$(B)/obj/gen/kernel/%.c.o: $(B)/gen/kernel/%.c kernel/rules.mk
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) -c -o $@ $<

$(B)/gen/kernel/%.server.c: abi/%.defs $(MIG)
	$(call say,MIG,$<)
	@mkdir -p $(@D)
	$(Q)CC=$(CC) $(MIG) -DKERNEL_SERVER=1 -DKERNEL=1 -DMACH_PCSAMPLE=1 -Iabi -user /dev/null -header /dev/null \
		-sheader $(@:.c=.h) -server $@ -MD $(@:.c=.d) $<

-include kernel/link.mk

-include $(shell find $(B)/obj/kernel $(B)/obj/gen/kernel $(B)/gen/kernel -name '*.d' 2>/dev/null)
