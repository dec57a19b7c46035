# Standard headers and tl/expected are read once instead of in each file: with gcc a quarter less time for a file, half for a
# small one. Headers of ours stay out, or a change to one would compile everything anew. A precompiled header hides a forgotten
# #include, and so do files that are compiled together; the presets without either (release, ecu, tidy) find that.
set(standard <algorithm> <array> <chrono> <cstdint> <filesystem> <functional> <map> <memory> <optional> <set> <span> <string>
             <string_view> <variant> <vector> <tl/expected.hpp>)

# What ccache asks for. Clang's header tells by default when the files that it was made of were written.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  set(for_ccache "SHELL:-Xclang -fno-pch-timestamp")
else()
  set(for_ccache -fpch-preprocess)
endif()

# cotter_precompile(NAME FLAG HEADER...): gcc compiles what goes into libraries with -fPIC and into programs with -fPIE, and takes
# a precompiled header that was made with the same flag alone.
function(cotter_precompile name flag)
  set(source ${CMAKE_BINARY_DIR}/precompiled.cpp)
  file(TOUCH ${source})
  add_library(${name} OBJECT ${source})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${name} PRIVATE ${flag})
  target_link_libraries(${name} PRIVATE cotter_warnings)
  target_precompile_headers(${name} PRIVATE ${ARGN})
endfunction()

cotter_precompile(precompiled_library -fPIC ${standard})
cotter_precompile(precompiled_program -fPIE ${standard})
cotter_precompile(precompiled_command -fPIE ${standard} <CLI/CLI.hpp>)
if(COTTER_TESTS)
  cotter_precompile(precompiled_test -fPIE ${standard} <gtest/gtest.h>)
  target_link_libraries(precompiled_test PRIVATE GTest::gtest_main)  # its definitions
endif()

# cotter_reuse(FOLDER): what is made in FOLDER and below it takes the header of its kind.
function(cotter_reuse folder)
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    get_target_property(linked ${target} LINK_LIBRARIES)
    if(type STREQUAL STATIC_LIBRARY)
      set(kind library)
    elseif(NOT type STREQUAL EXECUTABLE)
      continue()
    elseif("GTest::gtest_main" IN_LIST linked)
      set(kind test)
    elseif("CLI11::CLI11" IN_LIST linked)
      set(kind command)
    else()
      set(kind program)
    endif()
    target_precompile_headers(${target} REUSE_FROM precompiled_${kind})
    target_compile_options(${target} PRIVATE ${for_ccache})
  endforeach()
  get_property(below DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  foreach(folder IN LISTS below)
    cotter_reuse(${folder})
  endforeach()
endfunction()
cotter_reuse(${CMAKE_SOURCE_DIR})
