# SPDX-License-Identifier: BSD-2-Clause
# The C library: newlib from Debian's newlib-source, and our layer between it and the kernel.
# newlib itself is built once for every configuration, with gcc.

NEWLIB_TARBALL := $(firstword $(wildcard /usr/src/newlib/newlib-*.tar.*) /usr/src/newlib/newlib-3.3.0.tar.xz)
NEWLIB_A       := $(O)/newlib/libnewlib.a
NEWLIB_CFLAGS  := -nostdinc -isystem $(O)/newlib/root/x86_64-elf/include -isystem $(shell $(CC) -print-file-name=include) \
		  -D__DYNAMIC_REENT__ -Ilib/newlib/include

$(NEWLIB_A): lib/newlib/build.sh
	@printf '  NEWLIB  %s (once; about a minute)\n' $@
	$(Q)lib/newlib/build.sh $(O)/newlib $(NEWLIB_TARBALL)

LIBC_OBJ := $(patsubst %,$(B)/obj/libc/%.o,$(wildcard lib/newlib/*.c))

$(B)/obj/libc/%.c.o: %.c $(NEWLIB_A) | $(MACH_GEN_H)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) $(NEWLIB_CFLAGS) -c -o $@ $<

$(LIBC): $(LIBC_OBJ) $(NEWLIB_A)
	$(call say,AR,$@)
	@mkdir -p $(@D)
	$(Q)cp $(NEWLIB_A) $@.tmp && ar rsD $@.tmp $(LIBC_OBJ) 2>/dev/null && mv $@.tmp $@

-include $(shell find $(B)/obj/libc -name '*.d' 2>/dev/null)
