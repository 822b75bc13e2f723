# SPDX-License-Identifier: BSD-2-Clause
# gdb commands for the kernel's nouns. Start with: make debug; then in another terminal: gdb -x tools/gdb/ernst.gdb build/debug/ernst
set pagination off
set architecture i386:x86-64
target remote 127.0.0.1:1234
source tools/gdb/ernst.py
echo Ernst: commands es-tasks, es-threads [TASK], es-bt THREAD, es-port PORT, es-space SPACE, es-map MAP, es-cpus.\n
echo The machine waits before its first instruction; type: hbreak kernel_main, then continue.\n
