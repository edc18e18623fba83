"""The lab's plot as SVG: requests and failures over time, under them who was in which state, one panel a phase."""

from html import escape

WIDTH, LEFT, RIGHT = 1280, 150, 20
CHART, HEAD, STRIP, GAP = 120, 30, 11, 64
LETTER = 5.6  # width of a letter of the labels, about
COLOURS = {
    "ready": "#2e9e5b", "UP": "#2e9e5b", "accepted": "#2e9e5b",
    "starting": "#f0b429", "hanging": "#f0b429",
    "draining": "#4f8fd9",
    "frozen": "#7a4fb5", "dead": "#8f1d2c", "DOWN": "#c7cdd4", "refused": "#d64550", "silent": "#8f1d2c",
}  # fmt: skip
LEGEND = [
    ("router ready, gate accepts, balancer UP", "#2e9e5b"), ("router starting", "#f0b429"),
    ("router draining", "#4f8fd9"), ("router dead", "#8f1d2c"), ("frozen", "#7a4fb5"), ("gate refuses; failed requests", "#d64550"),
    ("balancer DOWN", "#c7cdd4"),
]  # fmt: skip
ORDER = {"router": 0, "gate": 1, "balancer": 2}


def text(x, y, words, size=12, anchor="start", colour="#222"):
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'


def rect(x, y, width, height, colour, title=""):
    inner = f"<title>{escape(title)}</title>" if title else ""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}">{inner}</rect>'


class Panel:
    def __init__(self, phase, top, end):
        self.phase, self.top, self.end = phase, top, end
        self.scale = (WIDTH - LEFT - RIGHT) / end
        self.parts = []

    def x(self, seconds):
        return LEFT + min(max(seconds, 0), self.end) * self.scale

    def chart(self):
        bins = self.phase["half_seconds"]
        most = max((row[1] for row in bins), default=1)
        bottom = self.top + CHART
        for window in self.phase["windows"]:
            begin, end = self.x(window["begin"]), self.x(window["end"])
            title = f'{window["fault"]}: {window["failures"]} of {window["requests"]} failed'
            self.parts.append(rect(begin, self.top, end - begin, CHART, "#f2f4f7", title))
            self.label(window, begin, end - begin)
        points = " ".join(f"{self.x(at):.1f},{bottom - count / most * (CHART - HEAD):.1f}" for at, count, _ in bins)
        self.parts.append(f'<polyline points="{points}" fill="none" stroke="#5b6470" stroke-width="1"/>')
        for at, count, failed in bins:
            if failed:
                height = max(3, failed / most * (CHART - HEAD))
                title = f"{at} s: {failed} of {count} failed"
                self.parts.append(rect(self.x(at), bottom - height, max(1.5, self.scale / 2), height, "#d64550", title))
        self.parts.append(text(LEFT - 6, self.top + HEAD + 4, f"{2 * most}/s", 10, "end", "#777"))
        self.parts.append(text(LEFT - 6, bottom, "0", 10, "end", "#777"))

    def label(self, window, x, width):
        name, outcome = f'{window["fault"]}:', f'{window["failures"]} of {window["requests"]} failed'
        lines = [f"{name} {outcome}"]
        if len(lines[0]) * LETTER > width:  # a short fault of a long run: what fits, the rest as its tooltip
            lines = [line for line in (name, outcome) if len(line) * LETTER <= width]
        for number, line in enumerate(lines):
            self.parts.append(text(x + 3, self.top + 12 + 12 * number, line, 11, colour="#555"))

    def strips(self):
        y = self.top + CHART + 6
        names = sorted(self.phase["strips"], key=lambda name: (ORDER[name.split()[1]], name))
        for name in names:
            changes = self.phase["strips"][name]
            ends = [change[0] for change in changes[1:]] + [self.end]
            self.parts.append(text(LEFT - 6, y + STRIP - 2, name, 10, "end", "#555"))
            for (since, state), end in zip(changes, ends):
                width = max(0.5, self.x(end) - self.x(since))
                title = f"{name}: {state} from {since:.1f} s"
                self.parts.append(rect(self.x(since), y, width, STRIP - 2, COLOURS.get(state, "#000"), title))
            y += STRIP
        return y

    def draw(self):
        failed = f'{self.phase["failures"]} of {self.phase["requests"]} requests failed'
        self.parts.append(text(LEFT, self.top - 8, f'{self.phase["title"]}: {failed}', 14))
        self.chart()
        y = self.strips()
        for second in range(0, int(self.end) + 1, 10 if self.end < 300 else 60):
            self.parts.append(text(self.x(second), y + 12, str(second), 10, "middle", "#777"))
        self.parts.append(text(WIDTH - RIGHT, y + 24, "seconds", 10, "end", "#777"))
        return y + GAP


def plot(phases, heading):
    """The whole drawing; `phases` as phase.run_phase returns them."""
    end = max((row[0] for phase in phases for row in phase["half_seconds"]), default=1) + 0.5
    y, parts = 84, [text(LEFT, 24, heading, 16)]
    x = LEFT
    for words, colour in LEGEND:
        parts += [rect(x, 36, 10, 10, colour), text(x + 14, 45, words, 11)]
        x += 30 + 6.1 * len(words)
    for phase in phases:
        panel = Panel(phase, y, end)
        y = panel.draw()
        parts += panel.parts
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" font-family="sans-serif">'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{y}" fill="#fff"/>', *parts, "</svg>", ""])
