#include "probe/certificate.hpp"

#include "probe/printable.hpp"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <ctime>
#include <strings.h>

namespace healthgate::probe {
namespace {

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) {
    return false;
  }
  text.remove_prefix(prefix.size());
  return true;
}

// "DNS:a.example, DNS:*.b.example, IP Address:127.0.0.1"
std::vector<std::string> read_names(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const std::size_t comma = text.find(", ");
    std::string_view item = text.substr(0, comma);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 2);
    if (take_prefix(item, "DNS:") || take_prefix(item, "IP Address:")) {
      names.emplace_back(item);
    }
  }
  return names;
}

// "Nov 23 09:31:27 2027 GMT" (OpenSSL), "2027-11-23 09:31:27 GMT" (GnuTLS)
std::optional<core::WallTime> read_time(const std::string& text) {
  for (const char* format : {"%b %d %H:%M:%S %Y", "%Y-%m-%d %H:%M:%S"}) {
    std::tm parts{};
    if (strptime(text.c_str(), format, &parts) != nullptr) {
      return core::WallTime(std::chrono::seconds(timegm(&parts)));
    }
  }
  return std::nullopt;
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool matches(std::string_view pattern, std::string_view name) {
  if (!take_prefix(pattern, "*.")) {
    return same(pattern, name);
  }
  const std::size_t dot = name.find('.');
  return dot != std::string_view::npos && dot != 0 && same(pattern, name.substr(dot + 1));
}

} // namespace

bool Certificate::is_for(std::string_view name) const {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& pattern) { return matches(pattern, name); });
}

std::string Certificate::describe(core::WallTime now) const {
  if (!not_after) {
    return subject;
  }
  constexpr auto day = std::chrono::hours(24);
  const auto days = (*not_after - now) / day;
  return subject + ", " +
         (*not_after > now ? std::to_string(days) + " days left"
                           : "expired " + std::to_string(-days) + " days ago");
}

Certificate read_certificate(const std::vector<std::string>& lines) {
  Certificate out;
  for (std::string_view line : lines) {
    if (take_prefix(line, "Subject:")) {
      out.subject = printable(line);
    } else if (take_prefix(line, "Expire date:")) {
      out.not_after = read_time(std::string(line));
    } else if (take_prefix(line, "X509v3 Subject Alternative Name:")) {
      out.names = read_names(line);
    }
  }
  return out;
}

} // namespace healthgate::probe
