//===- CommandLine.cpp - What every tool's command line keeps to ----------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CommandLine.h"
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sstream>

using namespace moe_tools;

CLI::Validator moe_tools::wholeNumber(uint64_t low, uint64_t high) {
  auto check = [=](std::string &text) -> std::string {
    errno = 0;
    uint64_t value = std::strtoull(text.c_str(), nullptr, 10);
    bool digits = !text.empty() &&
                  text.find_first_not_of("0123456789") == std::string::npos;
    if (digits && errno == 0 && value >= low && value <= high)
      return "";
    return "'" + text + "' is not a whole number from " + std::to_string(low) +
           " to " + std::to_string(high);
  };
  return CLI::Validator(check, "");
}

CLI::Validator moe_tools::realNumber(double low, double high) {
  auto check = [=](std::string &text) -> std::string {
    char *end;
    double value = std::strtod(text.c_str(), &end);
    // NaN is in no range.
    if (end != text.c_str() && *end == 0 && value >= low && value <= high)
      return "";
    std::ostringstream message;
    message << "'" << text << "' is not a number ";
    if (high == std::numeric_limits<double>::max())
      message << "of at least " << low;
    else
      message << "from " << low << " to " << high;
    return message.str();
  };
  return CLI::Validator(check, "");
}

void moe_tools::prepareStreams() {
  // Opened the wrong way round, so that using it fails as when closed.
  for (int stream = 0; stream < 3; ++stream)
    if (fcntl(stream, F_GETFD) < 0)
      (void)!open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY);
  std::signal(SIGXFSZ, SIG_IGN);
}

/// The flag that is written with an empty value, or empty: after --flag= CLI11
/// would take the next argument as the value.
static std::string emptyArgument(int argc, char **argv) {
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument.compare(0, 2, "--") == 0 &&
        argument.find('=') == argument.size() - 1)
      return argument.substr(0, argument.size() - 1);
  }
  return "";
}

/// The flag that was given an empty value, or empty.
static std::string emptyFlag(const CLI::App &app) {
  for (const CLI::Option *option : app.get_options())
    for (const std::string &value : option->results())
      if (value.empty())
        return option->get_name();
  return "";
}

bool moe_tools::parseFlags(CLI::App &app, const char *tool, int argc,
                           char **argv, int &result) {
  std::string flag = emptyArgument(argc, argv);
  if (flag.empty()) {
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
      result = app.exit(error) == 0 ? kOk : kUsage;
      return false;
    }
    flag = emptyFlag(app);
  }
  if (flag.empty())
    return true;
  std::fprintf(stderr, "%s: %s needs a value\n", tool, flag.c_str());
  result = kUsage;
  return false;
}

int moe_tools::finish(const char *tool, int result) {
  errno = 0;
  if (std::fflush(stdout) == 0 && !std::ferror(stdout))
    return result;
  // An earlier flush may have met the error; only the last one tells which.
  std::fprintf(stderr, "%s: error: the standard output cannot be written%s%s\n",
               tool, errno ? ": " : "", errno ? std::strerror(errno) : "");
  return result == kOk ? kUserError : result;
}
