#!/bin/sh
# Installs what building and testing need, from Debian's packages only. Does
# nothing when all is there. Works as root and through sudo.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
set -eu
packages="llvm-22-dev libmlir-22-dev mlir-22-tools llvm-22-tools lld-22 clang-22
 libonnx-dev libprotobuf-dev protobuf-compiler liburing-dev libxxhash-dev
 nlohmann-json3-dev libcli11-dev libgtest-dev libboost-context1.74-dev ccache ninja-build cmake g++
 libzstd-dev zlib1g-dev libxml2-dev libedit-dev libcurl4-openssl-dev
 clang-format-14 python3 python3-numpy python3-onnx git"
missing=
for package in $packages; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
    missing="$missing $package"
done
[ -n "$missing" ] || exit 0
echo "== installing$missing"
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
$sudo apt-get update -qq
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
