//===- Defect.cpp - When the compiler itself is wrong ---------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Defect.h"
#include "moe/Support/Quote.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Signals.h"
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
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
std::string folder, logFile, commandFile, variable;

void print(const char *text) {
  // The message is all that is left to do; nothing follows from its failure.
  (void)!write(STDERR_FILENO, text, std::strlen(text));
}

void redirect(int descriptor, const char *path) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file >= 0)
    dup2(file, descriptor);
}

/// Whether a process ended as a defect ends it, not by a limit or from outside.
bool isDefect(int status) {
  if (WIFEXITED(status))
    return WEXITSTATUS(status) == kInternalError;
  for (int signal : {SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGBUS, SIGSEGV, SIGSYS})
    if (WIFSIGNALED(status) && WTERMSIG(status) == signal)
      return true;
  return false;
}

/// Fails in the same way in a process of its own, or says why that is not
/// known.
const char *repeat() {
  if (mkdir(folder.c_str(), 0755) != 0)
    return "it was not repeated, as this folder cannot be made: ";
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
  if (child < 0 || !isDefect(status))
    return "it did not happen again; what is known is in ";
  // Written last: a full disk leaves it empty, or away.
  struct stat command;
  return stat(commandFile.c_str(), &command) == 0 && command.st_size > 0
             ? "what it takes to see it again is in "
             : "it happened again, but there is no module; what is known is "
               "in ";
}

/// The user's signals and limits are no defects; unfinished files go.
void endBySignal(int signal) {
  llvm::sys::RunInterruptHandlers();
  std::signal(signal, SIG_DFL);
  raise(signal);
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
  // Containers give every process the same number.
  folder = (temporary + "/moe-compile-" + std::to_string(getpid()) + "-" +
            std::to_string(llvm::sys::Process::GetRandomNumber()))
               .str();
  logFile = folder + "/log";
  commandFile = folder + "/command";
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
  for (int signal : {SIGQUIT, SIGXCPU})
    std::signal(signal, endBySignal);
}

int moe_tools::reportDefect(const char *what) {
  print("moe-compile: internal error: ");
  print(what);
  print("; this is a defect of moe-compile, not of the model\n");
  print("note: ");
  print(repeat());
  print(folder.c_str());
  print("\n");
  return kInternalError;
}

void moe_tools::recordInvocation(const char *to, char **argv) {
  std::ofstream file(std::string(to) + "/invocation");
  llvm::SmallString<128> here;
  if (!llvm::sys::fs::current_path(here))
    file << "cd " << mlir::moe::quoteForShell(here) << " && ";
  for (; *argv; ++argv)
    file << mlir::moe::quoteForShell(*argv) << (argv[1] ? " " : "\n");
}
