"""The summary counts what ctest and pytest write, and does not take silence for success."""

import results

CTEST = """<testsuite tests="3" failures="1">
<testcase name="core.Allowlist.Merges" classname="core.Allowlist.Merges" time="0.1" status="run"/>
<testcase name="core.Allowlist.Fails" classname="core.Allowlist.Fails" status="fail"><failure message="Failed"/>
</testcase>
<testcase name="nft.Table.Owner" classname="nft.Table.Owner" status="notrun">
<skipped message="SKIP_REGULAR_EXPRESSION"/>
<system-out>[ RUN ]
table.cpp:12: Skipped
no owner flag on this kernel

[  SKIPPED ]</system-out></testcase>
</testsuite>"""
PYTEST = """<testsuites><testsuite name="pytest"><testcase classname="tests.test_a" name="test_one" time="0.2"/>
<testcase classname="tests.test_a" name="test_two"><skipped message="no /dev/kvm">here</skipped></testcase>
</testsuite></testsuites>"""


def summary(tmp_path, capsys, monkeypatch, *tiers, ci="", allowed=""):
    monkeypatch.setenv("CI", ci)
    (tmp_path / "allowed").write_text(allowed)
    monkeypatch.setattr(results, "ALLOWED_SKIPS", tmp_path / "allowed")
    monkeypatch.setattr("sys.argv", ["results.py", "summary", str(tmp_path), *tiers])
    code = results.main()
    return code, capsys.readouterr().out


def put(tmp_path, name, text):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)


def test_ctest_and_pytest_are_counted_together(tmp_path, capsys, monkeypatch):
    put(tmp_path, "unit/release.xml", CTEST)
    put(tmp_path, "integration/release.xml", PYTEST)
    code, out = summary(tmp_path, capsys, monkeypatch, "unit", "integration")
    assert code == 1
    assert out.endswith("\n2 passed, 1 failed, 2 skipped\n")
    assert "FAILED  unit/core.Allowlist.Fails (release): Failed" in out
    assert "SKIPPED unit/nft.Table.Owner (release): no owner flag on this kernel" in out


def test_a_tier_that_ran_nothing_fails(tmp_path, capsys, monkeypatch):
    code, out = summary(tmp_path, capsys, monkeypatch, "unit")
    assert code == 1
    assert out.endswith("\n0 passed, 1 failed, 0 skipped\n")


def test_a_tier_without_tests_is_no_error(tmp_path, capsys, monkeypatch):
    put(tmp_path, "bench/empty", "")
    code, out = summary(tmp_path, capsys, monkeypatch, "bench")
    assert code == 0
    assert out.endswith("\n0 passed, 0 failed, 0 skipped\n")


def test_a_torn_file_fails(tmp_path, capsys, monkeypatch):
    put(tmp_path, "unit/release.xml", CTEST[:120])
    code, _ = summary(tmp_path, capsys, monkeypatch, "unit")
    assert code == 1


def test_only_ci_minds_a_skip_and_only_one_that_is_not_allowed(tmp_path, capsys, monkeypatch):
    put(tmp_path, "integration/release.xml", PYTEST)
    assert summary(tmp_path, capsys, monkeypatch, "integration")[0] == 0
    code, out = summary(tmp_path, capsys, monkeypatch, "integration", ci="true")
    assert code == 1
    assert "not in tests/support/allowed_skips" in out
    allowed = "integration/tests.test_a::test_two  # the machine has no KVM\n"
    assert summary(tmp_path, capsys, monkeypatch, "integration", ci="true", allowed=allowed)[0] == 0
