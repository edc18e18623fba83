#include "probe/pid_file_watch.hpp"

#include "unit/probe/support.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

namespace healthgate::probe {
namespace {

std::string parsed(std::string_view content) {
  const auto pid = parse_pid_file(content);
  return pid ? std::to_string(pid.value()) : pid.error();
}

TEST(PidFile, HoldsAPidInItsFirstLine) {
  EXPECT_EQ(parsed("4711\n"), "4711");
  EXPECT_EQ(parsed("4711"), "4711");
  EXPECT_EQ(parsed("  4711 \r\n"), "4711");
  EXPECT_EQ(parsed("4711\n/var/lib/postgresql\n5432\n"), "4711");
}

TEST(PidFile, APidStandsBetween2AndTheKernelsLimit) {
  const std::string expected = "' where a process id from 2 to 4194303 is expected";
  EXPECT_EQ(parsed("1"), "holds '1" + expected);
  EXPECT_EQ(parsed("2"), "2");
  EXPECT_EQ(parsed("4194303"), "4194303");
  EXPECT_EQ(parsed("4194304"), "holds '4194304" + expected);
  EXPECT_EQ(parsed("-4711"), "holds '-4711" + expected);
  EXPECT_EQ(parsed("99999999999999999999999"), "holds '99999999999999999..." + expected);
}

TEST(PidFile, AnythingElseIsNamed) {
  EXPECT_EQ(parsed(""), "holds no process id in its first line");
  EXPECT_EQ(parsed("\n4711\n"), "holds no process id in its first line");
  EXPECT_EQ(parsed("4711 4712"), "holds '4711 4712' where a process id from 2 to 4194303 is expected");
  EXPECT_EQ(parsed("\x1b[2J"), "holds '?[2J' where a process id from 2 to 4194303 is expected");
}

struct Watched : testing::Test {
  std::string file(const std::string& text) { return directory.write("service.pid", text); }
  std::string file(const Child& child) { return file(std::to_string(child.pid()) + "\n"); }
  PidFileWatch watch(const std::string& path) {
    return PidFileWatch(loop, path, [this](const std::string& why) { ends.push_back(why); });
  }

  TempDir directory;
  loop::EventLoop loop;
  std::vector<std::string> ends;
};

TEST_F(Watched, TheEndOfTheProcessIsToldOnce) {
  Child child;
  const auto path = file(child);
  const auto watch = this->watch(path);
  EXPECT_EQ(watch.watched(), child.pid());
  EXPECT_EQ(watch.problem(), "");
  child.kill();
  ASSERT_TRUE(run_until(loop, [&] { return !ends.empty(); }));
  child.reap();
  run_until_quiet(loop);
  EXPECT_EQ(ends, std::vector<std::string>{"process " + std::to_string(child.pid()) + " of " + path +
                                           " has ended"});
  EXPECT_EQ(watch.watched(), 0);
}

// A probe that passes refreshes, and an end makes a probe: a zombie must not turn that into a circle.
TEST_F(Watched, AZombieIsNotWatchedAgain) {
  const Child child;
  auto watch = this->watch(file(child));
  child.kill();
  ASSERT_TRUE(run_until(loop, [&] { return !ends.empty(); }));
  watch.refresh();
  run_until_quiet(loop);
  EXPECT_EQ(ends.size(), 1U);
  EXPECT_NE(watch.problem().find("which has ended"), std::string::npos) << watch.problem();
}

TEST_F(Watched, AFileReplacedByRenameNamesTheNextProcess) {
  const Child first;
  const Child second;
  const auto watch = this->watch(file(first));
  file(second);
  ASSERT_TRUE(run_until(loop, [&] { return watch.watched() == second.pid(); }));
  first.kill();
  run_until_quiet(loop);
  EXPECT_TRUE(ends.empty());
  second.kill();
  EXPECT_TRUE(run_until(loop, [&] { return !ends.empty(); }));
}

// The number of a process that has ended may be given again; the file that names it is another then.
TEST_F(Watched, ANumberThatIsUsedAgainIsWatchedOnceTheFileSaysSoAnew) {
  const Child child;
  const auto watch = this->watch(file(child));
  child.kill();
  ASSERT_TRUE(run_until(loop, [&] { return ends.size() == 1; }));
  file(child); // still a zombie, so its number cannot be another's: watched, and ended at once
  EXPECT_TRUE(run_until(loop, [&] { return ends.size() == 2; }));
}

TEST_F(Watched, AFileThatComesLaterIsFound) {
  const Child child;
  const auto path = (directory / "service.pid").string();
  const auto watch = this->watch(path);
  EXPECT_EQ(watch.problem(), path + ": No such file or directory");
  file(child);
  ASSERT_TRUE(run_until(loop, [&] { return watch.watched() == child.pid(); }));
  EXPECT_EQ(watch.problem(), "");
}

TEST_F(Watched, AFileThatIsEmptiedOrRemovedLeavesTheProcessWatched) {
  const Child child;
  const auto path = file(child);
  const auto watch = this->watch(path);
  file("");
  run_until_quiet(loop);
  std::filesystem::remove(path);
  run_until_quiet(loop);
  EXPECT_EQ(watch.watched(), child.pid());
  child.kill();
  EXPECT_TRUE(run_until(loop, [&] { return !ends.empty(); }));
}

TEST_F(Watched, AStaleFileIsSaidAndReadAgainAtARefresh) {
  pid_t gone = 0;
  {
    const Child child;
    gone = child.pid();
  }
  const auto path = file(std::to_string(gone));
  auto watch = this->watch(path);
  EXPECT_EQ(watch.problem(), path + " names process " + std::to_string(gone) + ", which does not exist");
  watch.refresh();
  EXPECT_EQ(watch.watched(), 0);
  EXPECT_TRUE(ends.empty());
}

TEST_F(Watched, AFifoDoesNotHoldTheLoop) {
  const auto path = (directory / "fifo").string();
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(watch(path).problem(), path + " holds no process id in its first line");
}

} // namespace
} // namespace healthgate::probe
