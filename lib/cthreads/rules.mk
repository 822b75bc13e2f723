# SPDX-License-Identifier: BSD-2-Clause
# C Threads.

CTHREADS_OBJ := $(patsubst %,$(B)/obj/native/%.o,$(wildcard lib/cthreads/*.c))

$(LIBCTHREADS): $(CTHREADS_OBJ)
	$(call say,AR,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && ar rcsD $@ $(CTHREADS_OBJ)
