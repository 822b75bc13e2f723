# SPDX-License-Identifier: BSD-2-Clause
# The Unix server.

UNIX_SRC := $(wildcard servers/unix/*.c servers/unix/*/*.c)
UNIX_GEN := $(B)/gen/user/unix_server.c $(B)/gen/user/unix_server.h $(B)/gen/user/unix.h $(B)/gen/user/unix.user.c

$(B)/gen/user/unix.user.c: servers/unix/protocol/unix.defs $(MIG)
	$(call say,MIG,$<)
	@mkdir -p $(@D)
	$(Q)CC="$(CC)" $(MIG) -Iabi -Iservers/unix/protocol -user $@ -header $(B)/gen/user/unix.h \
		-server $(B)/gen/user/unix_server.c -sheader $(B)/gen/user/unix_server.h $<
$(filter-out %.user.c,$(UNIX_GEN)): $(B)/gen/user/unix.user.c

# lib/rules.mk has its list of generated headers already
$(patsubst %,$(B)/obj/newlib/%.o,$(UNIX_SRC) gen/user/unix_server.c): | $(B)/gen/user/unix.h $(B)/gen/user/unix_server.h

# debug: allocations that fail on demand
UNIX_FAULT := $(if $(filter debug,$(CONFIG)),-include servers/unix/fault.h)

$(eval $(call newlib_program,unix,$(UNIX_SRC) gen/user/unix_server.c,-Iservers/unix -Iservers/unix/protocol $(UNIX_FAULT)))
