//===- DeviceOptions.cpp - What the name of a device asks for -------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceOptions.h"
#include <cmath>
#include <cstdlib>
#include <functional>
#include <vector>

using namespace moe_simt;

namespace {

/// An option: what values it takes, and how one is read.
struct Option {
  const char *name;
  std::string values;
  std::function<bool(const std::string &)> read; // false: no such value
};

template <typename T>
Option makeChoice(const char *name, T &target,
                  std::vector<std::pair<std::string, T>> choices) {
  std::string values;
  for (const auto &[text, value] : choices)
    values += (values.empty() ? "" : "|") + text;
  auto read = [&target, choices](const std::string &text) {
    for (const auto &[name, value] : choices)
      if (name == text) {
        target = value;
        return true;
      }
    return false;
  };
  return {name, values, read};
}

/// A decimal number, in units of `unit`.
Option makeNumber(const char *name, double &target, double unit) {
  auto read = [&target, unit](const std::string &text) {
    char *end;
    double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end || !std::isfinite(value) || value < 0)
      return false;
    target = value * unit;
    return true;
  };
  return {name, "NUMBER", read};
}

/// As above, but not 0: something is divided by it.
Option makeRate(const char *name, double &target, double unit) {
  Option number = makeNumber(name, target, unit);
  auto read = [&target, number](const std::string &text) {
    return number.read(text) && target > 0;
  };
  return {name, number.values, read};
}

Option makeCount(const char *name, uint64_t &target) {
  auto read = [&target](const std::string &text) {
    char *end;
    target = std::strtoull(text.c_str(), &end, 10);
    return !text.empty() && text[0] >= '0' && text[0] <= '9' && !*end;
  };
  return {name, "N", read};
}

/// Bytes, with KiB, MiB or GiB behind them.
Option makeSize(const char *name, uint64_t &target) {
  auto read = [&target](const std::string &text) {
    char *end;
    double value = std::strtod(text.c_str(), &end);
    if (end == text.c_str() || !(value > 0))
      return false;
    std::string unit = end;
    unsigned shift = unit == "KiB"   ? 10
                     : unit == "MiB" ? 20
                     : unit == "GiB" ? 30
                                     : 0;
    if ((!shift && !unit.empty()) || std::ldexp(value, shift) >= 0x1p62)
      return false;
    target = uint64_t(std::ldexp(value, shift));
    return true;
  };
  return {name, "BYTES[KiB|MiB|GiB]", read};
}

std::vector<Option> getOptions(DeviceOptions &o) {
  return {
      makeChoice<Order>("order", o.machine.order,
                        {{"ascending", Order::Ascending},
                         {"descending", Order::Descending},
                         {"roundrobin", Order::RoundRobin},
                         {"random", Order::Random}}),
      makeChoice<Async>("async", o.machine.async,
                        {{"early", Async::Early},
                         {"late", Async::Late},
                         {"random", Async::Random}}),
      makeChoice<Check>("check", o.machine.check,
                        {{"none", Check::None},
                         {"bounds", Check::Bounds},
                         {"race", Check::Race}}),
      makeCount("seed", o.machine.seed),
      makeChoice<Streams>("streams", o.streams,
                          {{"early", Streams::Early},
                           {"late", Streams::Late},
                           {"random", Streams::Random}}),
      makeCount("polls", o.polls),
      makeChoice<bool>("guard", o.guard, {{"0", false}, {"1", true}}),
      makeSize("memory", o.memory),
      makeChoice<int32_t>("arch", o.major, {{"sm_80", 8}, {"sm_90", 9}}),
      makeRate("h2d", o.rates.toDevice, 1e9),
      makeRate("d2h", o.rates.toHost, 1e9),
      makeRate("dram", o.rates.memory, 1e9),
      makeRate("flops", o.rates.flops, 1e9),
      makeNumber("launch", o.rates.launch, 1e-6),
      makeNumber("graph", o.rates.graphNode, 1e-6),
  };
}

std::string listOptions(const std::vector<Option> &options) {
  std::string list;
  for (const Option &option : options)
    list += (list.empty() ? "" : ", ") + std::string(option.name) + "=" +
            option.values;
  return list;
}

} // namespace

std::string moe_simt::parseDeviceName(const std::string &name,
                                      DeviceOptions &options) {
  std::string known = "host-simt";
  if (name == known)
    return "";
  if (name.compare(0, known.size() + 1, known + ":") != 0)
    return "this library has the device 'host-simt' only, not '" + name + "'";

  std::vector<Option> all = getOptions(options);
  for (size_t at = known.size() + 1; at <= name.size();) {
    size_t end = std::min(name.find(',', at), name.size());
    std::string item = name.substr(at, end - at);
    at = end + 1;
    size_t equal = std::min(item.find('='), item.size());
    const Option *option = nullptr;
    for (const Option &candidate : all)
      if (item.compare(0, equal, candidate.name) == 0)
        option = &candidate;
    if (!option)
      return "the device host-simt has no option '" + item.substr(0, equal) +
             "'; it has " + listOptions(all);
    if (equal == item.size() || !option->read(item.substr(equal + 1)))
      return "'" + item + "' is no value of the option " + option->name + "=" +
             option->values;
  }
  return "";
}
