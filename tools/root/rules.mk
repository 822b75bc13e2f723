# SPDX-License-Identifier: BSD-2-Clause
# The root image: Debian's busybox, tools/root/etc, and what other folders put in ROOT_FILES (FILE:DEST[:MODE]).
ROOT_SIZE  ?= 32M
ROOT_FILES ?=
ROOT_IMAGE := $(O)/root/root.img

$(ROOT_IMAGE): tools/mkroot $(shell find tools/root -type f) $(wildcard /bin/busybox) $(foreach f,$(ROOT_FILES),$(firstword $(subst :, ,$(f))))
	$(call say,ROOT,$@)
	@mkdir -p $(@D)
	$(Q)tools/mkroot -o $@ -s $(ROOT_SIZE) tools/root $(ROOT_FILES)
