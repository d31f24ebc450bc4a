/*
 * A disk that hangs: while the file that HANG_WHILE names is there, no flush returns.
 *
 * Preloaded into the server. strace could delay a flush as well, but then the process cannot end before the delay has.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_for_disk(void) {
  const char *flag = getenv("HANG_WHILE");
  while (flag && access(flag, F_OK) == 0) usleep(20000);
}

int fsync(int fd) {
  static int (*next)(int);
  if (!next) next = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  wait_for_disk();
  return next(fd);
}

int fdatasync(int fd) {
  static int (*next)(int);
  if (!next) next = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  wait_for_disk();
  return next(fd);
}
