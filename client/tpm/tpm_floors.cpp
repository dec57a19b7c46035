#include "client/tpm/tpm_floors.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "common/crypto/digest.h"
#include "common/tpm/connection.h"

namespace cotter::client {
namespace {

// The index: a head, then entries of one name's digest, its number, and a checksum over both. An entry is
// written by one command, which a TPM carries out whole or not at all; the checksum tells of one that does
// not.
constexpr std::array<std::uint8_t, 8> kHead{'C', 'O', 'T', 'T', 'E', 'R', 0, 1};
constexpr std::size_t kField = 8;
constexpr std::size_t kEntry = 3 * kField;
constexpr std::size_t kEntries = 40;  // 968 bytes: most TPMs allow 2048
constexpr std::size_t kPiece = 512;   // every TPM takes so much in one command
constexpr const char* kWayOut =
    "let a workshop renew the floors by hand: cotter-primary renew-floors, cotter-secondary renew-floor";

using tpm::Owned;

Result<void> done(TSS2_RC code, const std::string& doing) {
  if (code == TSS2_RC_SUCCESS) return {};
  Fault fault = tpm::fault_of(code, doing);
  if (fault.hint.empty()) fault.hint = "no update is taken until the TPM answers";
  return fail(std::move(fault));
}

std::string hex_of(std::uint32_t index) {
  const std::array<std::uint8_t, 4> bytes{
      static_cast<std::uint8_t>(index >> 24U), static_cast<std::uint8_t>(index >> 16U),
      static_cast<std::uint8_t>(index >> 8U), static_cast<std::uint8_t>(index)};
  return "0x" + to_hex(bytes);
}

/// The index while it is open: one connection to the TPM.
class Index {
 public:
  static Result<Index> open(const std::string& tcti, std::uint32_t nv_index) {
    Index index(nv_index, TRY(tpm::Connection::open(tcti)));
    TRY(index.look());
    return index;
  }

  [[nodiscard]] bool defined() const noexcept { return handle_ != ESYS_TR_NONE; }
  [[nodiscard]] bool written() const noexcept { return written_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] bool fits() const noexcept {
    return size_ >= kHead.size() + kEntry && (size_ - kHead.size()) % kEntry == 0;
  }

  Result<void> define() {
    TPM2B_NV_PUBLIC area{};
    area.nvPublic.nvIndex = number_;
    area.nvPublic.nameAlg = TPM2_ALG_SHA256;
    area.nvPublic.attributes = TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_OWNERREAD | TPMA_NV_NO_DA;
    area.nvPublic.dataSize = static_cast<UINT16>(kHead.size() + kEntries * kEntry);
    const TPM2B_AUTH no_password{};
    TRY(done(Esys_NV_DefineSpace(tpm_.esys(), ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                 &no_password, &area, &handle_),
             "cannot define " + name_));
    size_ = area.nvPublic.dataSize;
    return {};
  }

  Result<Bytes> read() {
    Bytes all;
    while (all.size() < size_) {
      TPM2B_MAX_NV_BUFFER* came = nullptr;
      const auto wanted = static_cast<UINT16>(std::min(kPiece, size_ - all.size()));
      TRY(done(Esys_NV_Read(tpm_.esys(), handle_, handle_, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                            wanted, static_cast<UINT16>(all.size()), &came),
               "cannot read " + name_));
      const Owned<TPM2B_MAX_NV_BUFFER> piece(came);
      if (piece->size != wanted) return fault(Fault::Kind::Io, name_ + " gave fewer bytes than it holds");
      all.insert(all.end(), piece->buffer, piece->buffer + piece->size);
    }
    return all;
  }

  Result<void> write(std::size_t offset, ByteView bytes) {
    while (!bytes.empty()) {
      TPM2B_MAX_NV_BUFFER piece{};
      piece.size = static_cast<UINT16>(std::min(kPiece, bytes.size()));
      std::copy_n(bytes.begin(), piece.size, piece.buffer);
      TRY(done(Esys_NV_Write(tpm_.esys(), handle_, handle_, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                             &piece, static_cast<UINT16>(offset)),
               "cannot write " + name_));
      offset += piece.size;
      bytes = bytes.subspan(piece.size);
    }
    return {};
  }

 private:
  Index(std::uint32_t number, tpm::Connection connection)
      : number_(number), name_("NV index " + hex_of(number)), tpm_(std::move(connection)) {}

