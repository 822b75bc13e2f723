# SPDX-License-Identifier: BSD-2-Clause
# The emulation library: one image linked at its fixed address (image.ld), with its own copies of the stubs it needs.

EMUL_SRC    := $(wildcard emul/linux/*.c emul/linux/*.S)
EMUL_MIG    := mach/mach mach/gnumach mach/mach_port
EMUL_OBJ    := $(patsubst %,$(B)/obj/emul/%.o,$(EMUL_SRC)) $(B)/obj/emul/gen/emul/unix.user.c.o \
	       $(patsubst %,$(B)/obj/emul/gen/user/%.user.c.o,$(EMUL_MIG))
EMUL_CALLS  := 448
EMUL_CFLAGS := $(USER_CFLAGS) $(USER_NOLIBC) -fpie -mgeneral-regs-only -fno-builtin $(if $(findstring clang,$(CC)),-fdirect-access-external-data,-fno-tree-loop-distribute-patterns) \
	       -mno-red-zone -DEMUL_CALLS=$(EMUL_CALLS) -Iemul/linux -Iservers/unix -Iservers/unix/protocol -I$(B)/gen/emul
EMUL        := $(B)/bin/emul-linux

USER_PROGRAMS += $(EMUL)

$(EMUL): $(EMUL_OBJ) emul/linux/image.ld
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_LDFLAGS) -T emul/linux/image.ld -o $@ $(EMUL_OBJ)

$(B)/gen/emul/unix.user.c: servers/unix/protocol/unix.defs $(MIG)
	$(call say,MIG,$<)
	@mkdir -p $(@D)
	$(Q)CC=$(CC) $(MIG) -Iabi -Iservers/unix/protocol -header $(@:.c=.h) -user $@ -server /dev/null $<

# the functions for programs: an image of its own inside the library's
$(B)/gen/emul/vdso.so: emul/linux/vdso/vdso.c emul/linux/vdso/vdso.ld emul/linux/time.h | $(USER_GEN_HEADERS)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) $(USER_NOLIBC) -fpic -fvisibility=default -fno-builtin -mgeneral-regs-only -fno-stack-protector \
		-fcf-protection=none -Iservers/unix/protocol -nostdlib -shared -Wl,-soname=linux-vdso.so.1 -Wl,-T,emul/linux/vdso/vdso.ld \
		-Wl,--hash-style=both -Wl,--build-id=none -Wl,-Bsymbolic -Wl,-z,max-page-size=4096 -o $@ $<

$(B)/obj/emul/emul/linux/vdso_image.S.o: $(B)/gen/emul/vdso.so

# the names of the calls, for the counters of those that are missing: numbers are facts of the interface
$(B)/gen/emul/linux_names.h: /usr/include/x86_64-linux-gnu/asm/unistd_64.h
	@mkdir -p $(@D)
	$(Q)sed -n 's/^#define __NR_\([a-z0-9_]*\) \([0-9]*\)$$/[\2] = "\1",/p' $< > $@

$(B)/obj/emul/%.c.o: %.c | $(B)/gen/emul/unix.user.c $(B)/gen/emul/linux_names.h $(USER_GEN_HEADERS)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(EMUL_CFLAGS) -c -o $@ $<

$(B)/obj/emul/gen/%.c.o: $(B)/gen/%.c | $(USER_GEN_HEADERS)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(EMUL_CFLAGS) -c -o $@ $<

$(B)/obj/emul/%.S.o: %.S
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(EMUL_CFLAGS) -Wa,-I$(B)/gen/emul -D__ASSEMBLER__=1 -c -o $@ $<

-include $(shell find $(B)/obj/emul -name '*.d' 2>/dev/null)
