"""The table for people, the plot, and JUnit for tests/run."""

import math
import pathlib
import xml.etree.ElementTree as ElementTree
from html import escape

TITLES = {
    "switch": "Decision to effect",
    "reaction": "Fault to effect",
    "footprint": "Idle",
    "packets": "Connects by one thread",
    "relay": "Requests through a relay",
    "neighbours": "A neighbour's listing",
}
OURS = ("pulse", "healthgate")


def number(value):
    """Three figures that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(document):
    lines = [f'healthgate bench, {document["date"]}, {document["machine"]}']
    for part, rows in document["parts"].items():
        lines += ["", f'{TITLES[part]:<34}{"":<38}{"median":>12}{"lowest":>12}{"highest":>12}      n']
        for one in rows:
            figures = "".join(f"{number(one[key]):>12}" for key in ("median", "min", "max"))
            lines.append(f'  {one["row"]:<34}{one["where"]:<36}{figures} {one["unit"]:<4}{one["n"]:>6}')
    return "\n".join(lines)


WIDTH, LABEL, BAR = 980, 430, 14


def plot(document):
    """Bars of the medians on a logarithmic scale, part by part."""
    parts, y = [], 48
    for part, rows in document["parts"].items():
        parts.append(f'<text x="12" y="{y}" font-size="13" font-weight="bold">{TITLES[part]}</text>')
        y += 8
        for unit in dict.fromkeys(one["unit"] for one in rows):
            chosen = [one for one in rows if one["unit"] == unit and one["median"] > 0]
            low = math.log10(min(one["median"] for one in chosen)) - 0.3
            high = max(math.log10(max(one["median"] for one in chosen)), low + 1)
            for one in chosen:
                length = (math.log10(one["median"]) - low) / (high - low) * (WIDTH - LABEL - 130)
                colour = "#2e9e5b" if (one["row"] + one["where"]).startswith(OURS) or "healthgate" in one["where"] else "#9aa3ad"
                words = escape(f'{one["row"]}, {one["where"]}')
                parts.append(f'<text x="{LABEL - 8}" y="{y + 11}" font-size="10" text-anchor="end">{words}</text>')
                parts.append(f'<rect x="{LABEL}" y="{y + 2}" width="{length:.1f}" height="{BAR - 4}" fill="{colour}"/>')
                figure = f'{number(one["median"])} {unit}'
                parts.append(f'<text x="{LABEL + length + 6:.1f}" y="{y + 11}" font-size="10">{figure}</text>')
                y += BAR
            y += 6
        y += 22
    title = escape(f'healthgate bench, {document["date"]}, {document["machine"]}; medians, logarithmic')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" font-family="sans-serif">'
        f'<rect width="{WIDTH}" height="{y}" fill="#fff"/><text x="12" y="22" font-size="14">{title}</text>'
        + "".join(parts) + "</svg>\n"
    )  # fmt: skip


def write_junit(wrong, directory):
    root = ElementTree.Element("testsuite", name="bench")
    for name, reason in wrong.items():
        case = ElementTree.SubElement(root, "testcase", classname="bench", name=name)
        if reason:
            ElementTree.SubElement(case, "failure", message=reason)
    ElementTree.ElementTree(root).write(pathlib.Path(directory) / "bench.xml", encoding="utf-8")
