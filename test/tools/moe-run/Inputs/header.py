# Writes a .npy of 16 zeros of 4 bytes with just this header: OUT HEADER.
import sys

header = sys.argv[2].encode() + b"\n"
open(sys.argv[1], "wb").write(
    b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(64))
