# SPDX-License-Identifier: BSD-2-Clause
# The default pager: a native program without a C library.
$(eval $(call native_program,default_pager,$(wildcard servers/default_pager/*.c)))
