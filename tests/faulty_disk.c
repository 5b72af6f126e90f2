/* A disk that fails when a test says so: preloaded (LD_PRELOAD) into a process, it refuses calls on named paths.

   The file that FAULTY_DISK names says which, a line each: CALLS ERROR PATTERN, for example

       write,sync EIO /tmp/x/spool.db*

   CALLS: of read, write, sync, open, create, list, stat, or all; what belongs to each is said where it is wrapped below.
   ERROR: EIO, EROFS, ENOSPC, EACCES, ENOENT, ESTALE or a number. PATTERN: as fnmatch(3) of the whole path, '*' also over '/'.
   The file is looked at before every call and read when it was replaced, so a disk breaks and heals under a running
   process. Without the file, or with an empty one, nothing fails. A write of a memory map cannot be caught. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define MOST_RULES 32
#define LARGEST 16384

struct rule {
    char calls[64];
    int error;
    char pattern[PATH_MAX];
};

static struct rule rules[MOST_RULES];
static int count;
static unsigned long long seen_inode, seen_time;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static int error_of(const char *name) {
    static const struct {
        const char *name;
        int number;
    } known[] = {{"EIO", EIO},       {"EROFS", EROFS},   {"ENOSPC", ENOSPC},
                 {"EACCES", EACCES}, {"ENOENT", ENOENT}, {"ESTALE", ESTALE}};
    for (size_t n = 0; n < sizeof known / sizeof *known; n++)
        if (strcmp(known[n].name, name) == 0) return known[n].number;
    return atoi(name);
}

static void parse(char *text) {
    count = 0;
    for (char *rest = NULL, *line = strtok_r(text, "\n", &rest); line && count < MOST_RULES;
         line = strtok_r(NULL, "\n", &rest)) {
        char name[16];
        struct rule *rule = &rules[count];
        if (sscanf(line, "%63s %15s %4095[^\n]", rule->calls, name, rule->pattern) != 3) continue;
        rule->error = error_of(name);
        count++;
    }
}

/* By system calls alone: the wrapped functions would come back here. */
static void read_rules(void) {
    const char *control = getenv("FAULTY_DISK");
    struct statx found;
    if (!control || syscall(SYS_statx, AT_FDCWD, control, 0, STATX_BASIC_STATS, &found) != 0) {
        count = 0;
        seen_inode = 0;
        return;
    }
    unsigned long long changed = found.stx_ctime.tv_sec * 1000000000ULL + found.stx_ctime.tv_nsec;
    if (found.stx_ino == seen_inode && changed == seen_time) return;
    static char text[LARGEST + 1];
    int fd = syscall(SYS_openat, AT_FDCWD, control, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t size = syscall(SYS_read, fd, text, LARGEST);
    syscall(SYS_close, fd);
    text[size < 0 ? 0 : size] = 0;
    parse(text);
    seen_inode = found.stx_ino;
    seen_time = changed;
}

static int has(const char *calls, const char *call) {
    if (strcmp(calls, "all") == 0) return 1;
    size_t length = strlen(call);
    for (const char *at = calls; (at = strstr(at, call)) != NULL; at += length)
        if ((at == calls || at[-1] == ',') && (at[length] == 0 || at[length] == ',')) return 1;
    return 0;
}

/* The error this call on this path is to fail with, or 0. */
static int refused(const char *call, const char *path) {
    int error = 0, kept = errno;
    pthread_mutex_lock(&mutex);
    read_rules();
    for (int n = 0; n < count && !error; n++)
        if (has(rules[n].calls, call) && fnmatch(rules[n].pattern, path, 0) == 0) error = rules[n].error;
    pthread_mutex_unlock(&mutex);
    errno = kept;
    return error;
}

static int refused_at(const char *call, int folder, const char *path) {
    char whole[2 * PATH_MAX], link[64];
    if (path[0] == '/') return refused(call, path);
    if (folder == AT_FDCWD)
        snprintf(link, sizeof link, "/proc/self/cwd");
    else
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t size = syscall(SYS_readlink, link, whole, PATH_MAX);
    if (size < 0) return 0;
    snprintf(whole + size, sizeof whole - size, "/%s", path);
    return refused(call, whole);
}

/* Python's signal handler writes into a socket, on a stack of some kilobytes and perhaps while its thread is in here:
   nothing is asked about what lies on no disk. */
static int lies_on_a_disk(int fd) {
    struct statx found;
    int kept = errno, known = syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &found) == 0;
    errno = kept;
    return known && (S_ISREG(found.stx_mode) || S_ISDIR(found.stx_mode));
}

