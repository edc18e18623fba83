#include "probe/http_answer.hpp"

#include <gtest/gtest.h>

namespace healthgate::probe {
namespace {

using Part = HttpAnswer::Part;

HttpBounds bounds(std::size_t body = 100, std::size_t header = 1000, int lines = 10, int informational = 2) {
  HttpBounds made;
  made.body_bytes = body;
  made.header_bytes = header;
  made.header_lines = lines;
  made.informational = informational;
  return made;
}

// Takes the lines in turn; "" when all were taken, else what was said of the first that was not.
std::string taken(HttpAnswer& answer, const std::vector<std::string>& lines) {
  for (const auto& line : lines) {
    if (!answer.take_header(line + "\r\n")) {
      return answer.excess();
    }
  }
  return "";
}

TEST(HttpAnswer, KnowsHowFarItHasCome) {
  HttpAnswer answer(bounds());
  EXPECT_EQ(answer.part(), Part::nothing);
  EXPECT_EQ(taken(answer, {"HTTP/1.1 103 Early Hints"}), "");
  EXPECT_EQ(answer.part(), Part::informational);
  EXPECT_EQ(taken(answer, {"Link: </a>", "", "HTTP/1.1 200 OK"}), "");
  EXPECT_EQ(answer.part(), Part::headers);
  EXPECT_EQ(taken(answer, {"X-A: b", ""}), "");
  EXPECT_EQ(answer.part(), Part::body);
  EXPECT_EQ(answer.field("link"), ""); // that was another answer's
}

TEST(HttpAnswer, ReadsTheStatusOfAnyVersion) {
  for (const auto& [line, status] :
       std::vector<std::pair<std::string, int>>{{"HTTP/1.1 503 Service Unavailable", 503},
                                                {"HTTP/2 204", 204},
                                                {"HTTP/1.0 200", 200},
                                                {"HTTP/1.1", 0}}) {
    HttpAnswer answer(bounds());
    EXPECT_EQ(taken(answer, {line}), "");
    EXPECT_EQ(answer.status(), status) << line;
    EXPECT_EQ(answer.status_line(), line);
  }
}

TEST(HttpAnswer, FindsFieldsWithoutCaseInTheHeaderThenInTheTrailer) {
  HttpAnswer answer(bounds());
  EXPECT_EQ(taken(answer, {"HTTP/1.1 200 OK", "X-One:  first ", "X-One: second", ""}), "");
  EXPECT_TRUE(answer.take_body("body"));
  EXPECT_EQ(taken(answer, {"X-One: trailer", "Grpc-Status: 0", ""}), "");
  EXPECT_EQ(answer.field("x-ONE"), "first");
  EXPECT_EQ(answer.field("grpc-status"), "0");
  EXPECT_EQ(answer.field("x-none"), "");
  EXPECT_EQ(answer.headers().size(), 2U);
  EXPECT_EQ(answer.trailers().size(), 2U);
}

TEST(HttpAnswer, ALineThatLooksLikeAStatusInTheTrailerIsNone) {
  HttpAnswer answer(bounds());
  EXPECT_EQ(taken(answer, {"HTTP/1.1 500 Broken", "", "HTTP/1.1 200 OK"}), "");
  EXPECT_EQ(answer.status(), 500);
}

TEST(HttpAnswer, HeaderLinesAreBounded) {
  HttpAnswer answer(bounds(100, 1000, 4));
  EXPECT_EQ(taken(answer, {"HTTP/1.1 200 OK", "A: 1", "B: 2", "C: 3"}), "");
  EXPECT_EQ(taken(answer, {"D: 4"}), "header of more than 4 lines");
}

TEST(HttpAnswer, HeaderBytesAreBounded) {
  HttpAnswer answer(bounds(100, 17 + 8));
  EXPECT_EQ(taken(answer, {"HTTP/1.1 200 OK", "A: 123"}), ""); // 17 and 8 bytes with their line ends
  EXPECT_FALSE(answer.take_header("\r\n"));
  EXPECT_EQ(answer.excess(), "header of more than 25 bytes");
}

TEST(HttpAnswer, InformationalAnswersAreBounded) {
  HttpAnswer answer(bounds());
  EXPECT_EQ(taken(answer, {"HTTP/1.1 100 Continue", "", "HTTP/1.1 100 Continue", ""}), "");
  EXPECT_EQ(taken(answer, {"HTTP/1.1 100 Continue"}), "more than 2 answers of status 1xx");
}

TEST(HttpAnswer, TheBodyIsBoundedByteForByte) {
  HttpAnswer answer(bounds(4));
  EXPECT_EQ(taken(answer, {"HTTP/1.1 200 OK", ""}), "");
  EXPECT_TRUE(answer.take_body("abc"));
  EXPECT_TRUE(answer.take_body("d"));
  EXPECT_FALSE(answer.take_body("e"));
  EXPECT_EQ(answer.excess(), "body of more than 4 bytes");
  EXPECT_EQ(answer.body(), "abcd");
}

TEST(HttpAnswer, AnAnnouncedLengthIsBelievedAtOnce) {
  HttpAnswer fits(bounds(4));
  EXPECT_EQ(taken(fits, {"HTTP/1.1 200 OK", "Content-Length: 4", ""}), "");
  HttpAnswer long_(bounds(4));
  EXPECT_EQ(taken(long_, {"HTTP/1.1 200 OK", "content-length: 5", ""}),
            "body of 5 bytes, more than the limit of 4");
  HttpAnswer huge(bounds(4));
  EXPECT_EQ(taken(huge, {"HTTP/1.1 200 OK", "Content-Length: 99999999999999999999999", ""}),
            "body of far more than the limit of 4");
}

TEST(HttpAnswer, TheLengthInAnAnswerToHeadAnnouncesNothing) {
  HttpAnswer answer(bounds(4), true);
  EXPECT_EQ(taken(answer, {"HTTP/1.1 200 OK", "Content-Length: 5000", ""}), "");
}

TEST(HttpAnswer, TwoLengthsThatDifferAreRefused) {
  HttpAnswer same(bounds());
  EXPECT_EQ(taken(same, {"HTTP/1.1 200 OK", "Content-Length: 5", "Content-Length: 5", ""}), "");
  HttpAnswer differ(bounds());
  EXPECT_EQ(taken(differ, {"HTTP/1.1 200 OK", "Content-Length: 5", "Content-Length: 2", ""}),
            "two lengths of the body that differ");
}

} // namespace
} // namespace healthgate::probe
