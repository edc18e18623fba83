#include "observe/page_assets.hpp"

namespace healthgate::observe {

const std::string_view page_style = R"css(
:root {
  color-scheme: light dark;
  --ground: #f5f6f4; --sheet: #ffffff; --ink: #1d2320; --quiet: #5b655f; --line: #dde2de;
  --open: #0b6b3a; --open-ground: #e0f2e7; --closed: #a4201d; --closed-ground: #fbe6e4;
  --wait: #7a4b00; --wait-ground: #fcf0d8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #121614; --sheet: #1a201d; --ink: #e6ebe8; --quiet: #9fada5; --line: #2d3631;
    --open: #63d495; --open-ground: #14311f; --closed: #ff938c; --closed-ground: #3d1917;
    --wait: #f0bd60; --wait-ground: #382a0e;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
header, main, footer { max-width: 62rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 1.5rem; }
h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; letter-spacing: -0.01em; }
h2 { margin: 0; font-size: 1.15rem; overflow-wrap: anywhere; }
h3 { margin: 1.1rem 0 0.3rem; font-size: 0.78rem; font-weight: 600; color: var(--quiet); letter-spacing: 0.04em;
  text-transform: uppercase; }
p { margin: 0.2rem 0; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); }
.open { color: var(--open); } .closed { color: var(--closed); } .wait { color: var(--wait); }
.gate { background: var(--sheet); border: 1px solid var(--line); border-left: 6px solid var(--line);
  border-radius: 8px; margin: 1rem 0; padding: 1rem 1.2rem 1.1rem; }
.gate.is-open { border-left-color: var(--open); }
.gate.is-closed { border-left-color: var(--closed); }
.gate.is-wait { border-left-color: var(--wait); }
.head { display: flex; flex-wrap: wrap; gap: 0.3rem 0.8rem; align-items: center; }
.badge { font-weight: 700; letter-spacing: 0.05em; padding: 0.1rem 0.6rem; border-radius: 4px; }
.badge.open { background: var(--open-ground); } .badge.closed { background: var(--closed-ground); }
.badge.wait { background: var(--wait-ground); }
.why { font-size: 1.05rem; margin-top: 0.5rem; }
.notice { background: var(--wait-ground); color: var(--wait); border-radius: 6px; padding: 0.5rem 0.8rem;
  margin: 0.6rem 0; overflow-wrap: anywhere; }
.notice.bad { background: var(--closed-ground); color: var(--closed); }
table { border-collapse: collapse; width: 100%; table-layout: fixed; }
.what { width: 36%; } .took { width: 5.5rem; } .strip { width: 13rem; } .when { width: 13rem; } .to { width: 8rem; }
a { color: inherit; }
th { text-align: left; font-weight: 600; font-size: 0.85rem; color: var(--quiet); }
th, td { padding: 0.3rem 0.8rem 0.3rem 0; vertical-align: top; overflow-wrap: anywhere; }
tr + tr td { border-top: 1px solid var(--line); }
td.nowrap { white-space: nowrap; }
.number { font-variant-numeric: tabular-nums; }
svg { display: block; width: 180px; height: 22px; }
svg .pass { fill: var(--open); } svg .fail { fill: var(--closed); }
ul { margin: 0; padding: 0; list-style: none; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 0 2rem; }
footer { padding-bottom: 2rem; font-size: 0.85rem; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 40rem) {
  .gate { padding: 0.8rem 0.9rem; }
  table, tbody, tr, td { display: block; width: 100%; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  td { padding: 0.05rem 0; }
  tr + tr td { border-top: 0; }
  tr { padding: 0.4rem 0; border-top: 1px solid var(--line); }
}
)css";

// The server renders; this only puts the newest rendering in place. What a reader has focused stays, for
// nothing in there takes the focus; what is announced is the summary, and only when it is another.
const std::string_view page_script = R"js(
(() => {
  const every = 1000;
  const lost = document.getElementById("lost");
  let since = null;
  const put = (fresh, id) => {
    const there = document.getElementById(id), here = fresh.getElementById(id);
    if (there && here && there.innerHTML !== here.innerHTML) there.innerHTML = here.innerHTML;
  };
  const look = async () => {
    if (document.hidden) return;
    try {
      const reply = await fetch(location.pathname, {cache: "no-store", signal: AbortSignal.timeout(5000)});
      if (!reply.ok) throw new Error(reply.status);
      const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
      for (const id of ["summary", "about", "gates"]) put(fresh, id);
      document.title = fresh.title;
      since = null;
      lost.hidden = true;
    } catch {
      since = since ?? new Date();
      lost.textContent = "No answer from this node since " + since.toISOString().slice(11, 19) +
        "Z: what stands below may be out of date.";
      lost.hidden = false;
    }
  };
  const loop = () => look().finally(() => setTimeout(loop, every));
  document.addEventListener("visibilitychange", look);
  setTimeout(loop, every);
})();
)js";

} // namespace healthgate::observe
