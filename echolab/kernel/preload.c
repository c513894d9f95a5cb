/*
 * Loaded into the process of a User-Mode Linux kernel by LD_PRELOAD.
 *
 * 1. Entropy. The kernel asks its host for entropy by getrandom(2) alone
 *    (arch/um/os-Linux/util.c, os_getrandom). Where ECHOLAB_SEED is set, the answers are
 *    the output of xoshiro256** (Blackman and Vigna, https://prng.di.unimi.it/), its state
 *    filled from the seed by SplitMix64 as its authors advise; so everything that the
 *    guest draws by chance follows from the seed. Without it the host's entropy is used.
 * 2. Life. The kernel gets SIGKILL when the thread that started it ends (prctl(2),
 *    PR_SET_PDEATHSIG), and its own children ask for the same, so nothing outlives its
 *    controller. ECHOLAB_PARENT tells a controller that died before the request was made.
 * 3. Stillness. A child that is stopped (SIGSTOP) would raise SIGCHLD in the kernel, which
 *    takes it for an interrupt and stirs its moment into its entropy: SA_NOCLDSTOP.
 * 4. The clock. In virtual time a read of the time stamp counter is a fault (lab.c), in this
 *    process, too. So it asks its host for the time by system calls, not by the vDSO.
 * 5. No core file: a kernel that panics calls abort(3), and its memory would land in the
 *    run's folder.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static uint64_t state[4];
static int seeded;

static uint64_t splitmix64(uint64_t *counter)
{
	uint64_t mixed = (*counter += 0x9e3779b97f4a7c15);

	mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
	mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
	return mixed ^ (mixed >> 31);
}

static uint64_t rotate_left(uint64_t word, int bits)
{
	return (word << bits) | (word >> (64 - bits));
}

static uint64_t xoshiro256starstar(void)
{
	uint64_t result = rotate_left(state[1] * 5, 7) * 9;
	uint64_t shifted = state[1] << 17;

	state[2] ^= state[0];
	state[3] ^= state[1];
	state[1] ^= state[2];
	state[0] ^= state[3];
	state[2] ^= shifted;
	state[3] = rotate_left(state[3], 45);
	return result;
}

__attribute__((constructor)) static void prepare(void)
{
	const struct rlimit none = {0, 0};
	const char *seed = getenv("ECHOLAB_SEED");
	const char *parent = getenv("ECHOLAB_PARENT");

	setrlimit(RLIMIT_CORE, &none);
	if (parent) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != (pid_t)strtol(parent, NULL, 10))
			_exit(1);
	}
	if (seed) {
		uint64_t counter = strtoull(seed, NULL, 10);

		for (int i = 0; i < 4; i++)
			state[i] = splitmix64(&counter);
		seeded = 1;
	}
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	return syscall(SYS_clock_gettime, clock, now);
}

int gettimeofday(struct timeval *now, void *zone)
{
	return syscall(SYS_gettimeofday, now, zone);
}

int sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
	static int (*next)(int, const struct sigaction *, struct sigaction *);
	struct sigaction still;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "sigaction");
	if (action && number == SIGCHLD) {
		still = *action;
		still.sa_flags |= SA_NOCLDSTOP;
		action = &still;
	}
	return next(number, action, old);
}

ssize_t getrandom(void *buffer, size_t length, unsigned int flags)
{
	unsigned char *to = buffer;
	size_t left = length;

	if (!seeded)
		return syscall(SYS_getrandom, buffer, length, flags);
	while (left) {
		uint64_t word = xoshiro256starstar();
		size_t part = left < sizeof(word) ? left : sizeof(word);

		memcpy(to, &word, part);
		to += part;
		left -= part;
	}
	return (ssize_t)length;
}

int getentropy(void *buffer, size_t length)
{
	if (length > 256) {
		errno = EIO;
		return -1;
	}
	return getrandom(buffer, length, 0) == (ssize_t)length ? 0 : -1;
}
