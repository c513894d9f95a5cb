/*
 * Loaded beside preload.c where no file system in memory can hold the guest's memory: in a
 * container, /dev/shm is small and mounted noexec, and /tmp is on a disk.
 *
 * The kernel keeps its memory in a file that it makes with mkstemp64(3) and removes at once
 * (arch/um/os-Linux/mem.c, make_tempfile). Here the descriptor that it gets is that of a file
 * without a name, which is in memory wherever the file would have been (memfd_create(2)).
 * Where there is none that can be mapped with PROT_EXEC, it keeps the file on the disk.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

static int unnamed(void)
{
	int file = memfd_create("guest", MFD_CLOEXEC | MFD_EXEC);

	if (file < 0) /* before Linux 6.3, where each can be executed */
		file = memfd_create("guest", MFD_CLOEXEC);
	return file;
}

int mkstemp64(char *template)
{
	int (*next)(char *) = (int (*)(char *))dlsym(RTLD_NEXT, "mkstemp64");
	long page = sysconf(_SC_PAGESIZE);
	int file = next(template);
	int memory;
	void *place;

	if (file < 0 || (memory = unnamed()) < 0)
		return file;
	place = mmap(NULL, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED, memory, 0);
	if (place != MAP_FAILED) {
		munmap(place, page);
		dup2(memory, file);
	}
	close(memory);
	return file;
}
