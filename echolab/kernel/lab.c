// SPDX-License-Identifier: GPL-2.0
/*
 * What the guest kernel adds to Linux for the lab. All of it but the price of polling is off
 * until an engine calls prctl(PR_LAB, LAB_BEGIN, seed, step).
 *
 * Chance. Linux has one generator of random numbers, so whoever draws changes what everybody
 * draws next: with one more capture, TCP would start at another sequence number. Here each
 * task has a stream of its own, which follows from the seed and from the task's ancestors.
 * The engine names the streams of the programs that it starts. Interrupts and the kernel's
 * own threads share one stream. What the kernel draws only once (net_get_random_once)
 * depends only on the names of the function and of the variable that it is for.
 *
 * Time. In virtual time a reading of the clock costs 256 ns, and a system call that fails
 * costs 1 us, so that loops that wait for time to pass come to an end. Programs pay for
 * that. The engine must not shift what it measures, so it pays nothing; nor does strace(1)
 * when it runs a program, nor do the kernel's own threads. A lab begins at a whole step of time, which makes up for what
 * happened before, such as the start of an interpreter.
 *
 * Polling. Time stands still while a program computes. A program that makes system calls
 * without ever waiting would poll for ever. So, beyond some thousand such calls, each
 * further call costs time, more and more. Calls are counted, so that it repeats.
 *
 * RDTSC. The processor's time stamp counter tells real time. In virtual time, reading it is
 * a fault (PR_TSC_SIGSEGV in prctl(2)), which is answered with the guest's time. The setting
 * is made for the kernel's own process, and the guest's processes inherit it: as long as all
 * have it, the host need not change the processor's mode whenever it switches among them.
 *
 * Clocks. A system call costs the host two switches of process, and Python reads the clock
 * some hundred times before it runs a program. So a process is lent a clock: memory that
 * it shares with the kernel, from which the vDSO answers. The kernel lends as many readings
 * as can be made before the next event, the price of polling, or a tick of its own; what
 * was used is paid as if each had been a call. Whoever is traced gets none: each is seen.
 *
 * First writes. Each first write to a page costs these switches as well. It brings the pages
 * behind it along, up to the next boundary of 64 KiB, as long as memory is plentiful. Pages
 * that a fork shares stay shared.
 *
 * Forks. A fork shares all memory until somebody writes to it. What the host's kernel maps for
 * a process must then be changed page by page, for parent and child, and a page that is
 * written to costs a switch to this kernel and back. A forked interpreter writes to most of
 * its pages, so the engine can have its children's memory copied at once.
 *
 * Calls. The engine can ask the process that has started the kernel. Its question goes over
 * a socket, and the whole guest stands still, its clock included, until the answer is there.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/kstrtox.h>
#include <linux/ktime.h>
#include <linux/lab.h>
#include <linux/memcontrol.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/page_counter.h>
#include <linux/vmstat.h>
#include <linux/preempt.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/time-internal.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <asm/delay.h>
#include <as-layout.h>
#include <lab_clock.h>
#include <skas.h>
#include <stub-data.h>
#include <os.h>
#include <sysdep/ptrace.h>

/* Calls without waiting that are free, and after how many more the price doubles. */
#define FREE_CALLS		5000
#define FREE_CALLS_OF_ENGINE	100000
#define CALLS_A_PRICE		5000
#define FIRST_PRICE		10	/* microseconds */
#define DOUBLINGS		7

/* Pages that lie side by side are mapped by one call of the host's: so many are got at once. */
#define COPY_ORDER		6

/* A first write brings along the pages up to the next such boundary, ... */
#define FILL_BYTES		(16 * PAGE_SIZE)

/* ... unless less than such a part of the memory is left. */
#define ROOM_PART		8

#define BYTES_OF_RDTSC		2
#define BYTES_OF_RDTSCP		3

bool lab_begun;

static siphash_key_t seed_key;
static const siphash_key_t no_key;
static u64 kernel_draws;
static int call_socket = -1;

/* Readings of the clock that are lent to the process that now runs. */
static u32 lent;

/* Of the C library that this kernel is linked with, and <linux/prctl.h> of its host. */
extern int prctl(int option, ...);

static int __init trap_rdtsc(void)
{
	if (time_travel_mode == TT_MODE_INFCPU || time_travel_mode == TT_MODE_EXTERNAL)
		prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
	return 0;
}
late_initcall(trap_rdtsc);

static int __init set_call_socket(char *number)
{
	return kstrtoint(number, 10, &call_socket) == 0;
}
__setup("lab_call=", set_call_socket);

static struct lab_task *mine(void)
{
	return &current->thread.lab;
}

