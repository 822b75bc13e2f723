/* SPDX-License-Identifier: BSD-2-Clause */
/* A debugger of Mach tasks: what its parts share. It is one thread; nothing is locked. */
#ifndef DEBUGGER_H
#define DEBUGGER_H

#include <stdbool.h>
#include <stdint.h>
#include <mach.h>
#include <mach/exception.h>
#include <mach/machine/thread_status.h>

#define SELF	mach_task_self()

extern mach_port_t host_priv, device_master;

/* --- event.c: the console, the victim's exceptions and its end all come as messages --- */
enum event { EVENT_LINE, EVENT_STOP, EVENT_END, EVENT_TIMEOUT };

void		event_init(const char *script_device);	/* NULL: a person types */
/* => the next thing that happens; a line stays valid until the next call */
enum event	event_wait(char **line, unsigned timeout_ms);
void		event_prompt(void);
mach_port_t	event_exception_port(void);
void		event_watch_end(mach_port_t task);	/* ask for its dead-name notification */

/* --- target.c: the victim --- */
/* an exception that waits for our answer */
struct stop {
	mach_port_t	thread;			/* a right of its own */
	int		exception, code;
	int64_t		subcode;
	mach_port_t	reply;
	bool		told;
};

struct raise_message {
	mach_msg_header_t h;
	mach_msg_type_t thread_type; mach_port_name_inlined_t thread;
	mach_msg_type_t task_type; mach_port_name_inlined_t task;
	mach_msg_type_t exception_type; int exception, pad1;
	mach_msg_type_t code_type; int code, pad2;
	mach_msg_type_t subcode_type; int64_t subcode;
};

extern struct target {
	mach_port_t	task;			/* MACH_PORT_NULL: none */
	mach_port_t	saved_port;		/* its exception port before us */
	mach_port_t	current;		/* the thread commands are about; borrowed from threads[] */
	mach_port_t	threads[256];		/* a right each */
	unsigned	thread_count;
} target;

bool		target_attach(mach_port_t task);	/* consumes the right; the task is suspended when it returns */
void		target_detach(void);
void		target_ended(void);
void		target_raised(const struct raise_message *);
void		target_threads(void);			/* look again which threads there are */
int		target_thread_number(mach_port_t);
struct stop	*target_stop_of(mach_port_t thread);	/* NULL: it is in no exception */
void		target_continue(void);			/* until something stops it, and say what */
void		target_step(unsigned count);
void		target_pass(void);			/* the current thread's exception is not ours */
bool		target_get(mach_port_t thread, struct i386_thread_state *);
bool		target_set(mach_port_t thread, const struct i386_thread_state *);

/* --- memory.c --- */
bool		memory_read(uint64_t address, void *to, unsigned n);	/* as the program has it, without breakpoints */
bool		memory_write(uint64_t address, const void *from, unsigned n);
int		breakpoint_at(uint64_t address);	/* number, or -1 */
bool		breakpoint_set(uint64_t address);
bool		breakpoint_delete(unsigned number);
void		breakpoint_delete_all(void);
void		breakpoint_list(void);
/* take it out, put it back: for one step of one thread */
void		breakpoint_lift(int number, bool lifted);
bool		watch_set(uint64_t address, unsigned length, unsigned condition);
void		watch_clear_all(void);

/* --- symbols.c --- */
bool		symbols_load(const char *device);
const char	*symbol_of(uint64_t address, uint64_t *offset);	/* NULL: none */
bool		symbol_value(const char *name, uint64_t *value);
const char	*where(uint64_t address);		/* "401234 work+4", in a static buffer */

/* --- command.c --- */
bool		command_run(char *line);		/* false: quit */

#endif
