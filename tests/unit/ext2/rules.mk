# SPDX-License-Identifier: BSD-2-Clause
# ext2 on the host, judged by e2fsck.
EXT2_SRC := $(addprefix servers/unix/fs/ext2_,buf.c super.c alloc.c inode.c bmap.c dir.c name.c)
UNIT_TESTS += $(O)/tests/ext2_test
$(O)/tests/ext2_test: tests/unit/ext2/ext2_test.c $(EXT2_SRC) servers/unix/fs/ext2.h servers/unix/fs/ext2_disk.h servers/unix/linux.h
	$(call say,HOSTCC,$@)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu11 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all $(WARNINGS) -o $@ $(filter %.c,$^)
