// Who may what, with real users of the kernel: a child drops to each of them and asks.
#include "server_fixture.hpp"

#include "control/client.hpp"
#include "loop/io.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace healthgate::control {
namespace {

using namespace std::chrono_literals;

constexpr uid_t somebody = 54321;

class PermissionTest : public ServerTest {
protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "needs root to become other users";
    }
    ASSERT_EQ(::chmod(directory.c_str(), 0755), 0);
    options.group = "daemon"; // stands in for healthgate: every host has it
    const auto* const entry = ::getgrnam("daemon");
    ASSERT_NE(entry, nullptr);
    group = entry->gr_gid;
  }

  // What a process with these rights is told: "ok", the refusal, or why it could not connect.
  std::string told(uid_t uid, gid_t gid, const std::vector<gid_t>& groups, Command command) {
    Request request;
    request.command = command;
    request.gate = command == Command::drain ? "router" : "";
    request.step = command == Command::takeover ? "begin" : "";
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    base::UniqueFd from(ends[0]);
    base::UniqueFd to(ends[1]);
    const pid_t child = ::fork();
    if (child == 0) {
      const bool dropped = ::seteuid(0) == 0 && ::setgroups(groups.size(), groups.data()) == 0 &&
                           ::setresgid(gid, gid, gid) == 0 && ::setresuid(uid, uid, uid) == 0;
      const auto text = dropped ? ask(request) : "cannot become another user";
      ::_exit(::write(to.get(), text.data(), text.size()) < 0 ? 1 : 0);
    }
    to.reset();
    bool ended = false;
    const loop::IoWatch watch(loop, from.get(), EPOLLIN, [&](std::uint32_t /*revents*/) { ended = true; });
    EXPECT_TRUE(until([&] { return ended; }));
    char buffer[512];
    const auto size = ::read(from.get(), buffer, sizeof(buffer));
    EXPECT_EQ(::waitpid(child, nullptr, 0), child);
    return {buffer, static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  }

  [[nodiscard]] std::string ask(const Request& request) const {
    auto client = Client::connect(options.path, 5s);
    if (!client) {
      return client.error().sentence;
    }
    const auto response = client.value().ask(request, 5s);
    return !response ? response.error().sentence : response.value().ok ? "ok" : response.value().error;
  }

  gid_t group = 0;
};

TEST_F(PermissionTest, RootMayEverything) {
  serve();
  EXPECT_EQ(told(0, 0, {}, Command::status), "ok");
  EXPECT_EQ(told(0, 0, {}, Command::drain), "ok");
  EXPECT_EQ(told(0, 0, {}, Command::takeover), "ok");
}

TEST_F(PermissionTest, TheGroupMaySteerButNotTakeOver) {
  serve();
  EXPECT_EQ(told(somebody, group, {}, Command::drain), "ok");
  EXPECT_EQ(told(somebody, somebody, {1, group, 3}, Command::drain), "ok");
  EXPECT_EQ(told(somebody, group, {}, Command::takeover),
            "uid 54321 may not use 'takeover'; root and the daemon's own user may");
}

TEST_F(PermissionTest, AMemberOfVeryManyGroupsIsFoundToBeOne) {
  serve();
  std::vector<gid_t> groups;
  for (gid_t number = 20'000; number < 20'500; ++number) {
    groups.push_back(number);
  }
  EXPECT_NE(told(somebody, somebody, groups, Command::drain), "ok");
  groups.push_back(group);
  EXPECT_EQ(told(somebody, somebody, groups, Command::drain), "ok");
}

TEST_F(PermissionTest, OthersDoNotEvenConnect) {
  serve();
  EXPECT_EQ(told(somebody, somebody, {}, Command::status),
            "no permission to use " + options.path.string() +
                "; root and the group healthgate may, everybody may read with `status-public = yes`");
}

TEST_F(PermissionTest, OthersMayReadWhereTheStatusIsPublic) {
  options.status_public = true;
  serve();
  EXPECT_EQ(told(somebody, somebody, {}, Command::status), "ok");
  EXPECT_EQ(told(somebody, somebody, {}, Command::watch), "ok");
  EXPECT_EQ(told(somebody, somebody, {}, Command::history), "ok");
  EXPECT_EQ(told(somebody, somebody, {}, Command::drain),
            "uid 54321 may not use 'drain'; root, the daemon's own user and the group healthgate may");
  EXPECT_EQ(told(somebody, somebody, {}, Command::probe_now),
            "uid 54321 may not use 'probe-now'; root, the daemon's own user and the group healthgate may");
  EXPECT_EQ(told(somebody, somebody, {}, Command::reload),
            "uid 54321 may not use 'reload'; root, the daemon's own user and the group healthgate may");
}

TEST_F(PermissionTest, AReloadGivesAndTakesTheRightToRead) {
  serve();
  server->set_status_public(true);
  EXPECT_EQ(told(somebody, somebody, {}, Command::status), "ok");
  server->set_status_public(false);
  EXPECT_NE(told(somebody, somebody, {}, Command::status), "ok");
  ASSERT_EQ(::chmod(options.path.c_str(), 0666), 0); // as if it had connected before
  EXPECT_EQ(told(somebody, somebody, {}, Command::status),
            "uid 54321 may not use 'status'; root, the daemon's own user and the group healthgate may, and "
            "everybody with `status-public = yes`");
}

TEST_F(PermissionTest, TheDaemonsOwnUserMayEverything) {
  ASSERT_EQ(::chown(directory.c_str(), somebody, static_cast<gid_t>(-1)), 0);
  ASSERT_EQ(::seteuid(somebody), 0); // the daemon's user from here on
  serve();
  EXPECT_EQ(told(somebody, somebody, {}, Command::drain), "ok");
  EXPECT_EQ(told(somebody, somebody, {}, Command::takeover), "ok");
  EXPECT_EQ(told(0, 0, {}, Command::takeover), "ok");
  EXPECT_NE(told(somebody + 1, somebody + 1, {}, Command::status), "ok");
  server.reset();
  ASSERT_EQ(::seteuid(0), 0);
}

TEST_F(PermissionTest, ReadersDoNotKeepAnAdministratorOut) {
  options.status_public = true;
  options.connections = 2;
  serve();
  ASSERT_EQ(::seteuid(somebody), 0);
  RawClient first(options.path);
  RawClient second(options.path);
  ASSERT_EQ(::seteuid(0), 0);
  ASSERT_TRUE(until([&] { return server->connections() == 2; }));
  EXPECT_EQ(told(0, 0, {}, Command::drain), "ok");
  EXPECT_TRUE(first.ended()) << "the oldest goes";
  EXPECT_FALSE(second.ended());
  EXPECT_EQ(told(somebody, somebody, {}, Command::status), "ok") << "there is room again";
}

TEST(Who, NamesTheUserAndTheNumber) {
  Peer peer;
  Request request;
  EXPECT_EQ(who(peer, request), "root (uid 0)");
  peer.uid = somebody;
  EXPECT_EQ(who(peer, request), "uid 54321");
}

TEST(Who, RepeatsTheClaimOfSudoFromRootAlone) {
  Peer peer;
  Request request;
  request.sudo_user = "alice";
  EXPECT_EQ(who(peer, request), "root (sudo by alice)");
  peer.uid = somebody;
  EXPECT_EQ(who(peer, request), "uid 54321");
}

} // namespace
} // namespace healthgate::control
