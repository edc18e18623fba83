#include "control/protocol.hpp"

#include "config/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <iterator>

namespace healthgate::control {
namespace {

using nlohmann::ordered_json;

enum class GateField { none, optional, required, or_all };

// Which fields a command takes beside v, id, command and sudo_user.
struct Shape {
  Command command;
  const char* name;
  bool only_reads;
  GateField gate;
  bool duration_and_reason;
};

constexpr std::array shapes = {
    Shape{Command::status, "status", true, GateField::optional, false},
    Shape{Command::watch, "watch", true, GateField::optional, false},
    Shape{Command::history, "history", true, GateField::optional, false},
    Shape{Command::drain, "drain", false, GateField::or_all, true},
    Shape{Command::force_open, "force-open", false, GateField::required, true},
    Shape{Command::automatic, "auto", false, GateField::or_all, false},
    Shape{Command::probe_now, "probe-now", false, GateField::optional, false},
    Shape{Command::reload, "reload", false, GateField::none, false},
    Shape{Command::takeover, "takeover", false, GateField::none, false},
};

const Shape& shape_of(Command command) {
  return *std::find_if(shapes.begin(), shapes.end(),
                       [&](const auto& shape) { return shape.command == command; });
}

constexpr std::array<std::pair<Refusal, const char*>, 4> refusals = {{{Refusal::refused, "refused"},
                                                                      {Refusal::usage, "usage"},
                                                                      {Refusal::denied, "denied"},
                                                                      {Refusal::failed, "failed"}}};

// The fields that a request may have at all. `present` tells an empty value from none.
struct Fields {
  std::optional<std::uint64_t> v, id, for_ms;
  std::optional<std::string> command, gate, reason, step, sudo_user;
  std::optional<bool> all;

  std::optional<std::uint64_t>* number(std::string_view name) {
    return name == "v" ? &v : name == "id" ? &id : name == "for_ms" ? &for_ms : nullptr;
  }
  std::optional<std::string>* text(std::string_view name) {
    return name == "command"     ? &command
           : name == "gate"      ? &gate
           : name == "reason"    ? &reason
           : name == "step"      ? &step
           : name == "sudo_user" ? &sudo_user
                                 : nullptr;
  }
  std::optional<bool>* flag(std::string_view name) { return name == "all" ? &all : nullptr; }
};

// nlohmann's SAX interface. A request is flat, so nothing nested is ever built, however deep a hostile line
// is. The first complaint stays; reading goes on where it can, so that the id is known.
class FieldReader {
public:
  Fields fields;
  std::string complaint;

  bool start_object(std::size_t /*elements*/) { return opened_ ? nested() : (opened_ = true); }
  bool end_object() { return true; }
  bool start_array(std::size_t /*elements*/) { return opened_ ? nested() : not_an_object(); }
  bool end_array() { return true; }
  bool key(std::string& name) {
    key_ = name;
    return true;
  }

  bool null() { return wrong_type(); }
  bool boolean(bool value) { return take(fields.flag(key_), value); }
  bool number_integer(std::int64_t /*value*/) { return wrong_type(); }
  bool number_unsigned(std::uint64_t value) { return take(fields.number(key_), value); }
  bool number_float(double /*value*/, const std::string& /*text*/) { return wrong_type(); }
  bool string(std::string& value) { return take(fields.text(key_), value); }
  template <typename Binary> bool binary(Binary& /*value*/) { return wrong_type(); } // not in JSON text

  template <typename Error>
  bool parse_error(std::size_t position, const std::string& /*token*/, const Error& /*error*/) {
    complain("a request is one JSON object on a line; this one is broken at byte " +
             std::to_string(position));
    return false;
  }

private:
  template <typename T> bool take(std::optional<T>* field, const T& value) {
    if (!opened_) {
      return not_an_object();
    }
    if (field == nullptr) {
      return wrong_type();
    }
    if (field->has_value()) {
      complain("field '" + key_ + "' stands twice");
    }
    *field = value;
    return true;
  }

  bool wrong_type() {
    if (!opened_) {
      return not_an_object();
    }
    if (fields.number(key_) != nullptr) {
      complain("field '" + key_ + "' must be a whole number from 0");
    } else if (fields.text(key_) != nullptr) {
      complain("field '" + key_ + "' must be a string");
    } else if (fields.flag(key_) != nullptr) {
      complain("field '" + key_ + "' must be true or false");
    } else {
      complain("unknown field '" + config::shown(key_) + "'");
    }
    return true;
  }

  bool nested() {
    (void)wrong_type(); // says it; and here reading ends
    return false;
  }

