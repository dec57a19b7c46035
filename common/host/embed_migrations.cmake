# cotter_embed_migrations(TARGET NAMESPACE FILE.sql...): compiles the numbered files into TARGET as
# NAMESPACE::migrations(), in the order given; the header beside them declares it. SQL stays SQL, the program needs no files.
function(cotter_embed_migrations target namespace)
  set(rows "")
  foreach(file IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    cmake_path(GET file STEM name)
    file(READ ${file} sql)
    string(APPEND rows "    {R\"sql(${name})sql\", R\"sql(${sql})sql\"},\n")
  endforeach()
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/${target}_migrations.cpp)
  file(CONFIGURE OUTPUT ${generated} @ONLY CONTENT [[
#include <array>

#include "common/host/sqlite.h"

namespace @namespace@ {
std::span<const cotter::host::Migration> migrations();
std::span<const cotter::host::Migration> migrations() {
  static constexpr cotter::host::Migration kAll[] = {
@rows@  };
  return kAll;
}
}  // namespace @namespace@
]])
  target_sources(${target} PRIVATE ${generated})
endfunction()
