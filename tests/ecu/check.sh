#!/usr/bin/env bash
# check.sh SOURCE_DIR: builds the preset `ecu` and looks at what an ECU would get: it needs libsodium and the language's own
# libraries, and nothing of curl, SQLite, OpenSSL or Boost is in it.
set -euo pipefail
cd "$1"
program=build-ecu/bin/cotter_secondary_min
failed=0

if [[ ! build-ecu/build.ninja -nt CMakePresets.json ]]; then cmake --preset ecu; fi
cmake --build build-ecu --target cotter_secondary_min

needed=$(LC_ALL=C readelf --dynamic --wide "$program" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p')
while read -r library; do
  case $library in
    libsodium.so.* | libstdc++.so.* | libgcc_s.so.* | libc.so.* | libm.so.* | ld-linux*) ;;
    *) echo "$program needs $library" && failed=1 ;;
  esac
done <<<"$needed"
grep -q '^libsodium\.so' <<<"$needed" || { echo "$program does not need libsodium: is it the right file?" && failed=1; }

# In the symbols, defined or not: no other library, no threads, files, streams or sockets brought in by the core.
strangers=$(nm --demangle "$program" | grep -E ' (curl_|sqlite3_|EVP_|OPENSSL_|SSL_|X509_)| (boost|spdlog|fmt|std::filesystem|std::thread)::' || true)
if [[ -n $strangers ]]; then
  printf '%s\n' "$program holds what no ECU needs:" "$strangers"
  failed=1
fi

exit $failed
