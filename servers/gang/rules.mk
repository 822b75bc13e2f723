# SPDX-License-Identifier: BSD-2-Clause
# The gang scheduler: linked into programs that start it as a task of its own (tests/boot/gang).

GANG_SRC := servers/gang/gang.c gen/user/gang_server.c gen/user/gang.user.c
GANG_GEN := $(B)/gen/user/gang.user.c $(B)/gen/user/gang_server.c $(B)/gen/user/gang_server.h $(B)/gen/user/gang.h

$(B)/gen/user/gang.user.c: servers/gang/gang.defs $(MIG)
	$(call say,MIG,$<)
	@mkdir -p $(@D)
	$(Q)CC="$(CC)" $(MIG) -Iabi -user $@ -header $(B)/gen/user/gang.h \
		-server $(B)/gen/user/gang_server.c -sheader $(B)/gen/user/gang_server.h $<
$(filter-out %.user.c,$(GANG_GEN)): $(B)/gen/user/gang.user.c

$(patsubst %,$(B)/obj/native/%.o,$(GANG_SRC) tests/boot/gang/gang.c): | $(GANG_GEN)
