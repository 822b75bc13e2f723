# SPDX-License-Identifier: BSD-2-Clause
#
# make help says what there is. Every folder with something to build has a rules.mk, included below.
#
#   O       output root                      (build)
#   CONFIG  release or debug                 (release)
#   CC      gcc or clang                     (gcc)
#   COVER   with counters in ipc, kern and vm (only the kernel, by clang; make coverage)
#   B       this configuration's output      ($(O)/$(CONFIG), or $(O)/$(CONFIG)-clang)

O      ?= build
CONFIG ?= release
ifeq ($(origin CC),default)
CC     := gcc
endif
B      := $(O)/$(CONFIG)$(if $(findstring clang,$(CC)),-clang)$(if $(COVER),-cover)
HOSTCC ?= $(CC)
Q      := $(if $(V),,@)

ifeq ($(filter $(CONFIG),release debug),)
$(error CONFIG must be release or debug, not '$(CONFIG)')
endif

.SUFFIXES:
.SECONDARY:
.DELETE_ON_ERROR:

.PHONY: all
all: kernel user

WARNINGS := -Wall -Wextra -Werror
C_COMMON := -std=gnu11 -g -O2 -fno-common -fno-strict-aliasing -MMD -MP $(WARNINGS)
ifeq ($(CONFIG),debug)
C_COMMON += -DDEBUG=1
endif

# say WHAT NAME: one line per step; make V=1 shows the commands instead
say = @$(if $(V),:,printf '  %-7s %s\n' $(1) $(2))

# what make starts by itself is built on all processors
JOBS ?= $(shell nproc)
SUBMAKE = $(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS))

include mig/rules.mk
include abi/rules.mk
include kernel/rules.mk
include kernel/arch/host/rules.mk
include lib/rules.mk
include servers/rules.mk
include emul/rules.mk
include tests/rules.mk
include bench/rules.mk
include tools/rules.mk

# after every rules.mk has named its programs
.PHONY: user
user: $(USER_PROGRAMS)
