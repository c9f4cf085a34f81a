/* Slows every fsync and fdatasync of a process down by as many milliseconds as the file named by CHAOS_SLOW says (a number as
 * text; nothing or 0: not at all). Loaded with LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void wait_for_disk(void)
{
	char text[16];
	const char *name = getenv("CHAOS_SLOW");
	int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
	if (file < 0)
		return;
	ssize_t n = read(file, text, sizeof text - 1);
	close(file);
	if (n <= 0)
		return;
	text[n] = 0;
	long ms = strtol(text, NULL, 10);
	struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
	if (ms > 0)
		nanosleep(&pause, NULL);
}

int fsync(int fd)
{
	static int (*real)(int);
	if (!real)
		real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
	wait_for_disk();
	return real(fd);
}

int fdatasync(int fd)
{
	static int (*real)(int);
	if (!real)
		real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	wait_for_disk();
	return real(fd);
}