static void fill(u8 *to, size_t length, u64 stream, u64 draw, const siphash_key_t *key)
{
	u64 word, number = 0;

	for (; length; number++) {
		size_t part = min(length, sizeof(word));

		word = siphash_3u64(stream, draw, number, key);
		memcpy(to, &word, part);
		to += part;
		length -= part;
	}
}

void lab_draw(u8 *key, size_t length)
{
	if (in_task() && !(current->flags & PF_KTHREAD))
		fill(key, length, mine()->stream, mine()->draws++, &seed_key);
	else
		fill(key, length, 0, kernel_draws++, &seed_key);
}

void lab_draw_once(void *buffer, size_t length, const char *function, const char *variable)
{
	fill(buffer, length, siphash(function, strlen(function), &no_key),
	     siphash(variable, strlen(variable), &no_key), &no_key);
}

void lab_fork(struct lab_task *child, struct lab_task *parent)
{
	if (parent->copies) {
		parent->copies--;
		child->copies = parent->own;
		parent->own = 0;
	}
	parent->children++;
	child->above = parent->above;
	if (parent->above && parent->above != LAB_ENGINE)
		child->stream = parent->stream;
	else
		child->stream = siphash_2u64(parent->stream, parent->children, &no_key);
}

void lab_exec(struct lab_task *task)
{
	task->copies = 0;
	if (!task->above || task->above == LAB_ENGINE)
		return;
	task->above--;
	task->draws = 0;
	task->children = 0;
}

/* Send the first `length` bytes of `buffer`; put up to `capacity` bytes of answer there. */
static long call(void __user *buffer, unsigned long length, unsigned long capacity)
{
	void *message;
	long done = -EFAULT;

	if (call_socket < 0)
		return -ENOTCONN;
	if (!length || length > LAB_CALL_BYTES || capacity > LAB_CALL_BYTES)
		return -EMSGSIZE;
	message = kmalloc(LAB_CALL_BYTES, GFP_KERNEL);
	if (!message)
		return -ENOMEM;
	if (copy_from_user(message, buffer, length))
		goto out;
	do
		done = os_write_file(call_socket, message, length);
	while (done == -EINTR);
	if (done < 0)
		goto out;
	do
		done = os_read_file(call_socket, message, capacity);
	while (done == -EINTR);
	if (done == 0)
		done = -EPIPE;
	if (done > 0 && copy_to_user(buffer, message, done))
		done = -EFAULT;
out:
	kfree(message);
	return done;
}

long lab_prctl(unsigned long operation, unsigned long first, unsigned long second,
	       unsigned long third)
{
	struct lab_task *lab = mine();

	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	switch (operation) {
	case LAB_BEGIN:
		if (second && time_travel_mode != TT_MODE_OFF)
			lab_align_time(second);
		seed_key.key[0] = first;
		kernel_draws = 0;
		*lab = (struct lab_task){ .above = LAB_ENGINE, .waits = current->nvcsw };
		lab_begun = true;
		return 0;
	case LAB_PROGRAM:
		if (second >= LAB_ENGINE)
			return -EINVAL;
		*lab = (struct lab_task){
			.stream = first, .above = second, .waits = current->nvcsw,
			.copies = lab->copies
		};
		return 0;
	case LAB_CALL:
		return call((void __user *)first, second, third);
	case LAB_COPY:
		lab->copies = 1;
		lab->own = first;
		return 0;
	default:
		return -EINVAL;
	}
}

bool lab_is_free(void)
{
	return mine()->above || current->flags & PF_KTHREAD;
}

bool lab_copies(void)
{
	return mine()->copies;
}

struct folio *lab_folio(void)
{
	static struct page *next;
	static unsigned int left;

	if (!left) {
		next = alloc_pages(GFP_HIGHUSER_MOVABLE | __GFP_NORETRY | __GFP_NOWARN,
				   COPY_ORDER);
		if (!next)
			return folio_alloc(GFP_HIGHUSER_MOVABLE, 0);
		split_page(next, COPY_ORDER);
		left = 1 << COPY_ORDER;
	}
	left--;
	return page_folio(next++);
}

/*
 * Whether a program may get memory that it has not asked for: not where that could drive
 * the guest, or a control group, out of memory.
 */
static bool has_room(void)
{
	struct mem_cgroup *group;
	bool room = global_zone_page_state(NR_FREE_PAGES) > totalram_pages() / ROOM_PART;

	rcu_read_lock();
	for (group = mem_cgroup_from_task(current); group && room; group = parent_mem_cgroup(group)) {
		unsigned long most = READ_ONCE(group->memory.max);

		room = page_counter_read(&group->memory) < most - most / ROOM_PART;
	}
	rcu_read_unlock();
	return room;
}

