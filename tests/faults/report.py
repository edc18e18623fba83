"""The battery's table, as text and as JSON.

report.py FOLDER: the rows that lie in FOLDER as rows-*.json become one table and FOLDER/faults.json.
"""

import json
import os
import pathlib
import platform
import sys
import time

OUTCOMES = ("accepted", "refused", "silent")
COLUMNS = "{:54} {:9} {:12} {:>8} {:>7} {:>6} {:>8} {:>8}"


def seconds(value):
    return "-" if value is None else f"{value:.2f} s"


def lines(rows):
    yield COLUMNS.format("fault", "service", "gate may", *OUTCOMES, "longest", "normal")
    for row in rows:
        seen = [row["seen"].get(outcome, 0) for outcome in OUTCOMES]
        times = seconds(row["longest_refusal"]), seconds(row["normal_after"])
        mark = "  WRONG: " + "; ".join(row["wrong"]) if row["wrong"] else ""
        yield COLUMNS.format(row["fault"], row["health"], row["may"], *seen, *times) + mark
    yield "longest: of one refusal; normal: from the fault's end until the gate says what the service says."


def main(folder):
    parts = sorted(folder.glob("rows-*.json"))
    rows = [row for part in parts for row in json.loads(part.read_text())]
    for part in parts:
        part.unlink()
    document = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores, Linux {platform.release()}",
        "rows": rows,
    }
    (folder / "faults.json").write_text(json.dumps(document, indent=1))
    print(*lines(rows), sep="\n")
    wrong = sum(bool(row["wrong"]) for row in rows)
    print(f"{len({row['fault'] for row in rows})} faults, {wrong} rows wrong. As JSON: {folder}/faults.json")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
