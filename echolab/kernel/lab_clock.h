/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The clock that the guest kernel lends a process: what clock_gettime(2) returns, without a
 * system call, as often as no event of the guest's can fall in between. See lab.c.
 */
#ifndef __LAB_CLOCK_H
#define __LAB_CLOCK_H

/**
 * struct lab_clock - a clock that is lent, in memory that process and kernel share
 * @monotonic: nanoseconds of CLOCK_MONOTONIC before the first reading
 * @to_realtime: what CLOCK_REALTIME is ahead of it
 * @step: nanoseconds that each reading costs
 * @lent: how many readings the kernel has allowed
 * @left: how many of them are left
 */
struct lab_clock {
	unsigned long long monotonic;
	unsigned long long to_realtime;
	unsigned int step;
	unsigned int lent;
	unsigned int left;
};

/* In the vDSO's image the address of the process's lab_clock, until the kernel writes it. */
#define LAB_CLOCK_PLACE		0x6b636f6c635f6c61UL

void lab_lend_clock(struct lab_clock *clock, int most);
int lab_settle_clock(struct lab_clock *clock);

#endif
