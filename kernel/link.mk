# SPDX-License-Identifier: BSD-2-Clause
# The link: twice, so that the image holds its own symbol table for backtraces.

$(KERNEL): $(KERNEL_OBJ) $(KERNEL_LDS) tools/ksyms
	$(call say,LINK,$@)
	$(Q)$(CC) $(KERNEL_LDFLAGS) -o $@.nosyms $(KERNEL_OBJ)
	$(Q)tools/ksyms $@.nosyms > $@.ksyms.S
	$(Q)$(CC) $(KERNEL_CFLAGS) -MMD -MF $@.ksyms.d -D__ASSEMBLER__=1 -c -o $@.ksyms.o $@.ksyms.S
	$(Q)$(CC) $(KERNEL_LDFLAGS) -o $@ $(KERNEL_OBJ) $@.ksyms.o
