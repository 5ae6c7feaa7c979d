#!/bin/sh
# Writes the training text to the file given: the King James Bible as Debian
# packages it, one verse a line, without references. Installs what it needs.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
set -eu
out=${1:?usage: get-text.sh OUTPUT}
if ! command -v bible >/dev/null; then
  sudo=
  [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends bible-kjv >&2
fi
# -f prints one verse a line, "Gen1:1 In the beginning ...".
bible -f gen1:1-rev22:21 | sed -e 's/^[^ ]* *//' -e 's/  */ /g' | tr -cd '\12\40-\176' > "$out.part"
mv "$out.part" "$out"
