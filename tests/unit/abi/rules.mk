# SPDX-License-Identifier: BSD-2-Clause
# The interface headers on their own, and the parts of libmach that need no kernel.
ABI_TEST_SRC := lib/mach/error_string.c lib/mach/printf.c
ABI_TEST_INC := -Iabi -Ilib/mach/include

UNIT_TESTS += tests/unit/abi/headers $(O)/tests/libmach_test $(O)/tests/reference_test

# docs/reference is what the definitions say
$(O)/tests/reference_test: $(MIG) tools/reference
	@mkdir -p $(@D)
	$(Q)printf '#!/bin/sh\nexec tools/reference --check $(MIG)\n' > $@ && chmod +x $@

$(O)/tests/libmach_string.o: lib/mach/string.c
	$(call say,HOSTCC,$@)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu11 -g -O2 -ffreestanding $(WARNINGS) -include tests/unit/abi/string_names.h -c -o $@ $<

$(O)/tests/libmach_test: tests/unit/abi/libmach_test.c $(ABI_TEST_SRC) $(O)/tests/libmach_string.o \
		tests/unit/abi/string_names.h abi/mach/kern_return.h abi/mach/message.h
	$(call say,HOSTCC,$@)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu11 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all $(WARNINGS) \
		-Wno-format-security -Wno-format-zero-length $(ABI_TEST_INC) -o $@ $(filter %.c %.o,$^)
