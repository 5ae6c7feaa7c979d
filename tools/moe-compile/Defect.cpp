//===- Defect.cpp - When the compiler itself is wrong ---------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Defect.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iomanip>
#include <new>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace moe_tools;

namespace {

constexpr int kUserError = 1, kInternalError = 3;

// A signal handler can allocate nothing: all is made beforehand.
char **arguments;
std::vector<char *> environment;
std::string folder, logFile, variable;

void print(const char *text) {
  // The message is all that is left to do; nothing follows from its failure.
  (void)!write(STDERR_FILENO, text, std::strlen(text));
}

void redirect(int descriptor, const char *path) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file >= 0)
    dup2(file, descriptor);
}

/// Whether the compilation fails in the same way in a process of its own.
bool repeat() {
  if (mkdir(folder.c_str(), 0755) != 0)
    return false;
  pid_t child = fork();
  if (child == 0) {
    redirect(STDOUT_FILENO, "/dev/null");
    redirect(STDERR_FILENO, logFile.c_str());
    execve("/proc/self/exe", arguments, environment.data());
    _exit(kUserError);
  }
  int status = 0;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
    ;
  return child > 0 && (WIFSIGNALED(status) ||
                       (WIFEXITED(status) && WEXITSTATUS(status) == 3));
}

/// What the machine lacks is no defect.
void outOfMemory() {
  llvm::sys::RunInterruptHandlers(); // removes unfinished files
  print("moe-compile: error: the machine has no more memory\n");
  _exit(kUserError);
}

} // namespace

void moe_tools::handleCrashes(char **argv) {
  arguments = argv;
  llvm::SmallString<128> temporary;
  llvm::sys::path::system_temp_directory(/*ErasedOnReboot=*/true, temporary);
  folder = (temporary + "/moe-compile-" + std::to_string(getpid())).str();
  logFile = folder + "/log";
  variable = std::string(kReproduceVariable) + "=" + folder;
  for (char **entry = environ; *entry; ++entry)
    environment.push_back(*entry);
  environment.push_back(variable.data());
  environment.push_back(nullptr);
  std::set_new_handler(outOfMemory);
  llvm::install_bad_alloc_error_handler(
      [](void *, const char *, bool) { outOfMemory(); });
  llvm::install_fatal_error_handler([](void *, const char *text, bool) {
    print(text);
    print("\n");
    abort();
  });
  llvm::sys::AddSignalHandler(
      [](void *) { _exit(reportDefect("the compiler crashed")); }, nullptr);
}

int moe_tools::reportDefect(const char *what) {
  print("moe-compile: internal error: ");
  print(what);
  print("; this is a defect of moe-compile, not of the model\n");
  print(repeat() ? "note: what it takes to see it again is in "
                 : "note: it did not happen again; what is known is in ");
  print(folder.c_str());
  print("\n");
  return kInternalError;
}

void moe_tools::recordInvocation(const char *to, char **argv) {
  std::ofstream file(std::string(to) + "/invocation");
  for (; *argv; ++argv)
    file << std::quoted(*argv, '\'') << (argv[1] ? " " : "\n");
}
