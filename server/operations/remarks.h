// What is said of something that a supplier handed in, in sentences that quote it: to the supplier, to people
// and to the ledger. Never longer than they may be and never more than printable ASCII, whatever was handed
// in. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cotter::operations {

inline constexpr std::size_t kMaxRemarks = 100;      ///< of what may be wrong with thousands of images
inline constexpr std::size_t kMaxRemarkBytes = 512;  ///< a name, a hardware id and what is said of them

class Remarks {
 public:
  /// Made printable and cut short; past kMaxRemarks counted alone.
  void add(std::string_view sentence);
  /// In the order of add(); the last says how many more there were, if any.
  [[nodiscard]] std::vector<std::string> sentences() const;

 private:
  std::vector<std::string> first_;
  std::size_t more_ = 0;
};

}  // namespace cotter::operations
