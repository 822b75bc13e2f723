# SPDX-License-Identifier: BSD-2-Clause
# Offsets for assembler, and the link of the kernel in two passes: the table of function names made from the first goes into
# the second (behind the text, so that no function moves).

ASM_OFFSETS := $(B)/gen/kernel/asm_offsets.h

$(ASM_OFFSETS): kernel/arch/x86_64/gen/asm_offsets.c
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) -fno-lto -MF $(@:.h=.d) -MT $@ -S -o $(@:.h=.s) $<
	$(Q)sed -n 's/^.*"->\([A-Z_]*\) \([0-9-]*\)".*/#define \1 \2/p' $(@:.h=.s) > $@.tmp && mv $@.tmp $@

$(patsubst %,$(B)/obj/%.o,$(wildcard kernel/arch/x86_64/*.S)): $(ASM_OFFSETS)

-include $(ASM_OFFSETS:.h=.d)

$(B)/ernst.pass1: $(KERNEL_OBJ) $(KERNEL_LDS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(KERNEL_CFLAGS) $(KERNEL_LDFLAGS) -o $@ $(KERNEL_OBJ) -lgcc

$(B)/obj/ksyms.S: $(B)/ernst.pass1 tools/ksyms
	@mkdir -p $(@D)
	$(Q)tools/ksyms $< > $@

$(B)/obj/ksyms.o: $(B)/obj/ksyms.S
	$(Q)$(CC) -m64 -c -o $@ $<

$(KERNEL): $(B)/ernst.pass1 $(B)/obj/ksyms.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(KERNEL_CFLAGS) $(KERNEL_LDFLAGS) -o $@.new $(KERNEL_OBJ) $(B)/obj/ksyms.o -lgcc
	$(Q)tools/ksyms $@.new | cmp -s - $(B)/obj/ksyms.S || { echo "link: functions moved between the passes" >&2; exit 1; }
	$(Q)mv $@.new $@
