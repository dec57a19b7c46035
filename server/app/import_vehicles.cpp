#include "server/app/import_vehicles.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <memory>
#include <system_error>
#include <utility>

#include "common/crypto/digest.h"
#include "common/host/atomic_file.h"
#include "common/json/canonical.h"
#include "server/app/register_vehicle.h"

namespace cotter::app {
namespace {

using inventory::LineProblem;
using inventory::ListedVehicle;
using inventory::VehicleFile;

Result<std::unique_ptr<VehicleFile>> open(const std::filesystem::path& file) {
  const auto end = file.extension();
  if (end != ".csv" && end != ".jsonl") {
    return fault(Fault::Kind::Usage, file.string() + ": is it CSV or JSON Lines?",
                 "name it .csv or .jsonl, for what is in it");
  }
  auto in = std::make_unique<std::ifstream>(file, std::ios::binary);
  if (!*in) return fail(host::errno_fault("cannot read " + file.string(), errno));
  return VehicleFile::read(std::move(in),
                           end == ".csv" ? VehicleFile::Form::Csv : VehicleFile::Form::JsonLines);
}

class Import {
 public:
  Import(host::Db& db, const ImportRequest& request, UtcTime now) : db_(&db), request_(&request), now_(now) {}

  Result<ImportOutcome> run() {
    const auto file = TRY(open(request_->file));
    std::error_code unknown;
    const std::uintmax_t found = std::filesystem::file_size(request_->file, unknown);
    const std::uint64_t size = unknown ? 0 : found;
    auto transaction = TRY(host::Transaction::begin(*db_));
    for (auto listed = TRY(file->next()); listed; listed = TRY(file->next())) {
      TRY(take(*std::move(listed)));
      if (request_->progress) request_->progress(std::min(file->bytes_read(), size), size);
    }
    if (outcome_.bad > 0 && !request_->skip_bad) {
      return fault(Fault::Kind::Denied,
                   std::to_string(outcome_.bad) + " vehicles are wrong, and none was recorded",
                   "mend the lines, or leave these vehicles out by --skip-bad");
    }
    if (!request_->dry_run) TRY(transaction.commit());
    return outcome_;
  }

 private:
  Result<void> take(ListedVehicle listed) {
    if (listed.record) TRY(add(listed));
    if (listed.wrong.empty()) return {};
    ++outcome_.bad;
    if (!request_->on_problem) return {};
    for (const LineProblem& problem : listed.wrong) request_->on_problem(problem);
    return {};
  }

  Result<void> add(ListedVehicle& listed) {
    const inventory::VehicleRecord& record = *listed.record;
    auto added = register_record(*db_, record, crypto::sha256(json::canonical(record.encode())), now_);
    if (added) {
      ++outcome_.vehicles;
      outcome_.ecus += record.ecus.size();
      return {};
    }
    // What is recorded already is the file's fault, and nothing of it was written; all else is ours.
    if (!is_fault(added.error(), Fault::Kind::Denied)) return added;
    listed.wrong.push_back({listed.line, record.vin.value(), summary(added.error())});
    return {};
  }

  host::Db* db_;
  const ImportRequest* request_;
  UtcTime now_;
  ImportOutcome outcome_;
};

}  // namespace

Result<ImportOutcome> import_vehicles(host::Db& db, const ImportRequest& request, UtcTime now) {
  return Import(db, request, now).run();
}

}  // namespace cotter::app
