/* Notes every change that a process makes to the files and folders below one folder, every flush of them, and every byte
 * that it sends to a socket, in the order in which they happen, so that a power cut can be played afterwards at any point.
 *
 * Preloaded by the power-cut test. POWER_FOLDER is the folder, POWER_JOURNAL the file that the notes are appended to.
 * A change is noted once it is done; a flush when it begins and when it is done, so that only what was done before it
 * began counts as flushed; a send before it is done. The wrong side, if any, is the strict one. A shared-memory file
 * is left out: nobody believes one after a power cut.
 *
 * While a file of the journal's name with ".die" behind it is there, the process kills itself in place of its next
 * flush: the write is done, the system knows it, the disk does not. If that file has a name in it, only a flush of the
 * file of that name counts.
 *
 * A note: kind (1 byte), file (8, inode), offset (8), length (4), then so many bytes. Little endian. Names are paths
 * below the folder; the folder itself has the number 1. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int journal = -1;
static char folder[PATH_MAX];
static char die[PATH_MAX];

static long raw_openat(const char *path, int flags, int mode) { return syscall(SYS_openat, AT_FDCWD, path, flags, mode); }

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("POWER_FOLDER"), *notes = getenv("POWER_JOURNAL");
    if (!name || !notes || !realpath(name, folder)) return;
    snprintf(die, sizeof die, "%s.die", notes);
    journal = (int)raw_openat(notes, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static void note(char kind, uint64_t file, uint64_t offset, const void *bytes, size_t length) {
    unsigned char head[21];
    uint32_t size = (uint32_t)length;
    int before = errno;
    if (journal < 0) return;
    head[0] = (unsigned char)kind;
    memcpy(head + 1, &file, 8);
    memcpy(head + 9, &offset, 8);
    memcpy(head + 17, &size, 4);
    struct iovec parts[2] = {{head, sizeof head}, {(void *)bytes, length}};
    if (syscall(SYS_writev, journal, parts, 2) != (long)(sizeof head + length)) abort();
    errno = before;
}

/* What is left of a path below the folder, "" for the folder itself; NULL for others. */
static const char *below(const char *path) {
    size_t prefix = strlen(folder);
    if (strncmp(path, folder, prefix) != 0) return NULL;
    if (path[prefix] == 0) return path + prefix;
    return path[prefix] == '/' ? path + prefix + 1 : NULL;
}

/* The path of a descriptor, if it lies in the folder; NULL for others. */
static const char *path_of(int fd) {
    static __thread char path[PATH_MAX];
    char link[64];
    if (journal < 0) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return NULL;
    path[length] = 0;
    return length > 4 && strcmp(path + length - 4, "-shm") == 0 ? NULL : below(path);
}

/* The file of a descriptor, if it lies in the folder: 0 for others. */
static uint64_t file_of(int fd) {
    struct stat found;
    const char *path = path_of(fd);
    if (!path) return 0;
    if (*path == 0) return 1;
    return fstat(fd, &found) == 0 ? found.st_ino : 0;
}

/* The path below the folder that a name stands for, whether there is such a file or not. */
static const char *name_in_folder(const char *path) {
    static __thread char full[PATH_MAX];
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (journal < 0 || !slash || (size_t)(slash - path) >= sizeof parent || strstr(slash, "-shm")) return NULL;
    memcpy(parent, path, (size_t)(slash - path));
    parent[slash - path] = 0;
    if (!realpath(parent, full) || !below(full)) return NULL;
    size_t length = strlen(full);
    if (snprintf(full + length, sizeof full - length, "%s", slash) >= (int)(sizeof full - length)) return NULL;
    return below(full);
}

static uint64_t inode_of(const char *path) {
    struct stat found;
    return stat(path, &found) == 0 ? found.st_ino : 0;
}

static int open_noted(const char *path, int flags, int mode) {
    int before = errno;
    const char *name = (flags & O_CREAT) ? name_in_folder(path) : NULL;
    int is_new = name && access(path, F_OK) != 0;
    errno = before;
    int fd = (int)raw_openat(path, flags, mode);
    if (fd >= 0 && is_new) note('C', inode_of(path), 0, name, strlen(name));
    if (fd >= 0 && (flags & O_TRUNC)) {
        uint64_t file = file_of(fd);
        if (file > 1) note('T', file, 0, NULL, 0);
    }
    return fd;
}

#define OPEN(name)                                    \
    int name(const char *path, int flags, ...) {      \
        va_list more;                                 \
        va_start(more, flags);                        \
        int mode = va_arg(more, int);                 \
        va_end(more);                                 \
        return open_noted(path, flags, mode);         \
    }
OPEN(open)
OPEN(open64)