static __attribute__((noinline)) int refused_named(const char *call, int fd) {
    char path[PATH_MAX], link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int kept = errno;
    ssize_t size = syscall(SYS_readlink, link, path, sizeof path - 1);
    errno = kept;
    if (size < 0) return 0;
    path[size] = 0;
    return refused(call, path);
}

static int refused_fd(const char *call, int fd) { return lies_on_a_disk(fd) ? refused_named(call, fd) : 0; }

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define ON_FD(call, type, name, parameters, arguments) \
    type name parameters { \
        REAL(name); \
        int error = refused_fd(call, fd); \
        if (error) { \
            errno = error; \
            return -1; \
        } \
        return real arguments; \
    }

#define ON_PATH(call, type, failure, name, parameters, arguments) \
    type name parameters { \
        REAL(name); \
        int error = refused_at(call, AT_FDCWD, path); \
        if (error) { \
            errno = error; \
            return failure; \
        } \
        return real arguments; \
    }

/* read */
ON_FD("read", ssize_t, read, (int fd, void *data, size_t size), (fd, data, size))
ON_FD("read", ssize_t, pread, (int fd, void *data, size_t size, off_t at), (fd, data, size, at))
ON_FD("read", ssize_t, pread64, (int fd, void *data, size_t size, off64_t at), (fd, data, size, at))

/* write */
ON_FD("write", ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size))
ON_FD("write", ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
ON_FD("write", ssize_t, pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at))
ON_FD("write", int, ftruncate, (int fd, off_t size), (fd, size))
ON_FD("write", int, ftruncate64, (int fd, off64_t size), (fd, size))

int posix_fallocate(int fd, off_t at, off_t size) {
    REAL(posix_fallocate);
    int error = refused_fd("write", fd);
    return error ? error : real(fd, at, size);
}

int posix_fallocate64(int fd, off64_t at, off64_t size) {
    REAL(posix_fallocate64);
    int error = refused_fd("write", fd);
    return error ? error : real(fd, at, size);
}

/* sync */
ON_FD("sync", int, fsync, (int fd), (fd))
ON_FD("sync", int, fdatasync, (int fd), (fd))

/* open: any; create: for writing, and what changes a folder */
static int refused_open(int folder, const char *path, int flags) {
    int error = refused_at("open", folder, path);
    if (!error && (flags & (O_WRONLY | O_RDWR | O_CREAT))) error = refused_at("create", folder, path);
    return error;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        int error = refused_open(AT_FDCWD, path, flags); \
        if (error) { \
            errno = error; \
            return -1; \
        } \
        return real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        REAL(name); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        int error = refused_open(folder, path, flags); \
        if (error) { \
            errno = error; \
            return -1; \
        } \
        return real(folder, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)

ON_PATH("create", int, -1, unlink, (const char *path), (path))
ON_PATH("create", int, -1, mkdir, (const char *path, mode_t mode), (path, mode))
ON_PATH("create", int, -1, rename, (const char *path, const char *to), (path, to))

/* list */
ON_PATH("list", DIR *, NULL, opendir, (const char *path), (path))

/* stat */
ON_PATH("stat", int, -1, stat, (const char *path, struct stat *found), (path, found))
ON_PATH("stat", int, -1, stat64, (const char *path, struct stat64 *found), (path, found))
ON_PATH("stat", int, -1, lstat, (const char *path, struct stat *found), (path, found))
ON_PATH("stat", int, -1, lstat64, (const char *path, struct stat64 *found), (path, found))
ON_PATH("stat", int, -1, statvfs, (const char *path, struct statvfs *found), (path, found))
ON_PATH("stat", int, -1, statvfs64, (const char *path, struct statvfs64 *found), (path, found))

int fstatat(int folder, const char *path, struct stat *found, int flags) {
    REAL(fstatat);
    int error = path[0] ? refused_at("stat", folder, path) : 0;
    if (error) {
        errno = error;
        return -1;
    }
    return real(folder, path, found, flags);
}

int fstatat64(int folder, const char *path, struct stat64 *found, int flags) {
    REAL(fstatat64);
    int error = path[0] ? refused_at("stat", folder, path) : 0;
    if (error) {
        errno = error;
        return -1;
    }
    return real(folder, path, found, flags);
}
