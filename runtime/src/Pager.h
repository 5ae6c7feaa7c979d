//===- Pager.h - What the pagers of host and device share -------*- C++ -*-===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_RT_SRC_PAGER_H
#define MOE_RT_SRC_PAGER_H

#include "Reader.h"
#include "Residency.h"
#include <atomic>

namespace moe_rt {

struct PagerStatistics {
  uint64_t pagesRead = 0, bytesRead = 0, bytesPrefetched = 0;
  uint64_t bytesToDevice = 0, hostHits = 0; // of a device
  double stallSeconds = 0;
};

/// Keeps the experts of each bank in a fixed number of slots at fixed
/// addresses: the account, the file, and the first failure.
class Pager {
public:
  Pager(const moe_rt_model &model, std::unique_ptr<Reader> reader,
        std::unique_ptr<Policy> policy, std::vector<int32_t> slots)
      : model(model), reader(std::move(reader)),
        residency(model.signature.banks, std::move(policy), std::move(slots)) {}
  virtual ~Pager() = default;

  const PagerStatistics &statistics() const { return stats; }
  const Residency &account() const { return residency; }
  const char *readerName() const { return reader->name(); }
  /// The first failure, until `clearError`.
  moe_rt_status error(std::string &text) const {
    text = errorText;
    return status;
  }
  moe_rt_status failed() const { return status; }
  void clearError() {
    status = MOE_RT_OK;
    errorText.clear();
  }
  void fail(moe_rt_status code, const std::string &text);
  void traceTo(FILE *file) { residency.traceTo(file); }

  std::atomic<bool> cancelled{false};

protected:
  const BankInfo &bankInfo() const {
    return model.signature.banks[residency.bank()];
  }
  /// Fails the run when it was cancelled.
  void checkCancelled();
  /// Starts to read a part of an expert; false when it could not be started.
  bool startRead(uint64_t id, int32_t expert, uint32_t part, char *to);
  /// The read has ended with `error` (an errno or 0): whether the bytes at
  /// `data` are those of the part. Fails the run if not.
  bool checkRead(int error, int32_t expert, uint32_t part, const char *data);

  const moe_rt_model &model;
  std::unique_ptr<Reader> reader;
  Residency residency;
  PagerStatistics stats;

private:
  const moe_format_page &pageOf(int32_t expert, uint32_t part) const {
    const BankInfo &info = bankInfo();
    return model
        .pages[info.firstPage + uint64_t(expert) * info.parts.size() + part];
  }
  moe_rt_status status = MOE_RT_OK;
  std::string errorText;
};

} // namespace moe_rt

#endif // MOE_RT_SRC_PAGER_H
