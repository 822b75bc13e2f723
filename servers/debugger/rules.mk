# SPDX-License-Identifier: BSD-2-Clause
# The debugger, and a program to try it on.

DEBUGGER_SRC := $(addprefix servers/debugger/,main.c command.c event.c target.c memory.c symbols.c)
$(eval $(call newlib_program,debugger,$(DEBUGGER_SRC),-Iservers/debugger))
$(eval $(call newlib_program,debugger-victim,servers/debugger/victim.c,-fno-omit-frame-pointer))
