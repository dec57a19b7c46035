// A TPM between a program and the real one, spoken to on standard input and output (tss2's "cmd:" transport).
// While a file is there it has no time to sign: it answers TPM2_Sign with TPM_RC_RETRY. All else it passes
// on.
#include <tss2/tss2_tctildr.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <vector>

#pragma GCC diagnostic ignored "-Wold-style-cast"  // tss2 calls a transport by macros that cast

namespace {

constexpr std::size_t kHeader = 10;  // tag, size, code
constexpr std::size_t kMost = 4096;  // more than a TPM takes or gives

std::uint32_t number_at(const std::vector<std::uint8_t>& bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) number = number << 8U | bytes.at(at + i);
  return number;
}

bool read_command(std::vector<std::uint8_t>& command) {
  command.resize(kHeader);
  if (std::fread(command.data(), 1, kHeader, stdin) != kHeader) return false;
  const std::size_t size = number_at(command, 2);
  if (size < kHeader || size > kMost) return false;
  command.resize(size);
  return std::fread(command.data() + kHeader, 1, size - kHeader, stdin) == size - kHeader;
}

bool answer(const std::uint8_t* bytes, std::size_t size) {
  return std::fwrite(bytes, 1, size, stdout) == size && std::fflush(stdout) == 0;
}

}  // namespace

/// busy_tpm TCTI FILE
int main(int count, char** words) {
  if (count != 3) return 2;
  const std::filesystem::path busy = words[2];
  TSS2_TCTI_CONTEXT* tpm = nullptr;
  if (Tss2_TctiLdr_Initialize(words[1], &tpm) != TSS2_RC_SUCCESS) return 1;
  std::vector<std::uint8_t> command;
  while (read_command(command)) {
    if (number_at(command, 6) == TPM2_CC_Sign && std::filesystem::exists(busy)) {
      constexpr std::array<std::uint8_t, kHeader> kRetry = {0x80, 0x01, 0, 0, 0, kHeader, 0, 0, 0x09, 0x22};
      static_assert(TPM2_RC_RETRY == 0x922);
      if (!answer(kRetry.data(), kRetry.size())) break;
      continue;
    }
    std::vector<std::uint8_t> said(kMost);
    std::size_t size = said.size();
    if (Tss2_Tcti_Transmit(tpm, command.size(), command.data()) != TSS2_RC_SUCCESS ||
        Tss2_Tcti_Receive(tpm, &size, said.data(), TSS2_TCTI_TIMEOUT_BLOCK) != TSS2_RC_SUCCESS ||
        !answer(said.data(), size))
      break;
  }
  Tss2_TctiLdr_Finalize(&tpm);
  return 0;
}
