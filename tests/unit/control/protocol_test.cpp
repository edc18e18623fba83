// The lines of the control socket: what is taken, and the sentence for what is not.
#include "control/protocol.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace healthgate::control {
namespace {

using namespace std::chrono_literals;

std::string complaint(std::string_view line) {
  const auto parsed = parse_request(line);
  return parsed ? "" : parsed.error().sentence;
}

TEST(Protocol, ReadsADrainWithAllItsFields) {
  const auto parsed = parse_request(
      R"({"v":1,"id":7,"command":"drain","gate":"router","for_ms":1800000,"reason":"ärger","sudo_user":"alice"})");
  ASSERT_TRUE(parsed) << parsed.error().sentence;
  const auto& request = parsed.value();
  EXPECT_EQ(request.id, 7U);
  EXPECT_EQ(request.command, Command::drain);
  EXPECT_EQ(request.gate, "router");
  EXPECT_FALSE(request.all);
  EXPECT_EQ(request.duration, 30min);
  EXPECT_EQ(request.reason, "ärger");
  EXPECT_EQ(request.sudo_user, "alice");
}

TEST(Protocol, EveryRequestSurvivesTheWay) {
  for (const auto command :
       {Command::status, Command::watch, Command::history, Command::drain, Command::force_open,
        Command::automatic, Command::probe_now, Command::reload, Command::takeover}) {
    Request request;
    request.id = ~std::uint64_t{0};
    request.command = command;
    const bool takes_gate = command != Command::reload && command != Command::takeover;
    request.gate = takes_gate ? "router" : "";
    request.step = command == Command::takeover ? "begin" : "";
    auto line = to_line(request);
    ASSERT_EQ(line.back(), '\n');
    line.pop_back();
    const auto parsed = parse_request(line);
    ASSERT_TRUE(parsed) << line << parsed.error().sentence;
    EXPECT_EQ(parsed.value().command, command);
    EXPECT_EQ(parsed.value().id, request.id);
    EXPECT_EQ(parsed.value().gate, request.gate);
    EXPECT_EQ(parsed.value().step, request.step);
  }
}

struct Bad {
  const char* line;
  const char* sentence;
};

TEST(Protocol, RefusesWithOneSentence) {
  const Bad table[] = {
      {"", "a request is one JSON object on a line; this one is broken at byte 1"},
      {"[1]", "a request is one JSON object on a line"},
      {"7", "a request is one JSON object on a line"},
      {R"({"v":1)", "a request is one JSON object on a line; this one is broken at byte 7"},
      {R"({"v":1,"id":1,"command":"status"}{)",
       "a request is one JSON object on a line; this one is broken at byte 34"},
      {R"({"id":1,"command":"status"})", "field 'v' is missing"},
      {R"({"v":1,"command":"status"})", "field 'id' is missing"},
      {R"({"v":1,"id":1})", "field 'command' is missing"},
      {R"({"v":1,"id":1,"command":"stop"})", "unknown command 'stop'"},
      {R"({"v":1,"id":1,"command":"status","colour":1})", "unknown field 'colour'"},
      {R"({"v":1,"id":1,"command":"status","colour":{"deep":1}})", "unknown field 'colour'"},
      {R"({"v":1,"id":1,"command":"status","\u001b[2J":1})", "unknown field '\\x1b[2J'"},
      {R"({"v":1,"id":1,"id":2,"command":"status"})", "field 'id' stands twice"},
      {R"({"v":1,"id":-1,"command":"status"})", "field 'id' must be a whole number from 0"},
      {R"({"v":1,"id":1.5,"command":"status"})", "field 'id' must be a whole number from 0"},
      {R"({"v":1,"id":null,"command":"status"})", "field 'id' must be a whole number from 0"},
      {R"({"v":1,"id":1,"command":["status"]})", "field 'command' must be a string"},
      {R"({"v":1,"id":1,"command":"drain","all":1})", "field 'all' must be true or false"},
      {R"({"v":1,"id":1,"command":"status","gate":""})", "field 'gate' is empty"},
      {R"({"v":1,"id":1,"command":"status","all":true})", "'status' takes no field 'all'"},
      {R"({"v":1,"id":1,"command":"drain"})", "'drain' needs either the field 'gate' or 'all': true"},
      {R"({"v":1,"id":1,"command":"drain","gate":"a","all":true})",
       "'drain' needs either the field 'gate' or 'all': true"},
      {R"({"v":1,"id":1,"command":"force-open"})", "'force-open' needs the field 'gate'"},
      {R"({"v":1,"id":1,"command":"reload","gate":"a"})", "'reload' takes no field 'gate'"},
      {R"({"v":1,"id":1,"command":"auto","gate":"a","for_ms":1})", "'auto' takes no field 'for_ms'"},
      {R"({"v":1,"id":1,"command":"auto","gate":"a","reason":"x"})", "'auto' takes no field 'reason'"},
      {R"({"v":1,"id":1,"command":"status","step":"begin"})", "'status' takes no field 'step'"},
      {R"({"v":1,"id":1,"command":"takeover"})",
       "'takeover' needs the field 'step': \"begin\" or \"commit\""},
      {R"({"v":1,"id":1,"command":"drain","gate":"a","for_ms":0})",
       "field 'for_ms' must be from 1 to 3600000000000"},
      {R"({"v":1,"id":1,"command":"drain","gate":"a","for_ms":3600000000001})",
       "field 'for_ms' must be from 1 to 3600000000000"},
      {R"({"v":1,"id":1,"command":"drain","gate":"a","reason":"a\nb"})",
       "field 'reason' has a control character"},
      {R"({"v":1,"id":1,"command":"drain","gate":"a","reason":"\u009b2J"})",
       "field 'reason' has a control character"},
  };
  for (const auto& row : table) {
    EXPECT_EQ(complaint(row.line), row.sentence) << row.line;
  }
}

TEST(Protocol, SaysThatVersionsDifferWhateverElseTheLineHas) {
  const auto sentence =
      "the client speaks version 2 of the control protocol and this daemon version 1; use the "
      "`healthgate` that the daemon was started from";
  EXPECT_EQ(complaint(R"({"v":2,"id":1,"command":"dance"})"), sentence);
  EXPECT_EQ(complaint(R"({"v":2,"id":1,"how":{"deep":[1]}})"), sentence);
}

TEST(Protocol, KnowsTheIdOfWhatItRefuses) {
  EXPECT_EQ(parse_request(R"({"v":1,"id":42,"command":"stop"})").error().id, 42U);
  EXPECT_EQ(parse_request(R"({"v":1,"id":42,"nested":{}})").error().id, 42U);
  EXPECT_EQ(parse_request(R"({"v":1)").error().id, 0U);
}

TEST(Protocol, RefusesWhatIsNotUtf8) {
  EXPECT_EQ(complaint("{\"v\":1,\"id\":1,\"command\":\"drain\",\"gate\":\"\xFF\"}"),
            "the request is not UTF-8");
}

TEST(Protocol, TakesALineOfExactlyTheLimit) {
  std::string line = R"({"v":1,"id":1,"command":"status"})";
  line.resize(request_limit_bytes, ' ');
  EXPECT_EQ(complaint(line), "");
  EXPECT_EQ(complaint(line + " "), "a request has at most 65536 bytes");
}

TEST(Protocol, TakesAReasonOfExactlyTheLimit) {
  const auto with_reason = [](std::size_t size) {
    return R"({"v":1,"id":1,"command":"drain","gate":"a","reason":")" + std::string(size, 'x') + "\"}";
  };
  EXPECT_EQ(complaint(with_reason(256)), "");
  EXPECT_EQ(complaint(with_reason(257)), "field 'reason' is longer than 256 bytes");
}

TEST(Protocol, DeepNestingIsRefusedAtItsFirstStep) {
  const std::string deep = R"({"v":1,"id":1,"command":)" + std::string(60'000, '[');
  EXPECT_EQ(complaint(deep), "field 'command' must be a string");
  EXPECT_EQ(complaint(std::string(60'000, '[')), "a request is one JSON object on a line");
}

TEST(Protocol, AnAnswerSurvivesTheWay) {
  Response response;
  response.id = 9;
  response.ok = response.more = true;
  response.descriptors = {"listener:router", "table"};
  response.result = "{\n  \"b\": 1,\n  \"a\": [2]\n}";
  auto line = to_line(response);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  line.pop_back();
  const auto parsed = parse_response(line);
  ASSERT_TRUE(parsed) << parsed.error();
  EXPECT_EQ(parsed.value().id, 9U);
  EXPECT_TRUE(parsed.value().ok);
  EXPECT_TRUE(parsed.value().more);
  EXPECT_EQ(parsed.value().descriptors, response.descriptors);
  EXPECT_EQ(parsed.value().result, R"({"b":1,"a":[2]})");
}

TEST(Protocol, ARefusalSurvivesTheWayWithItsKind) {
  for (const auto kind : {Refusal::refused, Refusal::usage, Refusal::denied, Refusal::failed}) {
    Response response;
    response.kind = kind;
    response.error = "no \"such\" gate \xFF";
    const auto parsed = parse_response(to_line(response));
    ASSERT_TRUE(parsed) << parsed.error();
    EXPECT_FALSE(parsed.value().ok);
    EXPECT_EQ(parsed.value().kind, kind);
    EXPECT_EQ(parsed.value().error, "no \"such\" gate \xEF\xBF\xBD");
  }
}

TEST(Protocol, TheClientSaysWhatIsWrongWithAnAnswer) {
  EXPECT_EQ(parse_response("220 ready").error(),
            "what answers there does not speak healthgate's control protocol");
  EXPECT_EQ(
      parse_response(R"({"v":3,"id":1,"ok":true,"result":1})").error(),
      "the daemon speaks version 3 of the control protocol and this client version 1; use the `healthgate` "
      "that the daemon was started from");
  EXPECT_EQ(parse_response(R"({"v":1,"id":1,"ok":true})").error(),
            "the daemon's answer has neither a result nor an error");
}

TEST(Protocol, AMessageSurvivesTheWay) {
  const auto parsed = message_from_json(to_json({"router: HTTP 500", false}));
  ASSERT_TRUE(parsed) << parsed.error();
  EXPECT_EQ(parsed.value().text, "router: HTTP 500");
  EXPECT_FALSE(parsed.value().good);
  EXPECT_EQ(message_from_json("[]").error(), "the daemon's answer has no message");
}

} // namespace
} // namespace healthgate::control
