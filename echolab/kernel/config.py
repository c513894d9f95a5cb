"""How the guest kernel is configured: our fragment, our patches, and checks of both."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from echolab.errors import CannotRun

HERE = Path(__file__).parent
FRAGMENT = HERE / "guest.config"
PRELOAD = HERE / "preload.c"

LINE = re.compile(r"(CONFIG_\w+)=(\S+)\s+#\s*(\[where known\])?\s*(\S.*)")


@dataclasses.dataclass(frozen=True)
class Option:
    """One option that we want. `where_known` marks one that only some kernels have."""

    name: str
    value: str
    reason: str
    where_known: bool = False

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


@dataclasses.dataclass(frozen=True)
class Patch:
    """One change of the source: in `file`, `old` becomes `new`, exactly once.

    `otherwise` are the same lines and their replacement as other kernels have them. With
    `where_known`, kernels without these lines stay as they are.
    """

    file: str
    old: str
    new: str
    reason: str
    otherwise: tuple[str, str] | None = None
    where_known: bool = False

    def apply(self, text: str) -> str:
        """The patched text. Raises CannotRun unless the lines occur exactly once."""
        forms = [(self.old, self.new)] + ([self.otherwise] if self.otherwise else [])
        found = [(old, new) for old, new in forms if text.count(old) == 1]
        if self.where_known and not any(old in text for old, _ in forms):
            return text
        if len(found) != 1:
            raise CannotRun(
                f"our patch does not fit the kernel's {self.file} ({self.reason})",
                "give a kernel that is already built: ECHOLAB_KERNEL=FILE",
            )
        return text.replace(*found[0])


SOURCES = {
    HERE / "lab.c": "arch/um/kernel/lab.c",
    HERE / "lab.h": "include/linux/lab.h",
    HERE / "lab_clock.h": "arch/um/include/shared/lab_clock.h",
}
"""Files of ours that become part of the kernel, and where."""

OPENING = "int __vdso_clock_gettime(clockid_t clock, struct {} *ts)\n{{\n"

READING = (
    "\tunsigned long long now;\n\tlong ret;\n\n"
    "\tif ((clock == CLOCK_MONOTONIC || clock == CLOCK_REALTIME || clock == CLOCK_BOOTTIME) &&\n"
    "\t    lab_read(clock == CLOCK_REALTIME, &now)) {\n"
    "\t\tts->tv_sec = now / NSEC_PER_SEC;\n"
    "\t\tts->tv_nsec = now % NSEC_PER_SEC;\n"
    "\t\treturn 0;\n\t}\n"
)

PATCHES = (
    Patch(
        "arch/um/Kconfig",
        "config HZ\n\tint\n\tdefault 100\n",
        "config HZ\n\tint\n\tdefault 1000\n",
        "TCP's timers fall on steps of 1 ms, not of 10 ms; the option has no prompt",
    ),
    Patch(
        "drivers/char/random.c",
        "\t_mix_pool_bytes(command_line, strlen(command_line));\n",
        "",
        "the same seed gives the same entropy, whatever the clock or memory of the boot",
    ),
    Patch(
        "arch/um/kernel/Makefile",
        "obj-y += load_file.o\n",
        "obj-y += load_file.o lab.o\n",
        "what the lab's kernel has beyond Linux is built",
    ),
    Patch(
        "arch/um/include/asm/processor-generic.h",
        "struct mm_struct;\n\nstruct thread_struct {\n",
        "struct mm_struct;\n\n#include <linux/lab.h>\n\n"
        "struct thread_struct {\n\tstruct lab_task lab;\n",
        "each task knows its stream of chance and its system calls",
    ),
    Patch(
        "arch/um/kernel/process.c",
        "\tp->thread = (struct thread_struct) INIT_THREAD;\n",
        "\tp->thread = (struct thread_struct) INIT_THREAD;\n"
        "\tlab_fork(&p->thread.lab, &current->thread.lab);\n",
        "a child's stream of chance follows from its parent's",
    ),
    Patch(
        "arch/um/kernel/exec.c",
        "\tarch_flush_thread(&current->thread.arch);\n",
        "\tarch_flush_thread(&current->thread.arch);\n\tlab_exec(&current->thread.lab);\n",
        "what was started has become a program",
    ),
    Patch(
        "arch/um/kernel/time.c",
        "\t\treturn time_travel_time / TIMER_MULTIPLIER;\n",
        "\t\treturn time_travel_time;\n",
        "the clock counts nanoseconds, so that no rest of a step is handed on unseen",
    ),
    Patch(
        "arch/um/kernel/time.c",
        "\treturn os_nsecs() / TIMER_MULTIPLIER;\n",
        "\treturn os_nsecs();\n",
        "the clock counts nanoseconds",
    ),
    Patch(
        "arch/um/kernel/time.c",
        "clocksource_register_hz(&timer_clocksource, NSEC_PER_SEC/TIMER_MULTIPLIER);\n",
        "clocksource_register_hz(&timer_clocksource, NSEC_PER_SEC);\n",
        "the clock counts nanoseconds",
    ),
    Patch(
        "arch/um/kernel/time.c",
        "\t\t    !time_travel_ext_waiting)\n\t\t\ttime_travel_update_time_rel(TIMER_MULTIPLIER);\n",
        "\t\t    !time_travel_ext_waiting && !lab_is_free())\n"
        "\t\t\ttime_travel_update_time_rel(TIMER_MULTIPLIER);\n",
        "the engine reads the clock without moving it",
    ),
    Patch(
        "arch/um/kernel/time.c",
        "EXPORT_SYMBOL(time_travel_ndelay);\n",
        "EXPORT_SYMBOL(time_travel_ndelay);\n\n"
        "void lab_advance_time(unsigned long long by)\n{\n"
        "\ttime_travel_update_time_rel(by);\n}\n\n"
        "unsigned long long lab_time_to_event(void)\n{\n"
        "\tstruct time_travel_event *event = time_travel_first_event();\n"
        "\tunsigned long long until = event ? event->time : S64_MAX;\n\n"
        "\tif (time_travel_mode == TT_MODE_EXTERNAL)\n"
        "\t\tuntil = time_travel_ext_free_until && !time_travel_ext_waiting ?\n"
        "\t\t\tmin(until, *time_travel_ext_free_until - time_travel_shm_offset) : 0;\n"
        "\treturn until > time_travel_time ? until - time_travel_time : 0;\n}\n\n"
        "void lab_align_time(unsigned long long step)\n{\n"
        "\ttime_travel_update_time_rel(step - time_travel_time % step);\n}\n",
        "a lab begins at a whole step of time; a clock is lent until the next event",
    ),
    Patch(
        "arch/um/kernel/time.c",
        "#include <linux/time-internal.h>\n",
        "#include <linux/time-internal.h>\n#include <linux/lab.h>\n",
        "the line above",
    ),
    Patch(
        "arch/um/kernel/skas/syscall.c",
        "\t\tif (IS_ERR_VALUE(ret) &&\n",
        "\t\tlab_count_call();\n\t\tif (IS_ERR_VALUE(ret) && !lab_is_free() &&\n",
        "a program that polls gets on; what fails in the engine costs no time",
    ),
    Patch(
        "kernel/sys.c",
        "\terror = 0;\n\tswitch (option) {\n\tcase PR_SET_PDEATHSIG:\n",
        "\terror = 0;\n\tswitch (option) {\n\tcase PR_LAB:\n"
        "\t\terror = lab_prctl(arg2, arg3, arg4, arg5);\n\t\tbreak;\n\tcase PR_SET_PDEATHSIG:\n",
        "the engine says where a lab begins, and whose stream a program has",
    ),
    Patch(
        "drivers/char/random.c",
        "\t/*\n\t * For the fast path, we check whether we're ready, unlocked first, and\n",
        "\tif (lab_begun) {\n\t\tu8 key[CHACHA_KEY_SIZE];\n\n"
        "\t\tlab_draw(key, sizeof(key));\n"
        "\t\tcrng_fast_key_erasure(key, chacha_state, random_data,\n"
        "\t\t\t\t      random_data_len);\n"
        "\t\treturn;\n\t}\n\n"
        "\t/*\n\t * For the fast path, we check whether we're ready, unlocked first, and\n",
        "what a task draws follows from its own stream",
    ),
    Patch(
        "drivers/char/random.c",
        "\tif  (!crng_ready()) {",
        "\tif  (lab_begun || !crng_ready()) {",
        "no store of random numbers that others have drawn from",
    ),
    Patch(
        "include/linux/once.h",
        "\tDO_ONCE(get_random_bytes, (buf), (nbytes))",
        "\tDO_ONCE(lab_draw_once, (buf), (nbytes), __func__, #buf)",
        "what is drawn once for good does not depend on who comes first",
    ),
    Patch(
        "include/linux/once.h",
        "\tDO_ONCE_SLEEPABLE(get_random_bytes, (buf), (nbytes))",
        "\tDO_ONCE_SLEEPABLE(lab_draw_once, (buf), (nbytes), __func__, #buf)",
        "what is drawn once for good does not depend on who comes first",
    ),
    Patch(
        "include/linux/once.h",
        "#include <linux/jump_label.h>\n",
        "#include <linux/jump_label.h>\n#include <linux/lab.h>\n",
        "the lines above",
    ),
    Patch(
        "arch/um/kernel/trap.c",
        "\tif (UPT_IS_USER(regs) && !SEGV_IS_FIXABLE(fi)) {\n",
        "\tif (UPT_IS_USER(regs) && !SEGV_IS_FIXABLE(fi)) {\n"
        "\t\tif (lab_rdtsc(regs))\n\t\t\treturn;\n",
        "the time stamp counter tells the guest's time",
    ),
    Patch(
        "net/core/dev.c",
        "\t\t/* need to clone skb, done only once */\n\t\tskb2 = skb_clone(skb, GFP_ATOMIC);\n",
        "\t\t/* need to copy skb, done only once */\n\t\tskb2 = skb_copy(skb, GFP_ATOMIC);\n",
        "a capture of what is sent shares no memory with it: TCP would merge and count otherwise",
    ),
    Patch(
        "net/packet/af_packet.c",
        "\tif (skb_shared(skb)) {\n\t\tstruct sk_buff *nskb = skb_clone(skb, GFP_ATOMIC);\n",
        "\tif (skb_shared(skb)) {\n\t\tstruct sk_buff *nskb = skb_copy(skb, GFP_ATOMIC);\n",
        "a capture of what arrives shares no memory with it",
    ),
    Patch(
        "net/sched/act_mirred.c",
        "\t\tskb_to_send = skb_clone(skb, GFP_ATOMIC);\n",
        "\t\tskb_to_send = is_redirect ? skb_clone(skb, GFP_ATOMIC) :\n"
        "\t\t\t\t\t    skb_copy(skb, GFP_ATOMIC);\n",
        "a capture of what meets the link shares no memory with it",
        otherwise=(
            "\t\tskb2 = skb_clone(skb, GFP_ATOMIC);\n",
            "\t\tskb2 = is_redirect ? skb_clone(skb, GFP_ATOMIC) :\n"
            "\t\t\t\t     skb_copy(skb, GFP_ATOMIC);\n",
        ),
    ),
    Patch(
        "net/sched/sch_netem.c",
        "static struct Qdisc_ops netem_qdisc_ops __read_mostly = {\n",
        "static int netem_enqueue_segments(struct sk_buff *skb, struct Qdisc *sch,\n"
        "\t\t\t\t  struct sk_buff **to_free)\n"
        "{\n"
        "\tunsigned int length = 0, all = qdisc_pkt_len(skb);\n"
        "\tstruct sk_buff *segment, *next;\n"
        "\tint queued = 0;\n\n"
        "\tif (!skb_is_gso(skb))\n"
        "\t\treturn netem_enqueue(skb, sch, to_free);\n"
        "\tsegment = skb_gso_segment(skb, netif_skb_features(skb) & ~NETIF_F_GSO_MASK);\n"
        "\tif (IS_ERR_OR_NULL(segment))\n"
        "\t\treturn qdisc_drop(skb, sch, to_free);\n"
        "\tskb_list_walk_safe(segment, segment, next) {\n"
        "\t\tunsigned int own = segment->len;\n\n"
        "\t\tskb_mark_not_on_list(segment);\n"
        "\t\tqdisc_skb_cb(segment)->pkt_len = own;\n"
        "#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)\n"
        "\t\tqdisc_skb_cb(segment)->pkt_segs = 1;\n"
        "#endif\n"
        "\t\tif (netem_enqueue(segment, sch, to_free) == NET_XMIT_SUCCESS) {\n"
        "\t\t\tqueued++;\n"
        "\t\t\tlength += own;\n"
        "\t\t}\n"
        "\t}\n"
        "\tconsume_skb(skb);\n"
        "\tif (!queued)\n"
        "\t\treturn NET_XMIT_SUCCESS | __NET_XMIT_BYPASS;\n"
        "\tqdisc_tree_reduce_backlog(sch, 1 - queued, all - length);\n"
        "\treturn NET_XMIT_SUCCESS;\n"
        "}\n\n"
        "static struct Qdisc_ops netem_qdisc_ops __read_mostly = {\n",
        "the link carries segments, so that packets die and not bursts (UDP_SEGMENT)",
    ),
    Patch(
        "net/sched/sch_netem.c",
        "#include <linux/reciprocal_div.h>\n",
        "#include <linux/reciprocal_div.h>\n#include <linux/version.h>\n",
        "a burst's number of segments is known to kernels since 6.19",
    ),
    Patch(
        "net/sched/sch_netem.c",
        "\t.enqueue\t=\tnetem_enqueue,\n",
        "\t.enqueue\t=\tnetem_enqueue_segments,\n",
        "the lines above",
    ),
    Patch(
        "net/sched/sch_netem.c",
        "\t\t\tu32 offset = get_random_u32_below(skb->len);\n"
        "\t\t\tskb->data[offset] ^= 1 << get_random_u32_below(8);\n",
        "\t\t\tu32 chance = prandom_u32_state(&q->prng.prng_state);\n\n"
        "\t\t\tskb->data[reciprocal_scale(chance, skb->len)] ^=\n"
        "\t\t\t\t1 << (prandom_u32_state(&q->prng.prng_state) & 7);\n",
        "which bit is corrupted follows from the link's seed",
        otherwise=(
            "\t\t\tskb->data[get_random_u32_below(skb_headlen(skb))] ^=\n"
            "\t\t\t\t1 << get_random_u32_below(8);\n",
            "\t\t\tskb->data[reciprocal_scale(prandom_u32_state(&q->prng.prng_state),\n"
            "\t\t\t\t\t\t   skb_headlen(skb))] ^=\n"
            "\t\t\t\t1 << (prandom_u32_state(&q->prng.prng_state) & 7);\n",
        ),
    ),
    Patch(
        "arch/um/kernel/trap.c",
        "\terr = 0;\n\t/*\n\t * The below warning was added in place of\n",
        "\terr = 0;\n\tif (is_write && is_user)\n\t\tlab_fill_ahead(vma, address);\n"
        "\t/*\n\t * The below warning was added in place of\n",
        "a first write brings the pages behind it along",
    ),
    Patch(
        "arch/um/include/shared/skas/stub-data.h",
        "#include <sysdep/tls.h>\n",
        "#include <sysdep/tls.h>\n#include <lab_clock.h>\n",
        "the line below",
    ),
    Patch(
        "arch/um/include/shared/skas/stub-data.h",
        "\t/* Stack for our signal handlers and for calling into . */\n",
        "\tstruct lab_clock clock;\n\n"
        "\t/* Stack for our signal handlers and for calling into . */\n",
        "a clock that process and kernel share",
    ),
    Patch(
        "arch/um/os-Linux/skas/process.c",
        "\t\t\tproc_data->syscall_data_len = mm_id->syscall_data_len;\n\n"
        "\t\t\twait_stub_done_seccomp(mm_id, 0, 0);\n",
        "\t\t\tproc_data->syscall_data_len = mm_id->syscall_data_len;\n\n"
        "\t\t\tlab_lend_clock(&proc_data->clock, CONFIG_UML_MAX_USERSPACE_ITERATIONS -\n"
        "\t\t\t\t       unscheduled_userspace_iterations);\n"
        "\t\t\twait_stub_done_seccomp(mm_id, 0, 0);\n"
        "\t\t\tunscheduled_userspace_iterations += lab_settle_clock(&proc_data->clock);\n",
        "a process reads the clock without a system call, and pays for it afterwards",
        where_known=True,
    ),
    Patch(
        "arch/x86/um/vdso/vma.c",
        "\tcopy_page(page_address(um_vdso), vdso_start);\n",
        "\tcopy_page(page_address(um_vdso), vdso_start);\n"
        "\tlab_place_clock(page_address(um_vdso));\n",
        "the vDSO knows where the clock is",
    ),
    Patch(
        "arch/x86/um/vdso/vma.c",
        "#include <linux/init.h>\n",
        "#include <linux/init.h>\n#include <linux/lab.h>\n",
        "the line above",
    ),
    Patch(
        "arch/x86/um/vdso/um_vdso.c",
        "#include <asm/unistd.h>\n",
        "#include <asm/unistd.h>\n#include <lab_clock.h>\n\n"
        "static const volatile unsigned long lab_clock = LAB_CLOCK_PLACE;\n\n"
        "/* Read the clock that the kernel has lent; false if it must be asked. */\n"
        "static bool lab_read(bool realtime, unsigned long long *now)\n{\n"
        "\tvolatile struct lab_clock *clock = (void *)lab_clock;\n"
        "\tunsigned int left = clock->left;\n\n"
        "\tif (!left)\n\t\treturn false;\n"
        "\tclock->left = --left;\n"
        "\t*now = clock->monotonic +\n"
        "\t\t(unsigned long long)(clock->lent - left) * clock->step;\n"
        "\tif (realtime)\n\t\t*now += clock->to_realtime;\n"
        "\treturn true;\n}\n",
        "the vDSO reads the clock that is lent",
    ),
    Patch(
        "arch/x86/um/vdso/um_vdso.c",
        f"{OPENING.format('__kernel_timespec')}\tlong ret;\n\n",
        f"{OPENING.format('__kernel_timespec')}{READING}",
        "clock_gettime(2) by the clock that is lent",
        otherwise=(
            f"{OPENING.format('__kernel_old_timespec')}\tlong ret;\n\n",
            f"{OPENING.format('__kernel_old_timespec')}{READING}",
        ),
    ),
    Patch(
        "arch/x86/um/vdso/um_vdso.c",
        "__vdso_gettimeofday(struct __kernel_old_timeval *tv, struct timezone *tz)\n"
        "{\n\tlong ret;\n\n",
        "__vdso_gettimeofday(struct __kernel_old_timeval *tv, struct timezone *tz)\n"
        "{\n\tunsigned long long now;\n\tlong ret;\n\n"
        "\tif (tv && !tz && lab_read(true, &now)) {\n"
        "\t\ttv->tv_sec = now / NSEC_PER_SEC;\n"
        "\t\ttv->tv_usec = now % NSEC_PER_SEC / NSEC_PER_USEC;\n"
        "\t\treturn 0;\n\t}\n",
        "gettimeofday(2) by the clock that is lent",
    ),
    Patch(
        "mm/memory.c",
        "\t/*\n\t * Don't copy ptes where a page fault will fill them correctly.  Fork\n",
        "\tif (lab_copies())\n\t\treturn true;\n\n"
        "\t/*\n\t * Don't copy ptes where a page fault will fill them correctly.  Fork\n",
        "a fork that copies memory at once copies what belongs to files, too",
    ),
    Patch(
        "mm/memory.c",
        "\t\tif (unlikely(folio_try_dup_anon_rmap_pte(folio, page, dst_vma, src_vma))) {\n",
        "\t\tif ((lab_copies() && (src_vma->vm_flags & VM_WRITE)) ||\n"
        "\t\t    unlikely(folio_try_dup_anon_rmap_pte(folio, page, dst_vma, src_vma))) {\n",
        "a fork that copies memory at once",
        otherwise=(
            "\t\tif (unlikely(folio_try_dup_anon_rmap_pte(folio, page, src_vma))) {\n",
            "\t\tif ((lab_copies() && (src_vma->vm_flags & VM_WRITE)) ||\n"
            "\t\t    unlikely(folio_try_dup_anon_rmap_pte(folio, page, src_vma))) {\n",
        ),
    ),
    Patch(
        "mm/memory.c",
        "\t\tnew_folio = vma_alloc_folio(GFP_HIGHUSER_MOVABLE, 0, vma, addr);\n\n"
        "\tif (!new_folio)\n\t\treturn NULL;\n\n\tif (mem_cgroup_charge(new_folio, src_mm,",
        "\t\tnew_folio = lab_copies() ? lab_folio() :\n"
        "\t\t\tvma_alloc_folio(GFP_HIGHUSER_MOVABLE, 0, vma, addr);\n\n"
        "\tif (!new_folio)\n\t\treturn NULL;\n\n\tif (mem_cgroup_charge(new_folio, src_mm,",
        "what is copied at once lies side by side",
        otherwise=(
            "\t\tnew_folio = vma_alloc_folio(GFP_HIGHUSER_MOVABLE, 0, vma,\n"
            "\t\t\t\t\t    addr, false);\n\n"
            "\tif (!new_folio)\n\t\treturn NULL;\n\n\tif (mem_cgroup_charge(new_folio, src_mm,",
            "\t\tnew_folio = lab_copies() ? lab_folio() :\n"
            "\t\t\tvma_alloc_folio(GFP_HIGHUSER_MOVABLE, 0, vma, addr, false);\n\n"
            "\tif (!new_folio)\n\t\treturn NULL;\n\n\tif (mem_cgroup_charge(new_folio, src_mm,",
        ),
    ),
    Patch(
        "mm/memory.c",
        "\t\tpte = pte_mkclean(pte);\n\tpte = pte_mkold(pte);\n",
        "\t\tpte = pte_mkclean(pte);\n",
        "what a forked child has may be read without a fault: it is mapped in any case",
    ),
)


def options(text: str) -> tuple[Option, ...]:
    """The options of a fragment. Raises CannotRun for a line without an option or a reason."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if not match:
            raise CannotRun(
                f"line {number} of the kernel's configuration is not 'OPTION=VALUE  # reason'",
                f"correct it: {line}",
            )
        name, value, where_known, reason = match.groups()
        found.append(Option(name, value, reason, where_known is not None))
    return tuple(found)


def fragment(wanted: Iterable[Option]) -> str:
    """The options as `make allnoconfig` reads them (KCONFIG_ALLCONFIG)."""
    return "".join(f"{option}\n" for option in wanted)


def dropped(wanted: Iterable[Option], result: str) -> tuple[Option, ...]:
    """The wanted options that the finished `.config` lacks.

    An option marked [where known] may be unknown to the kernel, but must not be turned off.
    """
    lines = set(result.splitlines())
    return tuple(
        option
        for option in wanted
        if str(option) not in lines
        and (not option.where_known or f"# {option.name} is not set" in lines)
    )


def recipe() -> str:
    """A digest of everything that defines our kernel: fragment, patches, sources, preload."""
    digest = hashlib.sha256()
    sources = (file.read_text(encoding="utf-8") for file in SOURCES)
    for part in (
        FRAGMENT.read_text(encoding="utf-8"),
        repr(PATCHES),
        PRELOAD.read_text(encoding="utf-8"),
        *sources,
    ):
        digest.update(hashlib.sha256(part.encode()).digest())
    return digest.hexdigest()[:12]
