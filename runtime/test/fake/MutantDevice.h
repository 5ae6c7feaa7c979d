//===- MutantDevice.h - Host execution with a missing call ------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A library to be loaded in the place of libmoe_simt.so. It passes everything
// on to that, except for the calls from one place of the runtime that order
// work: an event that is recorded or waited for, a wait of the host. So tests
// see whether somebody would notice that the place had been forgotten.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_TEST_MUTANTDEVICE_H
#define MOE_RT_TEST_MUTANTDEVICE_H

#include <vector>

/// A place that calls: where it goes on, and the function it called.
struct MutantSite {
  const void *address;
  const char *function;
};

/// What a test sets and reads; `mutant_device_control` returns it.
struct MutantControl {
  const void *drop = nullptr; ///< the address of a site whose calls do nothing
  std::vector<MutantSite> sites; ///< in the order of their first calls
};

#endif // MOE_RT_TEST_MUTANTDEVICE_H
