"""Decision to effect: the call that closes or opens a port, by each way there is (switch_bench.cpp)."""

import json

from netns import Net


def rows_of(text):
    return [json.loads(line) for line in text.splitlines()]


def row(one):
    """A line of switch_bench as the report wants it: microseconds."""
    where = f'{one["gates"]} gates, {one["cidrs"]} CIDRs, {one["pace"]}' if one["gates"] else one["pace"]
    return {
        "row": one["row"], "where": where, "unit": "µs", "n": one["n"],
        "median": one["median_us"], "min": one["min_us"], "p99": one["p99_us"], "max": one["max_us"],
    }  # fmt: skip


LOADER_CHAINS = 60_000


def measure(programs, _rounds):
    with Net() as net:
        rows = rows_of(net.host("plain").run(programs / "switch_bench", timeout=600).stdout)
        host = net.host("loaded")
        batch = net.directory / "chains.nft"
        lines = ["table ip neighbour", "delete table ip neighbour", "table ip neighbour {"]
        lines += [f"chain c{number} {{ }}" for number in range(LOADER_CHAINS)]
        batch.write_text("\n".join(lines + ["}"]) + "\n")
        loader = host.start("sh", "-c", f"while :; do nft -f {batch} || exit; done")
        rows += rows_of(host.run(programs / "switch_bench", "loaded", timeout=200).stdout)
        loader.end()
    return [row(one) for one in rows]
