#include "server/http/listen_address.h"

#include <gtest/gtest.h>

namespace cotter::http {
namespace {

TEST(ListenAddress, ReadsHostAndPort) {
  ServerOptions options;
  ASSERT_TRUE(parse_listen_address("0.0.0.0:8443", options));
  EXPECT_EQ(options.host, "0.0.0.0");
  EXPECT_EQ(options.port, 8443);
  ASSERT_TRUE(parse_listen_address("127.0.0.1:0", options));
  EXPECT_EQ(options.port, 0);
}

TEST(ListenAddress, ReadsIpv6InBrackets) {
  ServerOptions options;
  ASSERT_TRUE(parse_listen_address("[::1]:65535", options));
  EXPECT_EQ(options.host, "::1");
  EXPECT_EQ(options.port, 65535);
}

TEST(ListenAddress, RefusesWhatIsNoAddressAndPort) {
  for (const char* text :
       {"", ":", "8443", ":8443", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536",
        "127.0.0.1:-1", "127.0.0.1:80 ", "127.0.0.1:+80", "[[::1]]:80", "[]:80"}) {
    ServerOptions options;
    const auto parsed = parse_listen_address(text, options);
    ASSERT_FALSE(parsed) << text;
    EXPECT_TRUE(is_fault(parsed.error(), Fault::Kind::Usage)) << text;
  }
}

TEST(ListenAddress, KnowsLoopback) {
  EXPECT_TRUE(is_loopback("127.0.0.1"));
  EXPECT_TRUE(is_loopback("127.8.9.10"));
  EXPECT_TRUE(is_loopback("::1"));
  for (const char* host : {"0.0.0.0", "::", "10.0.0.1", "1270.0.0.1", "128.0.0.1", "::2"})
    EXPECT_FALSE(is_loopback(host)) << host;
}

}  // namespace
}  // namespace cotter::http
