#include "config/url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace healthgate::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ProbeConfig parsed(std::string_view text) {
  ProbeConfig probe;
  const auto problem = read_url(text, probe);
  EXPECT_FALSE(problem) << text << ": " << *problem;
  return probe;
}

std::string problem(std::string_view text) {
  ProbeConfig probe;
  probe.host = "before";
  const auto found = read_url(text, probe);
  EXPECT_EQ(probe.host, found ? "before" : probe.host) << "a refused URL changes nothing";
  return found.value_or("accepted");
}

TEST(Url, HttpHasDefaultPortsAndATarget) {
  const ProbeConfig http = parsed("http://localhost/healthz?full=1");
  EXPECT_EQ(http.scheme, Scheme::http);
  EXPECT_EQ(http.host, "localhost");
  EXPECT_EQ(http.port, 80);
  EXPECT_EQ(http.target, "/healthz?full=1");
  EXPECT_EQ(parsed("https://a.example").port, 443);
  EXPECT_EQ(parsed("https://a.example").target, "/");
  EXPECT_EQ(parsed("http://a.example?x").target, "/?x");
  EXPECT_EQ(parsed("HTTP://a.example:8080/").port, 8080);
}

TEST(Url, AnIpv6AddressStandsInBrackets) {
  const ProbeConfig probe = parsed("http://[2001:db8::1]:1936/x");
  EXPECT_EQ(probe.host, "2001:db8::1");
  EXPECT_EQ(probe.port, 1936);
  EXPECT_EQ(parsed("http://[::1]/").host, "::1");
  EXPECT_EQ(parsed("tcp://[fe80::1%eth0]:80").host, "fe80::1%eth0");
  const std::string brackets = "an IPv6 address in a URL stands in brackets: [::1]:1936";
  for (const char* bad : {"http://::1:1936/", "http://[::1/", "http://[localhost]/", "http://[::1]x:80/",
                          "http://[127.0.0.1]/"}) {
    EXPECT_EQ(problem(bad), brackets) << bad;
  }
}

TEST(Url, HttpOverAUnixSocketNamesPathAndUri) {
  const ProbeConfig probe = parsed("http+unix:///run/app.sock:/ready");
  EXPECT_EQ(probe.scheme, Scheme::http_unix);
  EXPECT_EQ(probe.unix_path, "/run/app.sock");
  EXPECT_EQ(probe.target, "/ready");
  EXPECT_EQ(parsed("http+unix:///run/app.sock").target, "/");
  EXPECT_EQ(problem("http+unix:/run/app.sock"), "written as http+unix:///PATH:/URI");
  EXPECT_EQ(problem("http+unix:///" + std::string(107, 'x')),
            "a socket's path has at most 107 bytes, this one has 108; written as http+unix:///PATH:/URI");
}

TEST(Url, TcpNeedsAPortAndHasNoPath) {
  EXPECT_EQ(parsed("tcp://127.0.0.1:5432").port, 5432);
  EXPECT_EQ(problem("tcp://127.0.0.1"), "tcp needs a port: tcp://127.0.0.1:PORT");
  EXPECT_EQ(problem("tcp://127.0.0.1:1/x"), "a tcp probe has no path: tcp://HOST:PORT");
}

TEST(Url, GrpcNamesAService) {
  EXPECT_EQ(parsed("grpc://localhost:50051/my.Service").target, "my.Service");
  EXPECT_EQ(parsed("grpcs://localhost:50051").target, "");
  EXPECT_EQ(problem("grpcs://localhost/x"), "grpcs needs a port: grpcs://localhost:PORT");
  EXPECT_EQ(problem("grpc://localhost:1/x?y"), "a grpc probe has no query: grpc://HOST:PORT/SERVICE");
}

TEST(Url, ExecIsSplitIntoWordsWithoutAShell) {
  EXPECT_THAT(parsed("exec:/bin/check --name 'a b' \"c\"").argv,
              ElementsAre("/bin/check", "--name", "a b", "c"));
  EXPECT_THAT(parsed("exec:///bin/check").argv, ElementsAre("/bin/check"));
  const std::string whole =
      "a program is named by its whole path: exec:/usr/libexec/check-bgp --peer 192.0.2.1";
  EXPECT_EQ(problem("exec:check"), whole);
  EXPECT_EQ(problem("exec:"), whole);
  EXPECT_EQ(problem("exec:/bin/x 'a"), "the single quote is not closed");
}

TEST(Url, FileIsAWholePath) {
  EXPECT_EQ(parsed("file:///run/ready").target, "/run/ready");
  EXPECT_EQ(parsed("file:/run/ready").target, "/run/ready");
  for (const char* bad : {"file:run/ready", "file://host/run", "file:///", "file:"}) {
    EXPECT_EQ(problem(bad), "a file is named by its whole path: file:///run/service.ready") << bad;
  }
}

TEST(Url, AWrongSchemeIsNamedWithAllThatAreAllowed) {
  EXPECT_EQ(problem("htp://x/"),
            "'htp' is no scheme of a probe; allowed: http, https, http+unix, tcp, grpc, grpcs, exec "
            "or file; did you mean 'http'?");
  EXPECT_EQ(
      problem("gopher://x/"),
      "'gopher' is no scheme of a probe; allowed: http, https, http+unix, tcp, grpc, grpcs, exec or file");
  EXPECT_EQ(problem("http:x"), "after the scheme come two slashes: http://HOST");
  EXPECT_EQ(problem("localhost"),
            "neither a URL, as http://localhost:1936/healthz/ready, nor @NAME of a [probe.NAME] section");
}

TEST(Url, CredentialsFragmentsAndBlanksAreRefused) {
  EXPECT_THAT(problem("http://me:secret@host/"), HasSubstr("no name or password in a URL"));
  EXPECT_THAT(problem("http://host/a#b"), HasSubstr("fragment"));
  EXPECT_THAT(problem("http://host/a b"), HasSubstr("no blanks"));
  EXPECT_THAT(problem("http://host/\xC3\xA4"), HasSubstr("ASCII"));
}

TEST(Url, AHostMayNotBeMissingOrMalformed) {
  EXPECT_EQ(problem("http:///x"), "the URL names no host");
  EXPECT_EQ(problem("http://a_b..c/"), "'a_b..c' is no host's name or address");
  EXPECT_EQ(problem("http://host:0/"), "a port is a whole number from 1 to 65535");
  EXPECT_EQ(problem("http://host:/"), "a port is a whole number from 1 to 65535");
  EXPECT_EQ(problem("http://host:65536/"), "a port is a whole number from 1 to 65535");
}

} // namespace
} // namespace healthgate::config
