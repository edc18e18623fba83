#!/usr/bin/env python3
"""The direction of dependencies, enforced: who may include whom, and which library stands in which folder.

    base <- core <- {config, loop} <- {probe, nft, listener, observe, control} <- app <- main

Reads the #include lines of src/, the links in src/CMakeLists.txt, and the log calls: a function returns an error or
logs it, so only app/ and main log above debug. Prints one line per violation; exit code 1 if there is one.
"""

import pathlib
import re
import sys

LEFT_OF = {
    "base": set(),
    "core": {"base"},
    "config": {"base", "core"},
    "loop": {"base", "core"},
}
for adapter in ("probe", "nft", "listener", "observe", "control"):
    LEFT_OF[adapter] = {"base", "core", "config", "loop"}
LEFT_OF["app"] = set(LEFT_OF)
LEFT_OF["main"] = {"app", "base"}

# Third-party headers by their beginning, with the folders and files that may include them.
LIBRARIES = {
    "libmnl/": ["nft/"],
    "libnftnl/": ["nft/"],
    "curl/": ["probe/"],
    "re2/": ["probe/"],
    "systemd/": ["loop/", "app/"],
    "microhttpd.h": ["observe/"],
    "boost/": ["config/", "app/commands/"],
    "spdlog/": ["app/logging.cpp"],
    "nlohmann/": ["probe/", "observe/", "control/", "app/"],
}
# What CMake calls the same libraries.
LINKS = {
    "PkgConfig::MNL": ["nft"],
    "PkgConfig::NFTNL": ["nft"],
    "CURL::libcurl": ["probe"],
    "PkgConfig::RE2": ["probe"],
    "PkgConfig::SYSTEMD": ["loop", "app"],
    "PkgConfig::MICROHTTPD": ["observe"],
    "Boost::program_options": ["config", "app"],
    "spdlog::spdlog": ["app"],
    "nlohmann_json::nlohmann_json": ["probe", "observe", "control", "app"],
}
# The kernel's and the C library's headers are nobody's layer, but the pure core makes no system call.
SYSTEM = re.compile(r"(sys|netinet|arpa|net|linux|asm|bits)/.*|[a-z0-9_]+\.h")
STANDARD = re.compile(r"[a-z0-9_]+")  # <vector>, <cstdint>: no dot, no folder
GENERATED = "healthgate_version.hpp"
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[>"]')
LOUD = re.compile(r"\blog::(info|warning|error)\s*\(|\blog::write\s*\((?!.*Level::debug)")


def judge(folder, path, bracket, header):
    """Why the file `path` (below src/) of `folder` may not include `header`, or None."""
    for beginning, places in LIBRARIES.items():
        if header.startswith(beginning):
            if any(path.startswith(place) for place in places):
                return None
            return f"{header} belongs into {' and '.join(places)}"
    if bracket == '"':
        if header == GENERATED:
            return f"{folder} does not know its version" if folder in ("base", "core") else None
        target = header.split("/")[0]
        if target not in LEFT_OF:
            return f'"{header}" is no header of ours: write it as FOLDER/FILE, from src/'
        if target != folder and target not in LEFT_OF[folder]:
            return f"{folder} must not know {target}"
        return None
    if STANDARD.fullmatch(header):
        return None
    if SYSTEM.fullmatch(header):
        pure = header == "arpa/inet.h"  # inet_pton and inet_ntop: text to bytes and back, no system call
        return "core/ includes the standard library only" if folder == "core" and not pure else None
    return f"<{header}> is no library that architecture names"


def check_sources(source):
    problems = []
    for file in sorted([*source.rglob("*.hpp"), *source.rglob("*.cpp")]):
        path = file.relative_to(source).as_posix()
        folder = path.split("/")[0] if "/" in path else file.stem
        if folder not in LEFT_OF:
            problems.append(f"{path}: {folder} is no folder of the architecture")
            continue
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
            include = INCLUDE.match(line)
            if include:
                reason = judge(folder, path, *include.groups())
                if reason:
                    problems.append(f"{path}:{number}: {reason}")
            if folder not in ("app", "main", "base") and LOUD.search(line.split("//")[0]):
                problems.append(f"{path}:{number}: only app/ and main log above debug; return it instead")
    return problems


def check_links(cmake):
    problems = []
    for call in re.finditer(r"healthgate_library\((\w+)(?:\s+LINK\s+([^)]*))?\)", cmake):
        folder, links = call.group(1), (call.group(2) or "").split()
        if folder not in LEFT_OF:
            problems.append(f"CMakeLists.txt: {folder} is no folder of the architecture")
            continue
        for link in links:
            target = link.removeprefix("healthgate_")
            if link in LINKS and folder not in LINKS[link]:
                problems.append(f"CMakeLists.txt: {folder} must not link {link}")
            elif link.startswith("healthgate_") and target not in LEFT_OF[folder]:
                problems.append(f"CMakeLists.txt: {folder} must not link {target}")
    return problems


def check(source):
    return check_sources(source) + check_links((source / "CMakeLists.txt").read_text())


def main():
    source = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2] / "src"
    problems = check(source)
    print("\n".join(f"src/{problem}" for problem in problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
