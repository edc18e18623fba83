"""The layer check finds what it is there for: each row plants one violation in a small, otherwise clean tree."""

import pathlib

import check_layers
import pytest

CLEAN = {
    "main.cpp": '#include "app/daemon.hpp"\n#include <string>\n',
    "app/daemon.hpp": '#include "nft/table.hpp"\n#include "probe/http.hpp"\nvoid f() { log::info("said"); }\n',
    "app/logging.cpp": "#include <spdlog/spdlog.h>\n",
    "probe/http.hpp": '#include "core/time.hpp"\n#include "healthgate_version.hpp"\n#include <curl/curl.h>\n',
    "nft/table.hpp": "#include <libnftnl/table.h>\n#include <linux/netfilter.h>\nvoid f() { log::debug(\"heard\"); }\n",
    "core/time.hpp": '#include "base/result.hpp"\n#include <chrono>\n',
    "base/result.hpp": "#include <unistd.h>\n",
    "CMakeLists.txt": "healthgate_library(base)\nhealthgate_library(core LINK healthgate_base)\n"
    "healthgate_library(nft LINK healthgate_core\n  PkgConfig::MNL)\n",
}


def problems(tmp_path: pathlib.Path, **planted):
    for path, text in (CLEAN | planted).items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return check_layers.check(tmp_path)


def test_a_clean_tree_passes(tmp_path):
    assert problems(tmp_path) == []


@pytest.mark.parametrize(
    "path, text, sentence",
    [
        ("core/time.hpp", '#include "nft/table.hpp"\n', "core/time.hpp:1: core must not know nft"),
        ("probe/http.hpp", '#include "nft/table.hpp"\n', "probe/http.hpp:1: probe must not know nft"),
        ("base/result.hpp", '#include "core/time.hpp"\n', "base/result.hpp:1: base must not know core"),
        ("config/load.cpp", '#include "loop/loop.hpp"\n', "config/load.cpp:1: config must not know loop"),
        ("core/time.hpp", "\n#include <sys/socket.h>\n", "core/time.hpp:2: core/ includes the standard library only"),
        ("core/time.hpp", "#include <time.h>\n", "core/time.hpp:1: core/ includes the standard library only"),
        ("core/time.hpp", '#include "healthgate_version.hpp"\n', "core/time.hpp:1: core does not know its version"),
        ("app/daemon.hpp", "#include <curl/multi.h>\n", "app/daemon.hpp:1: curl/multi.h belongs into probe/"),
        ("app/other.cpp", "#include <spdlog/spdlog.h>\n", "app/other.cpp:1: spdlog/spdlog.h belongs into app/logging"),
        ("nft/table.hpp", "#include <nlohmann/json.hpp>\n", "nlohmann/json.hpp belongs into probe/ and observe/"),
        ("control/server.cpp", "#include <systemd/sd-event.h>\n", "systemd/sd-event.h belongs into loop/"),
        ("probe/http.hpp", "#include <fmt/core.h>\n", "<fmt/core.h> is no library that architecture names"),
        ("probe/http.hpp", '#include "tcp.hpp"\n', '"tcp.hpp" is no header of ours'),
        ("util/strings.cpp", "", "util is no folder of the architecture"),
        ("nft/table.hpp", '\nlog::warning("lost");\n', "nft/table.hpp:2: only app/ and main log above debug"),
        ("nft/table.hpp", 'log::write(log::Level::error, "lost");\n', "only app/ and main log above debug"),
        ("CMakeLists.txt", "healthgate_library(nft LINK healthgate_probe)\n", "nft must not link probe"),
        ("CMakeLists.txt", "healthgate_library(core LINK\n  CURL::libcurl)\n", "core must not link CURL::libcurl"),
    ],
)
def test_a_planted_violation_is_found(tmp_path, path, text, sentence):
    found = problems(tmp_path, **{path: text})
    assert len(found) == 1
    assert sentence in found[0]
