# SPDX-License-Identifier: BSD-2-Clause
# Native programs and libraries: how they are compiled and linked; then the rules of every library.

USER_INC     := -Iabi -Ilib/mach/include -Ilib/cthreads/include -I$(B)/gen/user
USER_CFLAGS  := $(C_COMMON) -ffreestanding -fno-builtin-printf -m64 -fno-pic -fno-pie -fno-stack-protector \
		-fcf-protection=none -fno-asynchronous-unwind-tables $(USER_INC)
USER_NOLIBC  := -nostdinc -isystem $(shell $(CC) -print-file-name=include)
# programs on newlib compile with $(NEWLIB_CFLAGS) (lib/newlib/rules.mk) in the place of $(USER_NOLIBC)
USER_LDFLAGS := -m64 -nostdlib -static -no-pie -Wno-unused-command-line-argument -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 \
		-Wl,--no-warn-rwx-segments
CRT0         := $(B)/lib/crt0.o
LIBMACH      := $(B)/lib/libmach.a
LIBCTHREADS  := $(B)/lib/libcthreads.a
LIBC         := $(B)/lib/libc.a
LIBGCC       := $(shell gcc -print-libgcc-file-name)

USER_PROGRAMS :=

# $(eval $(call native_program,NAME,SOURCES)): NAME without a C library: crt0, libmach, libcthreads
define native_program
USER_PROGRAMS += $(B)/bin/$(1)
$(B)/bin/$(1): $(patsubst %,$(B)/obj/native/%.o,$(2)) $(CRT0) $(LIBMACH) $(LIBCTHREADS)
	$$(call say,LINK,$$@)
	@mkdir -p $$(@D)
	$$(Q)$(CC) $(USER_LDFLAGS) -o $$@ $(CRT0) $(patsubst %,$(B)/obj/native/%.o,$(2)) \
		-Wl,--start-group $(LIBCTHREADS) $(LIBMACH) $(LIBGCC) -Wl,--end-group
endef

# $(eval $(call newlib_program,NAME,SOURCES,CFLAGS)): NAME with the C library and C Threads
define newlib_program
USER_PROGRAMS += $(B)/bin/$(1)
$(patsubst %,$(B)/obj/newlib/%.o,$(2)): EXTRA_CFLAGS := $(3)
$(B)/bin/$(1): $(patsubst %,$(B)/obj/newlib/%.o,$(2)) $(CRT0) $(LIBMACH) $(LIBCTHREADS) $(LIBC)
	$$(call say,LINK,$$@)
	@mkdir -p $$(@D)
	$$(Q)$(CC) $(USER_LDFLAGS) -o $$@ $(CRT0) $(patsubst %,$(B)/obj/newlib/%.o,$(2)) \
		-Wl,--start-group $(LIBCTHREADS) $(LIBC) $(LIBMACH) $(LIBGCC) -Wl,--end-group
endef

include $(wildcard lib/*/rules.mk)

# headers that other rules generate must be there before anything native is compiled
USER_GEN_HEADERS ?=

$(B)/obj/native/%.c.o: %.c | $(USER_GEN_HEADERS)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) $(USER_NOLIBC) $(EXTRA_CFLAGS) -c -o $@ $<

$(B)/obj/native/%.S.o: %.S
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) -D__ASSEMBLER__=1 -c -o $@ $<

$(B)/obj/native/gen/%.c.o: $(B)/gen/%.c | $(USER_GEN_HEADERS)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) $(USER_NOLIBC) $(EXTRA_CFLAGS) -c -o $@ $<

$(B)/obj/newlib/%.c.o: %.c $(LIBC) | $(USER_GEN_HEADERS)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) $(NEWLIB_CFLAGS) $(EXTRA_CFLAGS) -c -o $@ $<

$(B)/obj/newlib/gen/%.c.o: $(B)/gen/%.c $(LIBC) | $(USER_GEN_HEADERS)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) $(NEWLIB_CFLAGS) $(EXTRA_CFLAGS) -c -o $@ $<

-include $(shell find $(B)/obj/native $(B)/obj/newlib -name '*.d' 2>/dev/null)
