# Copies a .npy of float32 with another first element: IN OUT VALUE.
import struct
import sys

data = bytearray(open(sys.argv[1], "rb").read())
begin = 10 + int.from_bytes(data[8:10], "little")
data[begin:begin + 4] = struct.pack("<f", float(sys.argv[3]))
open(sys.argv[2], "wb").write(data)
