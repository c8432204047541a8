/* Makes system calls of a server fail or wait, for LD_PRELOAD.
 *
 *   FAULT_OP      comma list of: write writev pwrite fsync fdatasync rename open ftruncate
 *                 fallocate mkdir accept4 link unlink sync_file_range
 *   FAULT_PATH    only calls on a path with this text in it (a descriptor's path is looked up)
 *   FAULT_AFTER   how many matching calls pass first (0)
 *   FAULT_COUNT   how many then fail (1; -1: all)
 *   FAULT_ERRNO   the error number (5, EIO); 0: the call goes through after FAULT_SLEEP_MS
 *   FAULT_SLEEP_MS  wait before the call
 *   FAULT_SWITCH  a file: faults happen (and calls count) only while it exists
 *   FAULT_LOG     a file: one line "op path" for each fault
 *   FAULT_TRACE   a file: one line "op path" for each call on a path with FAULT_PATH in it, any op
 *
 * It owns no memory and takes no lock; safe in any thread.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PATH_SIZE 1024
#define REAL(result, name, ...)                \
  static result (*real)(__VA_ARGS__);          \
  if (real == NULL) {                          \
    *(void**)(&real) = dlsym(RTLD_NEXT, name); \
  }

static atomic_long matching_calls;

static long Number(const char* name, long fallback) {
  const char* text = getenv(name);
  return text != NULL && *text != '\0' ? strtol(text, NULL, 10) : fallback;
}

static int ListHas(const char* list, const char* op) {
  const size_t size = strlen(op);
  for (const char* at = list; at != NULL; at = strchr(at, ',')) {
    if (*at == ',') {
      ++at;
    }
    if (strncmp(at, op, size) == 0 && (at[size] == ',' || at[size] == '\0')) {
      return 1;
    }
  }
  return 0;
}

/* With raw system calls, so that the shim does not call itself. */
static void Append(const char* variable, const char* op, const char* path) {
  const char* file = getenv(variable);
  if (file == NULL || *file == '\0') {
    return;
  }
  char line[PATH_SIZE + 64];
  const int size = snprintf(line, sizeof line, "%s %s\n", op, path);
  const long fd =
      syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (fd >= 0) {
    syscall(SYS_write, fd, line, (size_t)size < sizeof line ? (size_t)size : sizeof line);
    syscall(SYS_close, fd);
  }
}

static void Sleep(long milliseconds) {
  struct timespec wait = {milliseconds / 1000, (milliseconds % 1000) * 1000000L};
  while (syscall(SYS_nanosleep, &wait, &wait) != 0 && errno == EINTR) {
  }
}

/* 1: the call must fail, errno is set. */
static int Fails(const char* op, const char* path) {
  const char* filter = getenv("FAULT_PATH");
  if (filter != NULL && *filter != '\0' && strstr(path, filter) == NULL) {
    return 0;
  }
  Append("FAULT_TRACE", op, path);
  const char* ops = getenv("FAULT_OP");
  if (ops == NULL || !ListHas(ops, op)) {
    return 0;
  }
  const char* gate = getenv("FAULT_SWITCH");
  if (gate != NULL && *gate != '\0' && syscall(SYS_access, gate, F_OK) != 0) {
    return 0;
  }
  const long call = atomic_fetch_add(&matching_calls, 1);
  const long after = Number("FAULT_AFTER", 0);
  const long count = Number("FAULT_COUNT", 1);
  if (call < after || (count >= 0 && call >= after + count)) {
    return 0;
  }
  Append("FAULT_LOG", op, path);
  const long wait = Number("FAULT_SLEEP_MS", 0);
  if (wait > 0) {
    Sleep(wait);
  }
  const long number = Number("FAULT_ERRNO", EIO);
  errno = (int)number;
  return number != 0;
}

static int FailsOn(const char* op, int fd) {
  const int saved = errno;
  char link[64];
  char path[PATH_SIZE];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0) {
    errno = saved;
    return 0;
  }
  path[size] = '\0';
  if (Fails(op, path)) {
    return 1;
  }
  errno = saved;
  return 0;
}