int openat(int at, const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    int mode = va_arg(more, int);
    va_end(more);
    if (at == AT_FDCWD || path[0] == '/') return open_noted(path, flags, mode);
    return (int)syscall(SYS_openat, at, path, flags, mode);
}
int openat64(int at, const char *path, int flags, ...) __attribute__((alias("openat")));

static ssize_t written(int fd, const void *bytes, ssize_t length, off64_t offset) {
    uint64_t file = length > 0 ? file_of(fd) : 0;
    if (file > 1) note('W', file, (uint64_t)offset, bytes, (size_t)length);
    return length;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    return written(fd, bytes, syscall(SYS_pwrite64, fd, bytes, length, offset), offset);
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return pwrite64(fd, bytes, length, offset); }

static int is_socket(int fd) {
    int type;
    socklen_t size = sizeof type;
    int before = errno, answer = journal >= 0 && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
    errno = before;
    return answer;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    if (is_socket(fd)) note('S', 0, 0, bytes, length);
    off64_t at = journal >= 0 ? lseek64(fd, 0, SEEK_CUR) : 0;
    return written(fd, bytes, syscall(SYS_write, fd, bytes, length), at);
}

static void sends(int fd, const struct iovec *parts, size_t count) {
    if (!is_socket(fd)) return;
    for (size_t index = 0; index < count; index++) note('S', 0, 0, parts[index].iov_base, parts[index].iov_len);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    sends(fd, parts, (size_t)count);
    return syscall(SYS_writev, fd, parts, count);
}
ssize_t send(int fd, const void *bytes, size_t length, int flags) {
    if (journal >= 0) note('S', 0, 0, bytes, length);
    return syscall(SYS_sendto, fd, bytes, length, flags, NULL, 0);
}
ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    sends(fd, message->msg_iov, message->msg_iovlen);
    return syscall(SYS_sendmsg, fd, message, flags);
}

/* Whether the process is to die at a flush of this file. */
static int dies_at(const char *path) {
    char name[NAME_MAX + 1];
    int fd = (int)raw_openat(die, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return 0;
    long length = syscall(SYS_read, fd, name, sizeof name - 1);
    syscall(SYS_close, fd);
    if (length < 0) return 0;
    name[length] = 0;
    const char *slash = strrchr(path, '/');
    return (length == 0 || strcmp(slash ? slash + 1 : path, name) == 0) && syscall(SYS_unlinkat, AT_FDCWD, die, 0) == 0;
}

static int flushed(int fd, long call) {
    int before = errno;
    uint64_t file = file_of(fd);
    if (file && dies_at(path_of(fd))) kill(getpid(), SIGKILL);
    errno = before;
    if (file) note('f', file, (uint64_t)gettid(), NULL, 0);
    int answer = (int)syscall(call, fd);
    if (file && answer == 0) note('F', file, (uint64_t)gettid(), NULL, 0);
    return answer;
}
int fsync(int fd) { return flushed(fd, SYS_fsync); }
int fdatasync(int fd) { return flushed(fd, SYS_fdatasync); }

int ftruncate64(int fd, off64_t length) {
    int answer = (int)syscall(SYS_ftruncate, fd, length);
    uint64_t file = answer == 0 ? file_of(fd) : 0;
    if (file > 1) note('T', file, (uint64_t)length, NULL, 0);
    return answer;
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int unlink(const char *path) {
    const char *name = name_in_folder(path);
    int answer = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (name && answer == 0) note('U', 0, 0, name, strlen(name));
    return answer;
}

int mkdir(const char *path, mode_t mode) {
    const char *name = name_in_folder(path);
    int answer = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    if (name && answer == 0) note('M', inode_of(path), 0, name, strlen(name));
    return answer;
}

/* Two names of a file, noted with a zero between them. */
static int named(char kind, const char *from, const char *to, long call) {
    char both[2 * PATH_MAX];
    const char *name = name_in_folder(from);
    int known = name && (size_t)snprintf(both, sizeof both, "%s", name) < PATH_MAX;
    size_t first = known ? strlen(both) + 1 : 0;
    name = known ? name_in_folder(to) : NULL;
    if (name) snprintf(both + first, sizeof both - first, "%s", name);
    int answer = (int)syscall(call, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (name && answer == 0) note(kind, 0, 0, both, first + strlen(both + first));
    return answer;
}
int rename(const char *from, const char *to) { return named('R', from, to, SYS_renameat); }
int link(const char *from, const char *to) { return named('L', from, to, SYS_linkat); }

int linkat(int at, const char *from, int other, const char *to, int flags) {
    if (flags == 0 && (at == AT_FDCWD || from[0] == '/') && (other == AT_FDCWD || to[0] == '/')) return link(from, to);
    return (int)syscall(SYS_linkat, at, from, other, to, flags);
}
