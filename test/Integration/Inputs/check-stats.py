"""At most a quarter of the experts was resident, no state was copied, and only the
first run allocated: eight states, the arena, the logits."""
import json, sys
s = json.load(open(sys.argv[1]))
assert 0 < s["expert_bytes_resident_peak"] <= 0.25 * s["expert_bytes"], s
assert s["state_bytes_copied"] == 0, s
assert s["bytes_read"] > 0 and s["ffn_rows"] > 0 and s["hits"] > 0, s
assert s["allocations"] <= 10, s
