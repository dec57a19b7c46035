// A client of HTTP that says exactly what a test tells it to, byte by byte, over plain TCP.
// Never helpful: no header is added, nothing is retried. Gives up after 20 s. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace cotter::sim {

struct RawReply {
  int status = 0;  ///< 0: the connection ended before a whole header
  std::string version;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string head;                            ///< as it came
  std::string body;                            ///< up to Content-Length, or the end of the connection
};

class RawClient {
 public:
  explicit RawClient(std::uint16_t port, int receive_buffer = 0);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  /// false: the server has closed the connection.
  bool send(std::string_view text);
  void end_sending();
  /// The next reply; `of_head` has no body, whatever its Content-Length says.
  RawReply reply(bool of_head = false);
  /// Reads on to the end, and throws away what comes. false: it did not end in time.
  bool ended();

 private:
  bool receive();
  int fd_ = -1;
  bool timed_out_ = false;
  std::string buffer_;
};

}  // namespace cotter::sim
