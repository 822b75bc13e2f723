# SPDX-License-Identifier: BSD-2-Clause
# libmach: traps, mach_msg, the stubs of every kernel subsystem, what stubs need.
#
# From abi/DIR/NAME.defs: gen/user/DIR/NAME.user.c and its header gen/user/DIR/HEADER.h. The header
# is called NAME.h, but for names abi/ itself uses. Of interfaces whose server is a user program
# (exceptions, notifications, pagers, devices) the server side is in the library as well.

# NAME:HEADER
MACH_USER_MIG := mach/mach:mach/mach_interface mach/mach4:mach/mach4 mach/gnumach:mach/gnumach \
		 mach/mach_host:mach/mach_host mach/mach_port:mach/mach_port mach/exc:mach/exc mach/exc_state:mach/exc_state \
		 mach/exception_ports:mach/exception_ports_user \
		 mach/memory_object:mach/memory_object_user \
		 mach/memory_object_default:mach/memory_object_default \
		 mach/default_pager:mach/default_pager mach/notify:mach/notify_user \
		 mach/task_notify:mach/task_notify mach_debug/mach_debug:mach_debug/mach_debug \
		 mach/x86_64/mach_i386:mach/machine/mach_i386 device/device:device/device \
		 device/device_request:device/device_request device/device_reply:device/device_reply \
		 device/notify:device/notify_user
MACH_SERVER_MIG := mach/exc mach/exc_state mach/memory_object mach/memory_object_default mach/notify \
		 mach/task_notify mach/default_pager device/device device/device_reply device/notify

MACH_USER_C   :=
MACH_GEN_H    :=
MACH_SERVER_C := $(patsubst %,$(B)/gen/user/%.server.c,$(MACH_SERVER_MIG))

# $(eval $(call mach_user_stubs,NAME,HEADER))
define mach_user_stubs
MACH_USER_C += $(B)/gen/user/$(1).user.c
MACH_GEN_H  += $(B)/gen/user/$(2).h
$(B)/gen/user/$(1).user.c: abi/$(1).defs $(MIG) lib/mach/rules.mk
	$$(call say,MIG,$$<)
	@mkdir -p $$(@D) $(B)/gen/user/$(dir $(2))
	$$(Q)CC="$$(CC)" $$(MIG) -DMACH_PCSAMPLE=1 -Iabi -user $$@ -header $(B)/gen/user/$(2).h -server /dev/null \
		-MD -MF $$(@:.c=.d) -MT $$@ $$<
$(B)/gen/user/$(2).h: $(B)/gen/user/$(1).user.c
endef
$(foreach m,$(MACH_USER_MIG),$(eval $(call mach_user_stubs,$(word 1,$(subst :, ,$(m))),$(word 2,$(subst :, ,$(m))))))

$(B)/gen/user/%.server.c: abi/%.defs $(MIG)
	$(call say,MIG,$<)
	@mkdir -p $(@D)
	$(Q)CC="$(CC)" $(MIG) -Iabi -user /dev/null -header /dev/null -server $@ \
		-sheader $(@:.server.c=_server.h) -MD -MF $(@:.c=.d) -MT $@ $<

$(patsubst %,$(B)/gen/user/%_server.h,$(MACH_SERVER_MIG)): %_server.h: %.server.c

USER_GEN_HEADERS += $(MACH_GEN_H) $(patsubst %,$(B)/gen/user/%_server.h,$(MACH_SERVER_MIG))

MACH_USER_OBJ := $(patsubst $(B)/gen/%.c,$(B)/obj/native/gen/%.c.o,$(MACH_USER_C) $(MACH_SERVER_C))
MACH_OBJ      := $(patsubst %,$(B)/obj/native/%.o,$(wildcard lib/mach/*.c lib/mach/*.S)) $(MACH_USER_OBJ)

# stubs of routines that have a trap carry another name
$(patsubst $(B)/gen/%.c,$(B)/obj/native/gen/%.c.o,$(MACH_USER_C)): EXTRA_CFLAGS := -include lib/mach/rpc_names.h

$(LIBMACH): $(MACH_OBJ)
	$(call say,AR,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && ar rcsD $@ $(MACH_OBJ)

-include $(shell find $(B)/gen/user -name '*.d' 2>/dev/null)
