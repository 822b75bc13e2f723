# SPDX-License-Identifier: BSD-2-Clause
# Includes the rules of every folder below.
include $(wildcard servers/*/rules.mk)