void lab_fill_ahead(struct vm_area_struct *vma, unsigned long address)
{
	unsigned long end = min(ALIGN(address + 1, FILL_BYTES), vma->vm_end);
	struct mm_struct *mm = vma->vm_mm;

	if ((vma->vm_flags & (VM_SHARED | VM_SPECIAL | VM_HUGETLB)) || !has_room())
		return;
	for (address = (address & PAGE_MASK) + PAGE_SIZE; address < end; address += PAGE_SIZE) {
		pte_t *pte = pte_offset_kernel(pmd_off(mm, address), address);

		if (pte_present(*pte) && PageAnon(pte_page(*pte)))
			continue;
		if (handle_mm_fault(vma, address, FAULT_FLAG_WRITE, NULL) & VM_FAULT_ERROR)
			return;
	}
}

void lab_count_call(void)
{
	struct lab_task *lab = mine();
	u32 paid, most = lab->above ? FREE_CALLS_OF_ENGINE : FREE_CALLS;

	if (time_travel_mode != TT_MODE_INFCPU && time_travel_mode != TT_MODE_EXTERNAL)
		return;
	if (lab->waits != current->nvcsw) {
		lab->waits = current->nvcsw;
		lab->calls = 0;
		return;
	}
	if (lab->calls < most) {
		lab->calls++;
		return;
	}
	paid = lab->calls - most;
	if (paid < CALLS_A_PRICE * DOUBLINGS)
		lab->calls++;
	um_udelay(FIRST_PRICE << (paid / CALLS_A_PRICE));
	schedule();
}

/* Calls that cost nothing yet, counted as lab_count_call() does. */
static u32 free_calls(const struct lab_task *lab)
{
	u32 most = lab->above ? FREE_CALLS_OF_ENGINE : FREE_CALLS;

	return lab->waits == current->nvcsw ? most - min(lab->calls, most) : most + 1;
}

static bool calls_are_seen(void)
{
	return read_thread_flags() & (_TIF_SYSCALL_TRACE | _TIF_SECCOMP);
}

void lab_lend_clock(struct lab_clock *clock, int most)
{
	unsigned long flags;
	u64 room;

	lent = 0;
	clock->left = 0;
	if (most <= 0 || calls_are_seen() ||
	    (time_travel_mode != TT_MODE_INFCPU && time_travel_mode != TT_MODE_EXTERNAL))
		return;
	clock->step = lab_is_free() ? 0 : TIMER_MULTIPLIER;
	room = min_t(u64, most, free_calls(mine()));
	if (clock->step)
		room = min_t(u64, room, lab_time_to_event() / clock->step);
	if (room < 2)
		return;
	local_irq_save(flags);	/* so that this reading is free */
	clock->monotonic = ktime_get_ns();
	clock->to_realtime = ktime_get_real_ns() - clock->monotonic;
	local_irq_restore(flags);
	lent = room - 1;
	clock->lent = lent;
	clock->left = lent;
}

/* Write into the vDSO's image where each process finds its clock. */
void lab_place_clock(void *vdso)
{
	unsigned long *word;

	for (word = vdso; (void *)word < vdso + PAGE_SIZE; word++)
		if (*word == LAB_CLOCK_PLACE)
			*word = STUB_DATA + offsetof(struct stub_data, clock);
}

int lab_settle_clock(struct lab_clock *clock)
{
	u32 used = lent - min(READ_ONCE(clock->left), lent);
	struct lab_task *lab = mine();

	if (!used)
		return 0;
	if (lab->waits == current->nvcsw)
		lab->calls += used;
	else
		lab->calls = used - 1;
	lab->waits = current->nvcsw;
	if (!lab_is_free())
		lab_advance_time(used * TIMER_MULTIPLIER);
	return used;
}

bool lab_rdtsc(struct uml_pt_regs *regs)
{
	const u8 __user *code = (const u8 __user *)UPT_IP(regs);
	u8 bytes[BYTES_OF_RDTSCP];
	unsigned int length = BYTES_OF_RDTSC;
	u64 now;

	if (copy_from_user(bytes, code, BYTES_OF_RDTSC) || bytes[0] != 0x0f)
		return false;
	if (bytes[1] == 0x01) {
		if (copy_from_user(bytes, code, BYTES_OF_RDTSCP) || bytes[2] != 0xf9)
			return false;
		length = BYTES_OF_RDTSCP;
		regs->gp[HOST_CX] = 0;
	} else if (bytes[1] != 0x31) {
		return false;
	}
	now = ktime_get_ns();
	regs->gp[HOST_AX] = (u32)now;
	regs->gp[HOST_DX] = now >> 32;
	regs->gp[HOST_IP] += length;
	return true;
}
