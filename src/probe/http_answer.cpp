#include "probe/http_answer.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace healthgate::probe {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(blank);
  return first == std::string_view::npos ? std::string_view{}
                                         : text.substr(first, text.find_last_not_of(blank) - first + 1);
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// Of "HTTP/1.1 503 Service Unavailable" or "HTTP/2 503"; 0 when there is no code.
int status_code(std::string_view line) {
  const std::size_t space = line.find(' ');
  int code = 0;
  if (space != std::string_view::npos) {
    const std::string_view rest = trimmed(line.substr(space));
    (void)std::from_chars(rest.data(), rest.data() + rest.size(), code); // what is no number leaves 0
  }
  return code;
}

std::string_view find(const HeaderFields& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const auto& field) { return same_name(field.first, name); });
  return found == fields.end() ? std::string_view{} : std::string_view{found->second};
}

} // namespace

bool HttpAnswer::take_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > bounds_.header_bytes) {
    return refuse("header of more than " + std::to_string(bounds_.header_bytes) + " bytes");
  }
  if (++header_lines_ > bounds_.header_lines) {
    return refuse("header of more than " + std::to_string(bounds_.header_lines) + " lines");
  }
  line = trimmed(line);
  if (part_ != Part::body && part_ != Part::headers && line.substr(0, 5) == "HTTP/") {
    return begin_answer(line);
  }
  if (line.empty()) {
    return part_ != Part::headers || end_of_header();
  }
  const std::size_t colon = line.find(':');
  if (colon != std::string_view::npos && (part_ == Part::headers || part_ == Part::body)) {
    auto& fields = part_ == Part::headers ? headers_ : trailers_;
    fields.emplace_back(trimmed(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  }
  return true;
}

bool HttpAnswer::begin_answer(std::string_view line) {
  const int code = status_code(line);
  if (code >= 100 && code < 200) {
    part_ = Part::informational;
    return ++informational_ <= bounds_.informational ||
           refuse("more than " + std::to_string(bounds_.informational) + " answers of status 1xx");
  }
  part_ = Part::headers;
  status_ = code;
  status_line_ = line;
  return true;
}

bool HttpAnswer::end_of_header() {
  part_ = Part::body;
  const std::string_view text = find(headers_, "content-length");
  const bool contradicted = std::any_of(headers_.begin(), headers_.end(), [&](const auto& field) {
    return same_name(field.first, "content-length") && field.second != text;
  });
  if (contradicted) { // RFC 9112, 6.3: not to be repaired; curl takes one of them
    return refuse("two lengths of the body that differ");
  }
  std::size_t announced = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), announced);
  const bool beyond_any = parsed.ec == std::errc::result_out_of_range;
  if (!without_body_ && (beyond_any || announced > bounds_.body_bytes)) {
    return refuse("body of " + (beyond_any ? std::string("far") : std::to_string(announced) + " bytes,") +
                  " more than the limit of " + std::to_string(bounds_.body_bytes));
  }
  return true;
}

bool HttpAnswer::take_body(std::string_view bytes) {
  if (bytes.size() > bounds_.body_bytes - body_.size()) {
    return refuse("body of more than " + std::to_string(bounds_.body_bytes) + " bytes");
  }
  body_ += bytes;
  return true;
}

bool HttpAnswer::refuse(std::string why) {
  excess_ = std::move(why);
  return false;
}

std::string_view HttpAnswer::field(std::string_view name) const {
  const std::string_view value = find(headers_, name);
  return value.empty() ? find(trailers_, name) : value;
}

} // namespace healthgate::probe
