#include "server/operations/remarks.h"

#include "common/base/printable.h"

namespace cotter::operations {

void Remarks::add(std::string_view sentence) {
  if (first_.size() == kMaxRemarks) {
    ++more_;
    return;
  }
  first_.push_back(printable(std::string(sentence.substr(0, kMaxRemarkBytes))));
  if (sentence.size() > kMaxRemarkBytes) first_.back() += "...";
}

std::vector<std::string> Remarks::sentences() const {
  std::vector<std::string> all = first_;
  if (more_ > 0) all.push_back("and " + std::to_string(more_) + " more");
  return all;
}

}  // namespace cotter::operations
