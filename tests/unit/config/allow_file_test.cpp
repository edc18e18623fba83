#include "unit/config/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace healthgate::config {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

Sources with_file(const std::string& content, const std::string& more = "") {
  return sources_of(
      Tree{{main_file, gate_with("allow-file = /etc/lb.txt\n" + more)}, {"/etc/lb.txt", content}});
}

std::vector<std::string> allowed(const Sources& sources) {
  const Config config = loaded(sources);
  std::vector<std::string> out;
  if (config.gates.empty()) {
    return config.notes;
  }
  for (const auto* cidrs : {&config.gates[0].allow->v4(), &config.gates[0].allow->v6()}) {
    for (const core::Cidr& cidr : *cidrs) {
      out.push_back(cidr.to_string());
    }
  }
  return out;
}

TEST(AllowFile, HasOneCidrALineWithComments) {
  EXPECT_THAT(allowed(with_file("# balancers\n192.0.2.1\r\n\n 192.0.2.128/25 # lab\n2001:db8::/64\n")),
              ElementsAre("192.0.2.1", "192.0.2.128/25", "2001:db8::/64"));
}

TEST(AllowFile, AddsToTheAllowLines) {
  EXPECT_THAT(allowed(with_file("192.0.2.1\n", "allow = 192.0.2.9\n")),
              ElementsAre("192.0.2.1", "192.0.2.9"));
}

TEST(AllowFile, MayBeEmpty) {
  EXPECT_THAT(allowed(with_file("")), ElementsAre());
}

TEST(AllowFile, EveryBadLineIsAnErrorOfThatFile) {
  const auto errors = errors_of(with_file("192.0.2.1\nlb1.example.com\n10.0.0.1/8\n"));
  EXPECT_THAT(errors, ElementsAre(HasSubstr("/etc/lb.txt:2: lb1.example.com: "),
                                  HasSubstr("/etc/lb.txt:3: 10.0.0.1/8: ")));
  EXPECT_THAT(
      errors_of(with_file("192.0.2.1\0\n"s)),
      ElementsAre("/etc/lb.txt:1: the line has a NUL byte in it: this is no text file, or it is UTF-16"));
}

TEST(AllowFile, FiftyBadLinesAreToldAndTheRestCounted) {
  std::string lines;
  for (int i = 0; i < 50; ++i) {
    lines += "x\n";
  }
  EXPECT_THAT(errors_of(with_file(lines)), SizeIs(50));
  const auto errors = errors_of(with_file(lines + "x\nx\n"));
  ASSERT_THAT(errors, SizeIs(51));
  EXPECT_EQ(errors.back(), "/etc/lb.txt: 2 more lines are wrong");
}

TEST(AllowFile, ThatCannotBeReadIsAnErrorOfTheLineThatNamesIt) {
  EXPECT_THAT(
      errors_of(gate_with("allow-file = /etc/none")),
      ElementsAre("healthgate.conf:4: allow-file = /etc/none: it cannot be read: No such file or directory"));
}

TEST(AllowFile, OfTwoGatesIsReadOnceAndItsErrorsToldOnce) {
  const std::string text =
      gate_with("allow-file = /etc/lb.txt\n[gate.b]\nport = 2\nprobe = file:///b\nallow-file = /etc/lb.txt");
  int reads = 0;
  Sources sources = sources_of(Tree{{main_file, text}, {"/etc/lb.txt", "x\n"}});
  const auto read = sources.files.read;
  sources.files.read = [&](const Files::Path& path) {
    reads += path == "/etc/lb.txt" ? 1 : 0;
    return read(path);
  };
  EXPECT_THAT(errors_of(sources), SizeIs(1));
  EXPECT_EQ(reads, 1);
}

TEST(WatchedFiles, AreTheAllowFilesOnceEach) {
  const std::string text =
      gate_with("allow-file = /b\nallow-file = /a\n[gate.b]\nport = 2\nprobe = file:///b\nallow-file = /b");
  const Config config = loaded(sources_of(Tree{{main_file, text}, {"/a", ""}, {"/b", ""}}));
  EXPECT_THAT(watched_files(config), ElementsAre("/a", "/b"));
}

} // namespace
} // namespace healthgate::config
