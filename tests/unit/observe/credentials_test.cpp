#include "observe/credentials.hpp"

#include <gtest/gtest.h>

namespace healthgate::observe {
namespace {

TEST(Credentials, NoTokenLetsEverybodyIn) {
  EXPECT_TRUE(is_permitted("", ""));
  EXPECT_TRUE(is_permitted("Bearer whatever", ""));
}

TEST(Credentials, TheTokenIsTakenAsBearer) {
  EXPECT_TRUE(is_permitted("Bearer s3cret", "s3cret"));
  EXPECT_TRUE(is_permitted("bearer s3cret", "s3cret"));
  EXPECT_TRUE(is_permitted("BEARER   s3cret ", "s3cret"));
}

TEST(Credentials, TheTokenIsTakenAsAnybodysPassword) {
  EXPECT_TRUE(is_permitted("Basic YW5uYTpzM2NyZXQ=", "s3cret")); // anna:s3cret
  EXPECT_TRUE(is_permitted("Basic OnMzY3JldA==", "s3cret"));     // :s3cret
  EXPECT_TRUE(is_permitted("Basic YTpiOmM=", "b:c"));            // a:b:c
}

TEST(Credentials, WhateverElseIsRefused) {
  for (const char* header : {"", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3cret2", "Bearer S3CRET",
                             "s3cret", "Bearers3cret", "Basic czNjcmV0", "Basic YW5uYTpzM2NyZQ==",
                             "Basic ~~~", "Basic ", "Digest s3cret", "Bearer s3crets3cret"}) {
    EXPECT_FALSE(is_permitted(header, "s3cret")) << header;
  }
}

TEST(Credentials, TheTokenIsTheFirstLineOfItsFile) {
  EXPECT_EQ(token_of_file("s3cret\n"), "s3cret");
  EXPECT_EQ(token_of_file("  s3cret \r\nmore\n"), "s3cret");
  EXPECT_EQ(token_of_file("s3cret"), "s3cret");
  EXPECT_EQ(token_of_file("\ns3cret\n"), "");
  EXPECT_EQ(token_of_file(""), "");
}

} // namespace
} // namespace healthgate::observe