ssize_t write(int fd, const void* data, size_t size) {
  REAL(ssize_t, "write", int, const void*, size_t)
  return FailsOn("write", fd) ? -1 : real(fd, data, size);
}

ssize_t writev(int fd, const struct iovec* parts, int count) {
  REAL(ssize_t, "writev", int, const struct iovec*, int)
  return FailsOn("writev", fd) ? -1 : real(fd, parts, count);
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  REAL(ssize_t, "pwrite", int, const void*, size_t, off_t)
  return FailsOn("pwrite", fd) ? -1 : real(fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
  REAL(ssize_t, "pwrite64", int, const void*, size_t, off64_t)
  return FailsOn("pwrite", fd) ? -1 : real(fd, data, size, offset);
}

int fsync(int fd) {
  REAL(int, "fsync", int)
  return FailsOn("fsync", fd) ? -1 : real(fd);
}

int fdatasync(int fd) {
  REAL(int, "fdatasync", int)
  return FailsOn("fdatasync", fd) ? -1 : real(fd);
}

int sync_file_range(int fd, off64_t offset, off64_t size, unsigned flags) {
  REAL(int, "sync_file_range", int, off64_t, off64_t, unsigned)
  return FailsOn("sync_file_range", fd) ? -1 : real(fd, offset, size, flags);
}

int ftruncate(int fd, off_t size) {
  REAL(int, "ftruncate", int, off_t)
  return FailsOn("ftruncate", fd) ? -1 : real(fd, size);
}

int ftruncate64(int fd, off64_t size) {
  REAL(int, "ftruncate64", int, off64_t)
  return FailsOn("ftruncate", fd) ? -1 : real(fd, size);
}

int fallocate(int fd, int mode, off_t offset, off_t size) {
  REAL(int, "fallocate", int, int, off_t, off_t)
  return FailsOn("fallocate", fd) ? -1 : real(fd, mode, offset, size);
}

/* These return the error instead of setting errno. */
int posix_fallocate(int fd, off_t offset, off_t size) {
  REAL(int, "posix_fallocate", int, off_t, off_t)
  return FailsOn("fallocate", fd) ? errno : real(fd, offset, size);
}

int rename(const char* from, const char* to) {
  REAL(int, "rename", const char*, const char*)
  return Fails("rename", to) ? -1 : real(from, to);
}

int link(const char* from, const char* to) {
  REAL(int, "link", const char*, const char*)
  return Fails("link", to) ? -1 : real(from, to);
}

int unlink(const char* path) {
  REAL(int, "unlink", const char*)
  return Fails("unlink", path) ? -1 : real(path);
}

int mkdir(const char* path, mode_t mode) {
  REAL(int, "mkdir", const char*, mode_t)
  return Fails("mkdir", path) ? -1 : real(path, mode);
}

static mode_t ModeOf(int flags, va_list arguments) {
  return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

#define OPEN_BODY(name)                         \
  REAL(int, name, const char*, int, ...)        \
  va_list arguments;                            \
  va_start(arguments, flags);                   \
  const mode_t mode = ModeOf(flags, arguments); \
  va_end(arguments);                            \
  return Fails("open", path) ? -1 : real(path, flags, mode);

int open(const char* path, int flags, ...) {
  OPEN_BODY("open")
}

int open64(const char* path, int flags, ...) {
  OPEN_BODY("open64")
}

#define OPENAT_BODY(name)                       \
  REAL(int, name, int, const char*, int, ...)   \
  va_list arguments;                            \
  va_start(arguments, flags);                   \
  const mode_t mode = ModeOf(flags, arguments); \
  va_end(arguments);                            \
  return Fails("open", path) ? -1 : real(folder, path, flags, mode);

int openat(int folder, const char* path, int flags, ...) {
  OPENAT_BODY("openat")
}

int openat64(int folder, const char* path, int flags, ...) {
  OPENAT_BODY("openat64")
}

int accept4(int fd, struct sockaddr* address, socklen_t* size, int flags) {
  REAL(int, "accept4", int, struct sockaddr*, socklen_t*, int)
  return FailsOn("accept4", fd) ? -1 : real(fd, address, size, flags);
}
