"""The page for people, as Chromium shows it: every state, dark and light, on a phone, with and without script."""

import os
import pathlib

import pytest
from browser import Browser
from connect import wait_for
from daemon import gate_config
from process import wait_until
from service import Service

PORT, URL = 18898, "http://127.0.0.1:18899/"
QUICK = {"interval": "200ms", "timeout": "150ms", "fast-interval": "20ms"}
BADGE = "document.querySelector('.badge').textContent"


@pytest.fixture
def browser(node, tmp_path):
    with Browser(node, tmp_path) as opened:
        yield opened


def kept(name):
    """Where a picture of this run goes: build/results, for a person to look at."""
    directory = pathlib.Path(os.environ.get("HEALTHGATE_RESULTS", "/tmp/healthgate-pages"))
    directory.mkdir(parents=True, exist_ok=True)
    return directory / f"page-{name}.png"


def config(lb):
    """One gate of each kind: three are steered by their service, and one lets nobody ask."""
    gates = [gate_config("router", allow=[lb.v4, lb.v6], guard="reset", guard_ports=80, **QUICK)]
    gates += [gate_config("api", allow=[lb.v4], port=18897, probe="http://localhost:1937/", **QUICK)]
    gates += [gate_config("ingress", allow=[lb.v4], port=18896, probe="tcp://127.0.0.1:1938", **QUICK)]
    gates += [gate_config("lonely", port=18895, probe="http://localhost:1936/", **QUICK)]
    return "\n".join(gates)


@pytest.fixture
def scene(lb, node, service, start_daemon):
    """router, api, ingress and lonely: open, drained, closed, and open with an empty allowlist."""
    Service(node, 1937)
    daemon = start_daemon(config(lb))
    wait_for(lb, node.v4, PORT, "accepted")
    daemon.wait_gate("open", "api")
    daemon.command("drain", "api", "--for", "2h", "--reason", "new <b>disk</b>")
    daemon.wait_gate("closed", "api")
    daemon.wait_gate("closed", "ingress")
    return daemon


def text_of(browser):
    return browser.evaluate("document.body.innerText")


def test_it_says_in_words_what_each_gate_does_and_why(node, scene, browser):
    browser.open(URL)
    badges = browser.evaluate("[...document.querySelectorAll('.badge')].map(one => one.textContent).join()")
    assert badges == "OPEN,CLOSED,CLOSED,OPEN"
    shown = text_of(browser)
    assert "2 of 4 gates open" in browser.evaluate("document.title")
    assert "Drained by" in shown and "new <b>disk</b>" in shown  # as text, not as markup
    assert "connection refused" in shown and "Nobody but loopback may ask" in shown
    assert browser.problems == []
    browser.screenshot(kept("light"))
    browser.open(URL, dark=True)
    browser.screenshot(kept("dark"))
    ground = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(int(part) for part in ground[4:-1].split(",")) < 60, ground
    assert {url for url in browser.requests if not url.startswith(("data:", "about:"))} == {URL}


def test_on_a_phone_nothing_is_wider_than_the_screen(node, scene, browser):
    browser.open(URL, width=360, height=740)
    assert browser.evaluate("document.documentElement.scrollWidth") <= 360
    browser.screenshot(kept("phone"))


def test_it_follows_without_a_reload(lb, node, service, scene, browser):
    browser.open(URL)
    browser.evaluate("window.mark = 'the same document'")
    assert browser.evaluate(BADGE) == "OPEN"
    service.mode("refuse")
    wait_until(lambda: browser.evaluate(BADGE) == "CLOSED", 5, "the badge", 0.1)
    assert "Guard stands" in text_of(browser)
    service.mode("200")
    wait_until(lambda: browser.evaluate(BADGE) == "OPEN", 5, "the badge", 0.1)
    assert browser.evaluate("window.mark") == "the same document"
    scene.stop()
    lost = "document.getElementById('lost').hidden ? '' : document.getElementById('lost').textContent"
    assert "No answer from this node since" in wait_until(lambda: browser.evaluate(lost), 10, "the notice", 0.1)
    browser.screenshot(kept("lost"))


def test_without_script_it_is_whole_and_asks_again_by_itself(lb, node, service, scene, browser):
    browser.open(URL, script=False)
    assert browser.evaluate(BADGE) == "OPEN"
    service.mode("refuse")
    scene.wait_gate("closed", "router")
    wait_until(lambda: browser.evaluate(BADGE) == "CLOSED", 10, "the refreshed page", 0.2)


def test_the_other_states_have_words_too(lb, node, service, start_daemon, browser):
    keys = QUICK | {"flap-limit": 2, "flap-window": "60s"}
    daemon = start_daemon(gate_config("router", allow=[lb.v4], **keys))
    wait_for(lb, node.v4, PORT, "accepted")
    for mode in ("500", "200"):
        service.mode(mode)
        daemon.wait_gate(lambda gate: gate["reason"].startswith(f"HTTP {mode}"))
    daemon.wait_gate(lambda gate: gate["flap_until"])
    browser.open(URL)
    assert "Flapping: stays closed until" in text_of(browser)
    daemon.command("force-open", "router", "--reason", "known")
    wait_until(lambda: "Forced open by" in text_of(browser), 5, "the override", 0.1)
    assert browser.evaluate(BADGE) == "OPEN"
    browser.screenshot(kept("forced"))


def test_it_can_be_read_aloud_and_in_both_schemes(node, scene, browser):
    for dark in (False, True):
        browser.open(URL, dark=dark)
        assert browser.evaluate("document.documentElement.lang") == "en"
        assert browser.evaluate("document.querySelectorAll('main, header, footer').length") == 3
        assert browser.evaluate("[...document.querySelectorAll('th')].every(one => one.scope)")
        assert browser.evaluate("[...document.querySelectorAll('svg')].every(one => one.getAttribute('aria-label'))")
        poor = browser.evaluate(POOR_CONTRAST)
        assert poor == [], poor


# What has text of its own and less than the 4.5 to 1 of WCAG 2.1, AA, before what it stands on.
POOR_CONTRAST = """
(() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map(one => one / 255).map(one => one <= 0.03928 ? one / 12.92
      : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (parts(colour).length === 3 || parts(colour)[3] === 1) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const own = (element) => [...element.childNodes].some(one => one.nodeType === 3 && one.data.trim());
  return [...document.querySelectorAll("body *")].filter(own).filter(one => !["SCRIPT", "STYLE"].includes(one.tagName))
    .map(one => {
      const [a, b] = [light(getComputedStyle(one).color), light(ground(one))];
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), one.tagName + " " + one.textContent.slice(0, 40)];
    }).filter(([ratio]) => ratio < 4.5);
})()
"""
