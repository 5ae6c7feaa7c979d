//===- ExternalData.cpp - Weights in files of their own -------------------===//
//
// Part of the MoE compiler, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExternalData.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace mlir::moe;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

ExternalData::ExternalData(StringRef modelPath) {
  SmallString<256> absolute(modelPath);
  fs::make_absolute(absolute);
  folder = path::parent_path(absolute).str();
}

/// True when `file` is `folder` or lies in it; both are real paths.
static bool isInside(StringRef file, StringRef folder) {
  return file == folder || (file.starts_with(folder) &&
                            (folder.ends_with("/") ||
                             file.drop_front(folder.size()).starts_with("/")));
}

/// Hugging Face keeps `snapshots/<revision>/<file>` as links into `blobs/` of
/// the same repository: the only place outside of its folder a file may be in.
static std::string blobsOf(StringRef folder) {
  for (StringRef at = folder; !at.empty(); at = path::parent_path(at))
    if (path::filename(path::parent_path(at)) == "snapshots") {
      SmallString<256> blobs(path::parent_path(path::parent_path(at)));
      path::append(blobs, "blobs");
      SmallString<256> real;
      if (!fs::real_path(blobs, real))
        return real.str().str();
    }
  return "";
}

const ExternalData::File &ExternalData::open(StringRef location) {
  auto [entry, isNew] = files.try_emplace(location);
  File &file = entry->second;
  if (!isNew)
    return file;
  if (location.empty() || location.contains('\0')) {
    file.problem = "names no file";
    return file;
  }
  if (path::is_absolute(location)) {
    file.problem =
        "is an absolute path; external data must lie beside the model";
    return file;
  }
  for (StringRef part :
       llvm::make_range(path::begin(location), path::end(location)))
    if (part == "..") {
      file.problem = "leaves the model's folder; external data must lie beside "
                     "the model";
      return file;
    }
  SmallString<256> full(folder), real, realFolder;
  path::append(full, location);
  if (std::error_code error = fs::real_path(full, real)) {
    file.problem = "cannot be opened: " + error.message();
    return file;
  }
  (void)fs::real_path(folder, realFolder);
  std::string blobs = blobsOf(folder);
  if (!isInside(real, realFolder) &&
      (blobs.empty() || !isInside(real, blobs))) {
    file.problem = "is a link to a place outside of the model's folder";
    return file;
  }
  fs::file_status status;
  if (std::error_code error = fs::status(full, status)) {
    file.problem = "cannot be opened: " + error.message();
    return file;
  }
  if (!fs::is_regular_file(status))
    file.problem = "is not a regular file";
  file.size = status.getSize();
  return file;
}

std::vector<std::string> ExternalData::getPaths() const {
  std::vector<std::string> paths;
  for (StringRef location : files.keys()) {
    SmallString<256> full(folder);
    path::append(full, location);
    paths.push_back(full.str().str());
  }
  return paths;
}

llvm::Expected<ByteRange> ExternalData::locate(StringRef location,
                                               uint64_t offset, uint64_t length,
                                               uint64_t expected) {
  const File &file = open(location);
  auto fail = [&](const std::string &problem) {
    return llvm::createStringError("its external data '" + location.str() +
                                   "' " + problem);
  };
  if (!file.problem.empty())
    return fail(file.problem);
  if (length == 0)
    length = expected;
  if (length != expected)
    return fail("has " + std::to_string(length) +
                " bytes for it, its shape needs " + std::to_string(expected));
  if (offset > file.size || length > file.size - offset)
    return fail("has " + std::to_string(file.size) +
                " bytes, the tensor ends at byte " +
                (offset > UINT64_MAX - length
                     ? "2^64"
                     : std::to_string(offset + length)) +
                ": the file was cut short or belongs to another model");
  return ByteRange{offset, length};
}
