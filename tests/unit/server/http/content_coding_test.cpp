#include "server/http/content_coding.h"

#include <gtest/gtest.h>

namespace cotter::http {
namespace {

bool admitted(const char* accept_encoding) {
  Request request;
  request.headers["accept-encoding"] = accept_encoding;
  return admits_gzip(request);
}

TEST(ContentCoding, IsWhatTheClientAdmits) {  // RFC 9110 12.5.3
  for (const char* yes :
       {"gzip", "GZip", "x-gzip", "deflate, gzip", "gzip;q=1", "gzip; q=0.001", "br;q=1.0 , gzip\t; Q=0.5",
        "*", "identity, *;q=0.1", "*;q=0, gzip", ",, gzip", "gzip;level=0"})
    EXPECT_TRUE(admitted(yes)) << yes;
  for (const char* no : {"", "identity", "br", "gzip;q=0", "gzip;q=0.000", "gzip ; q = 0", "*, gzip;q=0",
                         "*;q=0", "gzipped", "gzip;q=", "gzip;q=-1", "gzip;q=x1", "br;gzip"})
    EXPECT_FALSE(admitted(no)) << no;
  EXPECT_FALSE(admits_gzip(Request{}));
}

TEST(ContentCoding, IsForMetadataThatNeverChangesAlone) {
  EXPECT_TRUE(may_be_packed("7.snapshot.json"));
  EXPECT_TRUE(may_be_packed("7.fw-0a1.json"));
  for (const char* no : {"timestamp.json", "targets/ab.config.json", "7.snapshot.json.gz", "notes.txt"})
    EXPECT_FALSE(may_be_packed(no)) << no;
}

}  // namespace
}  // namespace cotter::http
