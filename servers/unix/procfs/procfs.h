/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc: the process table and the system as text.
 *
 * OBJECT   struct pentry: a kind of entry, in constant tables.  struct pnode: one entry of one
 *          process in use, made by each lookup.  struct pbuf: text being made.
 */
#ifndef UNIX_PROCFS_PROCFS_H
#define UNIX_PROCFS_PROCFS_H

#include "../item.h"
#include "../procinfo.h"

/* Text that grows; once pb_failed, nothing more is added. */
struct pbuf {
	char	*pb_data;
	size_t	pb_size;
	size_t	pb_room;
	bool	pb_failed;
};

void	pbuf_printf(struct pbuf *b, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));
void	pbuf_add(struct pbuf *b, const void *data, size_t size);

struct pnode;

struct pentry {
	const char	*pe_name;
	uint32_t	pe_mode;
	const struct pentry *pe_children;	/* directories; ends with a null name */
	int		(*pe_text)(struct pbuf *b, int pid);
	/* What is written; without it, writing has no effect. */
	int64_t		(*pe_write)(const char *text, size_t size);
	/* Links: their text, and (magic ones) the item itself. */
	int64_t		(*pe_link)(const struct pnode *node, char *data, size_t size);
	int		(*pe_follow)(const struct pnode *node, struct item **out);
	/* Directories whose entries are numbers: the next one above `after', or -1. */
	int		(*pe_next)(const struct pnode *node, int after);
	const struct pentry *pe_number;		/* what such an entry is */
};

struct pnode {
	struct item	pn_item;
	/* Immutable. */
	const struct pentry *pn_entry;
	struct pnode	*pn_parent;	/* referenced; null for the root */
	int		pn_pid;		/* 0: not of a process */
	int		pn_number;	/* the number that is its name, -1 none */
};

extern const struct pentry proc_root_entry;	/* system.c */
extern const struct pentry proc_pid_entry;	/* pid.c */
int	proc_next_pid(const struct pnode *node, int after);

int	procfs_create(struct item **root);

#endif
