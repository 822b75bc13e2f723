# SPDX-License-Identifier: BSD-2-Clause
# The file services of the Unix server on the host.
FS_TEST_DIRS := servers/unix/fs servers/unix/pipe servers/unix/dev servers/unix/procfs servers/unix/tty
FS_TEST_SRC  := $(filter-out %/pager.c %/window.c %/fault_copy.c %/console.c,$(foreach d,$(FS_TEST_DIRS),$(wildcard $(d)/*.c))) \
		servers/unix/file.c servers/unix/cred.c tests/unit/fs/shim.c tests/unit/fs/fs_test.c
FS_TEST_INC  := -Iabi -Ilib/mach/include -Ilib/cthreads/include -I$(B)/gen/user
UNIT_TESTS += $(O)/tests/fs_test
$(O)/tests/fs_test: $(FS_TEST_SRC) $(wildcard servers/unix/*.h servers/unix/*/*.h tests/unit/fs/*.h) | $(USER_GEN_HEADERS)
	$(call say,HOSTCC,$@)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu11 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all $(WARNINGS) $(FS_TEST_INC) -o $@ $(filter %.c,$^)
