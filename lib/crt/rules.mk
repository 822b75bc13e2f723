# SPDX-License-Identifier: BSD-2-Clause
# Program start: one relocatable object.

CRT_OBJ := $(B)/obj/native/lib/crt/crt0.S.o $(B)/obj/native/lib/crt/crt0.c.o

$(CRT0): $(CRT_OBJ)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -m64 -nostdlib -r -Wl,--build-id=none -o $@ $(CRT_OBJ)
