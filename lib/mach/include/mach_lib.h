/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions of libmach that are no part of the kernel interface. */
#ifndef MACH_LIB_H
#define MACH_LIB_H

#include <stdarg.h>
#include <mach/mach_types.h>
#include <mach/message.h>

/*
 * Formatted output on the console, by mach_print. Knows d i u x X o c s p %,
 * the lengths hh h l ll z t, flags - 0 + and space, width and precision.
 */
extern int mach_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
extern int mach_vprintf(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
extern int mach_vsnprintf(char *buffer, unsigned long size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
extern int mach_snprintf(char *buffer, unsigned long size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * A kernel thread on a fresh stack with a guard page below it.
 * => the thread ends itself when function returns, its stack goes with it
 * => *thread is a send right the caller owns; thread may be null
 */
extern kern_return_t mach_thread_start(void (*function)(void *), void *argument,
    vm_size_t stack_size, mach_port_t *thread);

/* The pieces, for a thread package: a stack, and a suspended thread that will run on it. */
extern kern_return_t mach_thread_stack(vm_size_t size, vm_address_t *base, vm_size_t *whole);
extern kern_return_t mach_thread_setup(mach_port_t thread, void (*function)(void *),
    void *argument, vm_address_t stack_top);
/* End the calling thread and unmap its stack, from outside of both. */
extern void mach_thread_exit(vm_address_t stack_base, vm_size_t stack_whole)
    __attribute__((noreturn));

/* Destroy the rights and memory a received (or never sent) message carries. */
extern void mach_msg_destroy(mach_msg_header_t *msg);

/* Receive, demultiplex, reply, for ever; returns only on a receive error. */
extern mach_msg_return_t mach_msg_server(
    boolean_t (*demux)(mach_msg_header_t *request, mach_msg_header_t *reply),
    mach_msg_size_t max_size, mach_port_t rcv_name);
extern mach_msg_return_t mach_msg_server_timeout(
    boolean_t (*demux)(mach_msg_header_t *request, mach_msg_header_t *reply),
    mach_msg_size_t max_size, mach_port_t rcv_name, mach_msg_option_t option,
    mach_msg_timeout_t timeout);

/*
 * Where the calling thread keeps its reply port, or null when threads are not
 * known to the library; a thread package overrides it.
 */
extern mach_port_t *mig_reply_slot(void);

#endif
