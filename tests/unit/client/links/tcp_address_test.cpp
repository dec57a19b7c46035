#include <gtest/gtest.h>

#include "client/links/tcp_link.h"

namespace cotter::client {
namespace {

TEST(TcpAddress, IsHostAndPort) {
  const auto four = parse_tcp_address("127.0.0.1:8801");
  ASSERT_TRUE(four);
  EXPECT_EQ(four->host, "127.0.0.1");
  EXPECT_EQ(four->port, 8801);
  EXPECT_EQ(parse_tcp_address("[::1]:8801")->host, "::1");
}

TEST(TcpAddress, IsNothingElse) {
  for (const char* text : {"", ":1", "host", "host:", "host:65536", "host:-1", "host:1 ", "::1:80", "[]:80",
                           "[[::1]]:80", "[[[]]:8443"}) {
    const auto address = parse_tcp_address(text);
    ASSERT_FALSE(address) << text;
    EXPECT_TRUE(is_fault(address.error(), Fault::Kind::Usage)) << text;
  }
}

}  // namespace
}  // namespace cotter::client
