#include "config/files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sys/stat.h>

namespace healthgate::config {
namespace {

// A directory of the test's own, removed with it.
class HostFiles : public testing::Test {
protected:
  HostFiles() {
    std::string name = (std::filesystem::temp_directory_path() / "hg-config-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~HostFiles() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::string why_not(const std::filesystem::path& path) const {
    const auto result = files_.read(path);
    return result ? "read" : result.error().sentence;
  }

  const Files files_ = host_files();
  std::filesystem::path directory_;
};

TEST_F(HostFiles, ReadsTheWholeContent) {
  const std::string content = std::string(200'000, 'x') + std::string("\0end", 4);
  std::ofstream(directory_ / "f") << content;
  EXPECT_EQ(files_.read(directory_ / "f").value(), content);
}

TEST_F(HostFiles, SaysWhyAFileCannotBeRead) {
  EXPECT_EQ(files_.read(directory_ / "none").error().error, ENOENT);
  EXPECT_EQ(why_not(directory_ / "none"), "No such file or directory");
}

TEST_F(HostFiles, APipeWithoutAWriterHoldsNobody) {
  ASSERT_EQ(::mkfifo((directory_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(why_not(directory_ / "pipe"), "it is not a regular file");
  EXPECT_EQ(why_not(directory_), "it is not a regular file");
  EXPECT_EQ(why_not("/dev/zero"), "it is not a regular file");
}

TEST_F(HostFiles, AFileBeyondTheLimitIsRefused) {
  std::ofstream(directory_ / "large").close();
  std::filesystem::resize_file(directory_ / "large", file_limit_bytes);
  EXPECT_EQ(why_not(directory_ / "large"), "read");
  std::filesystem::resize_file(directory_ / "large", file_limit_bytes + 1);
  EXPECT_EQ(why_not(directory_ / "large"), "it has more than 64 MiB");
}

TEST_F(HostFiles, FollowsTheSymlinksOfAConfigMap) {
  std::filesystem::create_directory(directory_ / "..data_1");
  std::ofstream(directory_ / "..data_1" / "lb.txt") << "192.0.2.1\n";
  std::filesystem::create_symlink("..data_1", directory_ / "..data");
  std::filesystem::create_symlink("..data/lb.txt", directory_ / "lb.txt");
  EXPECT_EQ(files_.read(directory_ / "lb.txt").value(), "192.0.2.1\n");
}

TEST_F(HostFiles, ListsADirectory) {
  std::ofstream(directory_ / "a").close();
  std::ofstream(directory_ / "b").close();
  EXPECT_THAT(files_.list(directory_).value(),
              testing::UnorderedElementsAre(directory_ / "a", directory_ / "b"));
  EXPECT_EQ(files_.list(directory_ / "none").error().error, ENOENT);
}

} // namespace
} // namespace healthgate::config
