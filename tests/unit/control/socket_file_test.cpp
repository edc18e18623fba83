// The name of the control socket: what is replaced, what is refused, what is left alone.
#include "control/socket_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fcntl.h>
#include <fstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace healthgate::control {
namespace {

class SocketFileTest : public testing::Test {
protected:
  SocketFileTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "hg-control-XXXXXX";
    directory = ::mkdtemp(pattern.data());
    path = directory / "control.sock";
  }
  ~SocketFileTest() override { std::filesystem::remove_all(directory); }

  // A socket's name that some other program left or still uses.
  [[nodiscard]] base::UniqueFd other_socket(int type, bool listening) const {
    base::UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.native().begin(), path.native().end(), address.sun_path);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    if (listening) {
      EXPECT_EQ(::listen(fd.get(), 0), 0);
    }
    return fd;
  }
  [[nodiscard]] std::string refusal(bool replace_live = false) const {
    const auto bound = SocketFile::bind(path, {}, replace_live);
    return bound ? "" : bound.error();
  }
  [[nodiscard]] struct stat info() const {
    struct stat found {};
    EXPECT_EQ(::lstat(path.c_str(), &found), 0);
    return found;
  }
  [[nodiscard]] mode_t mode() const { return info().st_mode & 07777; }

  std::filesystem::path directory;
  std::filesystem::path path;
};

TEST_F(SocketFileTest, HasTheModeThatWasAskedForWhateverTheUmask) {
  for (const mode_t mask : {mode_t{0}, mode_t{022}, mode_t{0777}}) {
    for (const mode_t wanted : {mode_t{0660}, mode_t{0666}}) {
      const auto before = ::umask(mask);
      const auto bound = SocketFile::bind(path, {std::nullopt, wanted}, false);
      ::umask(before);
      ASSERT_TRUE(bound) << bound.error();
      EXPECT_EQ(mode(), wanted);
    }
  }
}

// What bind() relies on so that nobody slips in before the group is set.
TEST_F(SocketFileTest, TheKernelGivesTheFileTheModeOfTheUnboundSocket) {
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::fchmod(fd.get(), 0600), 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(path.native().begin(), path.native().end(), address.sun_path);
  const auto before = ::umask(0);
  ASSERT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ::umask(before);
  EXPECT_EQ(mode(), 0600U);
}

TEST_F(SocketFileTest, BelongsToTheGroup) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "needs root to give a file to another group";
  }
  const auto bound = SocketFile::bind(path, {gid_t{12345}, 0660}, false);
  ASSERT_TRUE(bound) << bound.error();
  EXPECT_EQ(info().st_gid, 12345U);
  EXPECT_EQ(bound.value().note(), "");
}

TEST_F(SocketFileTest, KeepsItsOwnGroupAndSaysSoWhereItMayNotChangeIt) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "needs root to become another user";
  }
  std::filesystem::permissions(directory, std::filesystem::perms::all);
  ASSERT_EQ(::seteuid(12345), 0);
  const auto bound = SocketFile::bind(path, {gid_t{12346}, 0660}, false);
  ASSERT_EQ(::seteuid(0), 0);
  ASSERT_TRUE(bound) << bound.error();
  EXPECT_EQ(bound.value().note(),
            "cannot give group 12346 the control socket " + path.string() + ": Operation not permitted");
  EXPECT_EQ(mode(), 0660U);
}

TEST_F(SocketFileTest, MakesItsDirectory) {
  path = directory / "run" / "control.sock";
  EXPECT_EQ(refusal(), "");
  path = directory / "no" / "such" / "control.sock";
  EXPECT_EQ(refusal(), "cannot make the directory " + (directory / "no" / "such").string() +
                           ": No such file or directory");
}

TEST_F(SocketFileTest, ReplacesTheSocketOfADeadDaemon) {
  (void)other_socket(SOCK_STREAM, true); // closed at once, and its name stays
  ASSERT_TRUE(std::filesystem::exists(path));
  EXPECT_EQ(refusal(), "");
}

TEST_F(SocketFileTest, RefusesThatOfALiveOne) {
  const auto bound = SocketFile::bind(path, {}, false);
  ASSERT_TRUE(bound) << bound.error();
  EXPECT_EQ(refusal(),
            "another healthgate listens at " + path.string() + " (pid " + std::to_string(::getpid()) + ")");
}

TEST_F(SocketFileTest, RefusesThatOfALiveOneThatAcceptsNobody) {
  const auto live = other_socket(SOCK_STREAM, true);
  EXPECT_NE(refusal(), "");
  EXPECT_NE(refusal(), ""); // the backlog is full by now
  EXPECT_EQ(refusal(), "another healthgate listens at " + path.string());
}

TEST_F(SocketFileTest, ASuccessorTakesTheNameOfALiveOne) {
  auto before = SocketFile::bind(path, {}, false);
  ASSERT_TRUE(before) << before.error();
  {
    const auto after = SocketFile::bind(path, {}, true);
    ASSERT_TRUE(after) << after.error();
    const auto inode = info().st_ino;
    { const auto gone = std::move(before).value(); }
    EXPECT_EQ(info().st_ino, inode) << "the predecessor removed its successor's name";
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(SocketFileTest, LeavesAnotherKindOfSocketAlone) {
  const auto datagrams = other_socket(SOCK_DGRAM, false);
  EXPECT_EQ(refusal(),
            "cannot tell whether somebody listens at " + path.string() + ": Protocol wrong type for socket");
  EXPECT_EQ(refusal(true), refusal());
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(SocketFileTest, LeavesWhatIsNoSocketAlone) {
  std::ofstream(path) << "precious";
  const auto sentence = path.string() + " is there and is not a socket; nothing was removed";
  EXPECT_EQ(refusal(), sentence);
  EXPECT_EQ(refusal(true), sentence);
  EXPECT_EQ(std::filesystem::file_size(path), 8U);
}

TEST_F(SocketFileTest, FollowsNoSymbolicLink) {
  std::filesystem::create_symlink(directory / "elsewhere.sock", path);
  EXPECT_EQ(refusal(), path.string() + " is there and is not a socket; nothing was removed");
}

TEST_F(SocketFileTest, SaysThatAPathIsTooLong) {
  path = directory / std::string(108 - directory.native().size() - 1, 'x');
  EXPECT_EQ(refusal(), "a socket's path has 1 to 107 bytes, " + path.string() + " has 108");
  path = path.string().substr(0, 107);
  EXPECT_EQ(refusal(), "");
}

TEST_F(SocketFileTest, RemovesItsNameAtItsEndAndNoOther) {
  { ASSERT_TRUE(SocketFile::bind(path, {}, false)); }
  EXPECT_FALSE(std::filesystem::exists(path));
  {
    const auto bound = SocketFile::bind(path, {}, false);
    ASSERT_TRUE(bound) << bound.error();
    std::filesystem::remove(path);
    std::ofstream(path) << "somebody else's";
  }
  EXPECT_TRUE(std::filesystem::exists(path));
}

} // namespace
} // namespace healthgate::control
