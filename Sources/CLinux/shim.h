// Linux calls that Swift's Glibc module lacks: variadic ones, and headers outside its module map.
#pragma once
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

// Asks the kernel to signal this process when the thread that spawned it ends (prctl(2), PR_SET_PDEATHSIG).
static inline int ferry_set_parent_death_signal(int signal_number) { return prctl(PR_SET_PDEATHSIG, signal_number); }

// Swaps two paths in one step (renameat2(2), RENAME_EXCHANGE = 2).
static inline int ferry_exchange_paths(const char *first, const char *second) {
    return (int)syscall(SYS_renameat2, AT_FDCWD, first, AT_FDCWD, second, 2);
}

// The environment to hand to a child; Swift 6 cannot read the global `environ`.
static inline char **ferry_environment(void) { return environ; }
