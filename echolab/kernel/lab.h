/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the guest kernel adds to Linux for the lab: random numbers that belong to programs,
 * an engine that costs no time, a price for polling, a time stamp counter of its own,
 * calls from the engine to the process that has started the kernel, forks that copy memory
 * at once, first writes that bring memory along, and clocks that are read without a system
 * call. See lab.c.
 */
#ifndef __LINUX_LAB_H
#define __LINUX_LAB_H

#include <linux/types.h>

/*
 * prctl(PR_LAB, LAB_BEGIN, seed, step): a lab begins, and the caller is its engine; time
 *	goes on to the next multiple of `step` nanoseconds since the boot.
 * prctl(PR_LAB, LAB_PROGRAM, stream, above): the caller is a program, or becomes one by
 *	the last of `above` calls of execve(2), of its own and its children's.
 * prctl(PR_LAB, LAB_CALL, buffer, length, capacity): the first `length` bytes of `buffer` go
 *	to the socket that `lab_call=` on the command line names; the answer takes their
 *	place. Returns its length, at most `capacity`. The socket keeps messages apart
 *	(SOCK_SEQPACKET).
 * prctl(PR_LAB, LAB_COPY, own): the caller's next fork(2) copies its memory at once, and so
 *	do the first `own` forks of the child.
 */
#define PR_LAB		0x6c616200
#define LAB_BEGIN	0
#define LAB_PROGRAM	1
#define LAB_CALL	2
#define LAB_COPY	3

#define LAB_CALL_BYTES	65536

#define LAB_ENGINE	255

/**
 * struct lab_task - what the lab knows of a task
 * @stream: which stream of random numbers is the task's
 * @draws: how often the task has drawn from it
 * @children: how many children the task has forked
 * @waits: how often the task had waited when its calls were last counted from zero
 * @calls: system calls since then
 * @above: 0 for a program; for what becomes one, how many calls of execve(2) are still to
 *	   come; LAB_ENGINE for the engine and whatever it starts unless told otherwise
 * @copies: how many of the task's next forks copy its memory at once
 * @own: the same, for the task's next child
 */
struct lab_task {
	u64 stream;
	u64 draws;
	u64 children;
	unsigned long waits;
	u32 calls;
	u32 above;
	u32 copies;
	u32 own;
};

struct folio;
struct uml_pt_regs;
struct vm_area_struct;

extern bool lab_begun;

void lab_fork(struct lab_task *child, struct lab_task *parent);
void lab_exec(struct lab_task *task);
void lab_draw(u8 *key, size_t length);
void lab_draw_once(void *buffer, size_t length, const char *function, const char *variable);
long lab_prctl(unsigned long operation, unsigned long first, unsigned long second,
	       unsigned long third);
bool lab_is_free(void);
bool lab_copies(void);
struct folio *lab_folio(void);
void lab_fill_ahead(struct vm_area_struct *vma, unsigned long address);
void lab_place_clock(void *vdso);
void lab_align_time(unsigned long long step);
void lab_advance_time(unsigned long long by);
unsigned long long lab_time_to_event(void);
void lab_count_call(void);
bool lab_rdtsc(struct uml_pt_regs *regs);

#endif
