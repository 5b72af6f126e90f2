/* A name server that never answers: preloaded (LD_PRELOAD) into a process, whose look-up of a name of the reserved
   domain example (RFC 2606) hangs for ever. Each is written into the file that SILENT_NAMES names, a line a look-up.
   All other names, and addresses, are looked up as ever. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void note(const char *name) {
    char line[300];
    int length = snprintf(line, sizeof line, "%s\n", name);
    const char *path = getenv("SILENT_NAMES");
    int file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (file < 0 || write(file, line, (size_t)length) != length) abort();
    close(file);
}

int getaddrinfo(const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **found) {
    const char *domain = name ? strrchr(name, '.') : NULL;
    if (domain && strcmp(domain, ".example") == 0) {
        note(name);
        for (;;) pause();
    }
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(name, port, hints, found);
}
