#include "app/commands/terminal.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

namespace healthgate::app {
namespace {

// Control sequences of xterm and of all that follow it (ECMA-48; console_codes(4)).
constexpr const char* enter_screen = "\033[?1049h\033[?25l\033[?7l"; // second screen, no cursor, no wrapping
constexpr const char* leave_screen = "\033[?7h\033[?25h\033[?1049l";
constexpr const char* home = "\033[H";
constexpr const char* clear_line = "\033[K"; // from the cursor to the line's end
constexpr const char* clear_below = "\033[J";

bool is_set(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

} // namespace

bool on_terminal() {
  return ::isatty(STDOUT_FILENO) == 1;
}

bool wants_colour() {
  const char* const kind = std::getenv("TERM");
  const bool dumb = kind != nullptr && std::string_view(kind) == "dumb";
  return on_terminal() && !dumb && !is_set("NO_COLOR");
}

TerminalSize terminal_size() {
  winsize size{};
  TerminalSize found;
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    found = {size.ws_col, size.ws_row};
  }
  return found;
}

void Screen::draw(const std::string& text) const {
  const auto rows = terminal_size().rows;
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  const auto shown = lines <= rows ? lines : rows - 1;
  std::string out = home;
  std::size_t begin = 0;
  for (std::size_t line = 0; line < shown; ++line) {
    const auto end = text.find('\n', begin);
    out += text.substr(begin, end - begin) + clear_line + (line + 1 < rows ? "\r\n" : "");
    begin = end + 1;
  }
  if (shown < lines) {
    out += "... " + std::to_string(lines - shown) + " more lines" + clear_line;
  }
  // After a full screen the cursor stands in its last row: nothing is below.
  std::cout << out << (lines < rows ? clear_below : "") << std::flush;
}

void Screen::suspend() {
  leave();
  (void)::raise(SIGSTOP); // returns when continued
  enter();
}

void Screen::enter() {
  std::cout << enter_screen << std::flush;
}

void Screen::leave() {
  std::cout << leave_screen << std::flush;
}

} // namespace healthgate::app