  /// Finds the index among those that the TPM has.
  Result<void> look() {
    TPMI_YES_NO more = TPM2_NO;
    TPMS_CAPABILITY_DATA* came = nullptr;
    TRY(done(Esys_GetCapability(tpm_.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES,
                                number_, 1, &more, &came),
             "cannot ask the TPM for " + name_));
    const Owned<TPMS_CAPABILITY_DATA> has(came);
    if (has->data.handles.count == 0 || has->data.handles.handle[0] != number_) return {};
    TRY(done(Esys_TR_FromTPMPublic(tpm_.esys(), number_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &handle_),
             "cannot open " + name_));
    TPM2B_NV_PUBLIC* area = nullptr;
    TPM2B_NAME* area_name = nullptr;
    TRY(done(
        Esys_NV_ReadPublic(tpm_.esys(), handle_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &area, &area_name),
        "cannot look at " + name_));
    const Owned<TPM2B_NV_PUBLIC> facts(area);
    const Owned<TPM2B_NAME> unused(area_name);
    size_ = facts->nvPublic.dataSize;
    written_ = (facts->nvPublic.attributes & TPMA_NV_WRITTEN) != 0;
    return {};
  }

  std::uint32_t number_;
  std::string name_;
  tpm::Connection tpm_;
  ESYS_TR handle_ = ESYS_TR_NONE;
  std::size_t size_ = 0;
  bool written_ = false;
};

Bytes eight_of(ByteView bytes) {
  const Bytes digest = crypto::sha256(bytes);
  return {digest.begin(), digest.begin() + kField};
}

Bytes entry_of(const FloorName& name, std::uint64_t number) {
  Bytes entry = eight_of(as_bytes(name.value()));
  for (int shift = 56; shift >= 0; shift -= 8)
    entry.push_back(static_cast<std::uint8_t>(number >> unsigned(shift)));
  const Bytes sum = eight_of(entry);
  entry.insert(entry.end(), sum.begin(), sum.end());
  return entry;
}

bool is_free(ByteView entry) {
  return std::ranges::all_of(entry, [](std::uint8_t byte) { return byte == 0; });
}

struct Place {
  std::size_t offset = 0;  ///< of the name's entry, or of the first free one; 0: the index is full
  std::optional<std::uint64_t> number;  ///< nothing: the name has no entry
};

/// Of one damaged entry nobody can say whose floor it was.
Result<Place> find(ByteView index, const FloorName& name, const std::string& where) {
  if (!std::ranges::equal(index.first(kHead.size()), kHead)) {
    return fault(Fault::Kind::Io, where + " holds something else than rollback floors",
                 "give floor.nv_index another number, or renew it: " + std::string(kWayOut));
  }
  const Bytes id = eight_of(as_bytes(name.value()));
  Place place;
  for (std::size_t at = kHead.size(); at < index.size(); at += kEntry) {
    const ByteView entry = index.subspan(at, kEntry);
    if (is_free(entry)) {
      if (place.offset == 0) place.offset = at;
      continue;
    }
    const Bytes sum = eight_of(entry.first(2 * kField));
    if (!std::ranges::equal(entry.subspan(2 * kField), sum)) {
      return fault(Fault::Kind::Io, "the rollback floors in " + where + " are damaged", kWayOut);
    }
    if (!std::ranges::equal(entry.first(kField), id)) continue;
    std::uint64_t number = 0;
    for (const std::uint8_t byte : entry.subspan(kField, kField)) number = number << 8U | byte;
    place = {at, number};
    break;
  }
  return place;
}

Result<void> check_kept(const Index& index) {
  if (!index.defined() || !index.written()) {
    return fault(Fault::Kind::NotFound, "the TPM keeps no rollback floors in " + index.name(), kWayOut);
  }
  if (!index.fits()) {
    return fault(
        Fault::Kind::Io,
        index.name() + " has " + std::to_string(index.size()) + " bytes: it is not for rollback floors",
        "give floor.nv_index another number");
  }
  return {};
}

}  // namespace

Result<std::optional<std::uint64_t>> TpmFloors::floor(const FloorName& name) const {
  Index index = TRY(Index::open(tcti_, nv_index_));
  TRY(check_kept(index));
  return TRY(find(TRY(index.read()), name, index.name())).number;
}

Result<void> TpmFloors::raise(const FloorName& name, std::uint64_t to) {
  Index index = TRY(Index::open(tcti_, nv_index_));
  TRY(check_kept(index));
  const Place place = TRY(find(TRY(index.read()), name, index.name()));
  if (place.number && *place.number >= to) return {};
  if (place.offset == 0) {
    return fault(Fault::Kind::NoSpace, index.name() + " has no room for another rollback floor",
                 "define a larger index at the factory");
  }
  return index.write(place.offset, entry_of(name, to));
}

Result<void> TpmFloors::begin_anew() {
  Index index = TRY(Index::open(tcti_, nv_index_));
  if (!index.defined()) TRY(index.define());
  if (index.written()) {
    TRY(check_kept(index));
    if (find(TRY(index.read()), FloorName(), index.name())) {
      return fault(Fault::Kind::Conflict, "the rollback floors in " + index.name() + " can be read",
                   "leave them alone");
    }
  }
  if (!index.fits()) return check_kept(index);
  Bytes empty(index.size());
  std::ranges::copy(kHead, empty.begin());
  return index.write(0, empty);
}

}  // namespace cotter::client
