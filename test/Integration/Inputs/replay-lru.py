"""usage: replay-lru.py TRACE STATS SLOTS: replays the demanded experts through an
LRU cache of its own and compares the bytes read."""
import json, sys
from collections import OrderedDict
trace, stats, slots = sys.argv[1], json.load(open(sys.argv[2])), int(sys.argv[3])
streams, sizes = OrderedDict(), {}
for line in open(trace):
    e = json.loads(line)
    streams.setdefault((e["stream"], e["bank"]), []).append(e["expert"])
    if e["bytes"]:
        sizes[e["bank"]] = e["bytes"]
caches, total = {}, 0
for (_, bank), experts in streams.items():
    cache = caches.setdefault(bank, OrderedDict())
    misses = [e for e in experts if e not in cache]
    for e in experts:
        if e in cache:
            cache.move_to_end(e)
    for e in misses:
        if len(cache) == slots:
            cache.popitem(last=False)
        cache[e] = True
        total += sizes[bank]
assert total == stats["bytes_read"], (total, stats["bytes_read"])
