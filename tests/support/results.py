"""What a test run found: JUnit files in, one summary out.

    results.py record DIR TIER NAME pass|fail|skip [--reason TEXT] [--seconds N]
    results.py summary DIR TIER...

Every tier leaves JUnit files in DIR/TIER/*.xml: ctest and pytest write their own, `record` adds one case for a step
that is neither (a build that failed, a linter). The summary ends with the line `N passed, N failed, N skipped`, and
its exit code is 1 when a test failed, when a tier that has tests ran none, or, with CI=true, when a test was skipped
that tests/support/allowed_skips does not name.
"""

import argparse
import fnmatch
import os
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

ALLOWED_SKIPS = pathlib.Path(__file__).with_name("allowed_skips")


@dataclass
class Case:
    tier: str
    variant: str  # name of the JUnit file: release, asan, tsan, pytest, ...
    name: str
    outcome: str  # pass, fail, skip
    reason: str
    seconds: float


def outcome_of(case):
    """(outcome, reason) of a <testcase>, as pytest and ctest write it."""
    for tag in ("failure", "error"):
        found = case.find(tag)
        if found is not None:
            return "fail", found.get("message") or (found.text or "").strip()
    found = case.find("skipped")
    if found is not None or case.get("status") in ("notrun", "disabled"):
        reason = (found.get("message") or "").strip() if found is not None else ""
        # GoogleTest prints the reason of GTEST_SKIP; ctest only says that a pattern matched.
        printed = re.search(r"Skipped\n(.+)\n", case.findtext("system-out") or "")
        return "skip", printed.group(1).strip() if printed else reason
    return "pass", ""


def read(directory, tiers):
    cases = []
    for tier in tiers:
        for path in sorted((directory / tier).glob("*.xml")):
            try:
                root = ElementTree.parse(path).getroot()
            except ElementTree.ParseError as error:
                cases.append(Case(tier, path.stem, "JUnit file", "fail", f"{path.name} is not whole: {error}", 0.0))
                continue
            for case in root.iter("testcase"):
                outcome, reason = outcome_of(case)
                parts = (case.get("classname"), case.get("name"))
                name = "::".join(dict.fromkeys(part for part in parts if part))
                cases.append(Case(tier, path.stem, name, outcome, reason, float(case.get("time") or 0)))
    return cases


def record(arguments):
    path = arguments.directory / arguments.tier / "steps.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    root = ElementTree.parse(path).getroot() if path.exists() else ElementTree.Element("testsuite", name=arguments.tier)
    case = ElementTree.SubElement(root, "testcase", name=arguments.name, time=str(arguments.seconds))
    if arguments.outcome != "pass":
        tag = "failure" if arguments.outcome == "fail" else "skipped"
        ElementTree.SubElement(case, tag, message=arguments.reason)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return 0


def allowed(case):
    """Whether the skip is one that a machine may have: `GLOB` per line of allowed_skips, against TIER/NAME."""
    lines = ALLOWED_SKIPS.read_text().splitlines() if ALLOWED_SKIPS.exists() else []
    globs = [line.split("#")[0].strip() for line in lines]
    return any(fnmatch.fnmatchcase(f"{case.tier}/{case.name}", glob) for glob in globs if glob)


def summary(arguments):
    cases = read(arguments.directory, arguments.tiers)
    in_ci = os.environ.get("CI") == "true"
    bad = False
    print()
    for tier in arguments.tiers:
        mine = [case for case in cases if case.tier == tier]
        if (arguments.directory / tier / "empty").exists():
            print(f"{tier:12} no tests here yet")
            continue
        if not mine:
            mine = [Case(tier, "", "the tier", "fail", "it ran no test", 0.0)]
            cases += mine
        count = {kind: sum(case.outcome == kind for case in mine) for kind in ("pass", "fail", "skip")}
        variants = ", ".join(dict.fromkeys(case.variant for case in mine if case.variant != "steps"))
        print(f"{tier:12} {count['pass']:5} passed {count['fail']:5} failed {count['skip']:5} skipped   {variants}")
    for case in cases:
        label = f"{case.tier}/{case.name}" + (f" ({case.variant})" if case.variant not in ("", "steps") else "")
        line = case.reason.splitlines()[0] if case.reason else "no reason given"
        if case.outcome == "fail":
            print(f"FAILED  {label}: {line}")
        elif case.outcome == "skip":
            unexpected = in_ci and not allowed(case)
            bad |= unexpected
            print(f"SKIPPED {label}: {line}" + ("   <- not in tests/support/allowed_skips" if unexpected else ""))
    total = {kind: sum(case.outcome == kind for case in cases) for kind in ("pass", "fail", "skip")}
    if bad:
        print("A test was skipped that should run here.")
    print(f"{total['pass']} passed, {total['fail']} failed, {total['skip']} skipped")
    return 1 if bad or total["fail"] else 0


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("record")
    command.add_argument("directory", type=pathlib.Path)
    command.add_argument("tier")
    command.add_argument("name")
    command.add_argument("outcome", choices=["pass", "fail", "skip"])
    command.add_argument("--reason", default="")
    command.add_argument("--seconds", type=float, default=0.0)
    command.set_defaults(call=record)
    command = commands.add_parser("summary")
    command.add_argument("directory", type=pathlib.Path)
    command.add_argument("tiers", nargs="*")
    command.set_defaults(call=summary)
    arguments = parser.parse_args()
    return arguments.call(arguments)


if __name__ == "__main__":
    sys.exit(main())
