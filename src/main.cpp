// argv -> command -> exit code; the only catch-all of the program.
#include "app/commands/command.hpp"

#include <exception>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

int main(int argc, char** argv) {
  using namespace healthgate;
  try {
    return app::dispatch(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::system_error& problem) {
    const auto code = problem.code();
    const bool privilege = code == std::errc::operation_not_permitted || code == std::errc::permission_denied;
    std::cerr << "healthgate: " << problem.what()
              << (privilege ? "; the daemon needs the capability CAP_NET_ADMIN, and no other" : "") << "\n";
    return privilege ? app::exit_privilege : app::exit_os;
  } catch (const std::exception& problem) {
    std::cerr << "healthgate: " << problem.what() << "\n";
    return app::exit_os;
  }
}