  bool not_an_object() {
    complain("a request is one JSON object on a line");
    return false;
  }

  void complain(std::string sentence) {
    if (complaint.empty()) {
      complaint = std::move(sentence);
    }
  }

  bool opened_ = false;
  std::string key_;
};

// Goes to logs, terminals and nft comments: no control characters, C1 (U+0080 to U+009F) included.
bool has_control_characters(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (byte < 0x20 || byte == 0x7F || (byte == 0xC2 && next < 0xA0)) {
      return true;
    }
  }
  return false;
}

std::string check_texts(const Fields& fields) {
  const std::pair<const char*, const std::optional<std::string>&> texts[] = {
      {"gate", fields.gate}, {"reason", fields.reason}, {"sudo_user", fields.sudo_user}};
  for (const auto& [name, text] : texts) {
    if (text && has_control_characters(*text)) {
      return std::string("field '") + name + "' has a control character";
    }
    if (text && text->size() > reason_limit_bytes) {
      return std::string("field '") + name + "' is longer than " + std::to_string(reason_limit_bytes) +
             " bytes";
    }
  }
  return {};
}

std::string check_gate(const Shape& shape, const Fields& fields) {
  const std::string name = std::string("'") + shape.name + "'";
  if (fields.gate && fields.gate->empty()) {
    return "field 'gate' is empty";
  }
  if (fields.all && shape.gate != GateField::or_all) {
    return name + " takes no field 'all'";
  }
  switch (shape.gate) {
  case GateField::none:
    return fields.gate ? name + " takes no field 'gate'" : "";
  case GateField::optional:
    return {};
  case GateField::required:
    return fields.gate ? "" : name + " needs the field 'gate'";
  case GateField::or_all:
    return fields.gate.has_value() != fields.all.value_or(false)
               ? ""
               : name + " needs either the field 'gate' or 'all': true";
  }
  return {};
}

std::string check_rest(const Shape& shape, const Fields& fields) {
  const std::string name = std::string("'") + shape.name + "'";
  if (!shape.duration_and_reason && (fields.for_ms || fields.reason)) {
    return name + " takes no field '" + (fields.for_ms ? "for_ms" : "reason") + "'";
  }
  const auto longest = static_cast<std::uint64_t>(std::chrono::milliseconds(longest_override).count());
  if (fields.for_ms && (*fields.for_ms == 0 || *fields.for_ms > longest)) {
    return "field 'for_ms' must be from 1 to " + std::to_string(longest);
  }
  if (shape.command != Command::takeover) {
    return fields.step ? name + " takes no field 'step'" : "";
  }
  return fields.step == "begin" || fields.step == "commit"
             ? ""
             : name + " needs the field 'step': \"begin\" or \"commit\"";
}

// The first reason why these fields are no request, or "". The version comes first: what another version says
// can't be judged by this one's rules.
std::string judge(const Fields& fields, const std::string& complaint) {
  if (fields.v && *fields.v != protocol_version) {
    return "the client speaks version " + std::to_string(*fields.v) +
           " of the control protocol and this daemon version " + std::to_string(protocol_version) +
           "; use the `healthgate` that the daemon was started from";
  }
  if (!complaint.empty()) {
    return complaint;
  }
  for (const auto& [name, present] : {std::pair{"v", fields.v.has_value()},
                                      {"id", fields.id.has_value()},
                                      {"command", fields.command.has_value()}}) {
    if (!present) {
      return std::string("field '") + name + "' is missing";
    }
  }
  const auto* const shape = std::find_if(shapes.begin(), shapes.end(),
                                         [&](const auto& row) { return row.name == *fields.command; });
  if (shape == shapes.end()) {
    return "unknown command '" + config::shown(*fields.command) + "'";
  }
  for (const auto& sentence : {check_texts(fields), check_gate(*shape, fields), check_rest(*shape, fields)}) {
    if (!sentence.empty()) {
      return sentence;
    }
  }
  return {};
}

Request request_of(const Fields& fields) {
  Request request;
  request.id = *fields.id;
  request.command = std::find_if(shapes.begin(), shapes.end(), [&](const auto& row) {
                      return row.name == *fields.command;
                    })->command;
  request.gate = fields.gate.value_or("");
  request.all = fields.all.value_or(false);
  if (fields.for_ms) {
    request.duration = std::chrono::milliseconds(*fields.for_ms);
  }
  request.reason = fields.reason.value_or("");
  request.step = fields.step.value_or("");
  request.sudo_user = fields.sudo_user.value_or("");
  return request;
}

std::string dump(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// The member `name` if it has the type T, `otherwise` if it is missing or of another type.
template <typename T> T member(const ordered_json& object, const char* name, T otherwise) {
  const auto found = object.find(name);
  if (found == object.end()) {
    return otherwise;
  }
  const auto* const value = found->template get_ptr<const T*>();
  return value != nullptr ? *value : otherwise;
}

} // namespace

base::Result<Request, BadRequest> parse_request(std::string_view line) {
  if (line.size() > request_limit_bytes) {
    return base::Failure{
        BadRequest{0, "a request has at most " + std::to_string(request_limit_bytes) + " bytes"}};
  }
  if (!config::is_utf8(line)) {
    return base::Failure{BadRequest{0, "the request is not UTF-8"}};
  }
  FieldReader reader;
  (void)nlohmann::json::sax_parse(line, &reader); // its answer stands in `complaint`
  const auto sentence = judge(reader.fields, reader.complaint);
  if (!sentence.empty()) {
    return base::Failure{BadRequest{reader.fields.id.value_or(0), sentence}};
  }
  return request_of(reader.fields);
}

base::Result<Response, std::string> parse_response(std::string_view line) {
  const auto json = ordered_json::parse(line, nullptr, false);
  if (!json.is_object()) {
    return base::Failure{std::string("what answers there does not speak healthgate's control protocol")};
  }
  const auto version = member<std::uint64_t>(json, "v", 0);
  if (version != protocol_version) {
    return base::Failure{"the daemon speaks version " + std::to_string(version) +
                         " of the control protocol and this client version " +
                         std::to_string(protocol_version) +
                         "; use the `healthgate` that the daemon was started from"};
  }
  Response response;
  response.id = member<std::uint64_t>(json, "id", 0);
  response.ok = member<bool>(json, "ok", false);
  response.more = member<bool>(json, "more", false);
  response.error = member<std::string>(json, "error", "");
  if (const auto result = json.find("result"); result != json.end()) {
    response.result = dump(*result);
  }
  if (const auto names = json.find("descriptors"); names != json.end() && names->is_array()) {
    for (const auto& name : *names) {
      response.descriptors.push_back(name.is_string() ? name.get<std::string>() : "");
    }
  }
  const auto kind = member<std::string>(json, "kind", "failed");
  for (const auto& [refusal, name] : refusals) {
    response.kind = kind == name ? refusal : response.kind;
  }
  if (response.ok ? response.result.empty() : response.error.empty()) {
    return base::Failure{std::string("the daemon's answer has neither a result nor an error")};
  }
  return response;
}

std::string to_line(const Request& request) {
  ordered_json json = {{"v", protocol_version}, {"id", request.id}, {"command", to_string(request.command)}};
  for (const auto& [name, text] : {std::pair{"gate", &request.gate},
                                   {"reason", &request.reason},
                                   {"step", &request.step},
                                   {"sudo_user", &request.sudo_user}}) {
    if (!text->empty()) {
      json[name] = *text;
    }
  }
  if (request.all) {
    json["all"] = true;
  }
  if (request.duration) {
    json["for_ms"] = request.duration->count();
  }
  return dump(json) + "\n";
}

std::string to_line(const Response& response) {
  ordered_json json = {{"v", protocol_version}, {"id", response.id}, {"ok", response.ok}};
  if (response.more) {
    json["more"] = true;
  }
  if (!response.descriptors.empty()) {
    json["descriptors"] = response.descriptors;
  }
  if (!response.ok) {
    const auto* const row = std::find_if(refusals.begin(), refusals.end(),
                                         [&](const auto& pair) { return pair.first == response.kind; });
    json["kind"] = row->second;
    json["error"] = response.error;
    return dump(json) + "\n";
  }
  // The result is JSON already; a status of many gates would be slow to parse and print again.
  auto line = dump(json);
  line.pop_back();
  line += ",\"result\":";
  std::replace_copy_if(
      response.result.begin(), response.result.end(), std::back_inserter(line),
      [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return line + "}\n";
}

const char* to_string(Command command) {
  return shape_of(command).name;
}

bool only_reads(Command command) {
  return shape_of(command).only_reads;
}

std::string to_json(const Message& message) {
  return dump({{"message", message.text}, {"good", message.good}});
}

base::Result<Message, std::string> message_from_json(std::string_view json) {
  const auto parsed = ordered_json::parse(json, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("message")) {
    return base::Failure{std::string("the daemon's answer has no message")};
  }
  return Message{member<std::string>(parsed, "message", ""), member<bool>(parsed, "good", true)};
}

} // namespace healthgate::control
