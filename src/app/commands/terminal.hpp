// Standard output as a terminal: its size, whether colours are welcome, and drawing in place.
#pragma once

#include <cstddef>
#include <string>

namespace healthgate::app {

[[nodiscard]] bool on_terminal();
// On a terminal that is not dumb, and where NO_COLOR is not set (no-color.org).
[[nodiscard]] bool wants_colour();

struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};
[[nodiscard]] TerminalSize terminal_size(); // of now; the default when the terminal does not know

// The terminal's second screen, as long as this lives: what stood on the first one comes back. Lines are not
// wrapped, so that a drawing takes as many rows as it has lines.
class Screen {
public:
  Screen() { enter(); }
  ~Screen() { leave(); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // Replaces what is shown. Lines that do not fit are counted in place of the last row.
  void draw(const std::string& text) const;
  // Stops the process as Ctrl-Z does, on the first screen, until it is continued.
  void suspend();

private:
  void enter();
  void leave();
};

} // namespace healthgate::app
