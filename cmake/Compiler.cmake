# Compiler settings that hold for every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
# A precompiled header and its users must agree on -fPIC, and the torch parts are shared modules.
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g")
set(CMAKE_CXX_FLAGS_ASAN "-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer")
set(CMAKE_CXX_FLAGS_FUZZ "${CMAKE_CXX_FLAGS_ASAN} -fsanitize=fuzzer-no-link")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug, Asan or Fuzz" FORCE)
endif()

# -ffp-contract=off: an fma is written where it is meant, so that every instruction set gives the same bits.
add_compile_options(-Wall -Wextra -Werror -ffp-contract=off -march=x86-64-v2)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12 trips over its own deprecation in std::stable_sort.
  add_compile_options("SHELL:-Xclang -fno-pch-timestamp" -fcolor-diagnostics -Wno-deprecated-declarations)
else()
  add_compile_options(-fdiagnostics-color=auto)
endif()

option(TENFOLD_PCH "precompile the heavy third-party headers" ON)
if(NOT TENFOLD_PCH)
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)
endif()

find_program(TENFOLD_CCACHE ccache)
if(TENFOLD_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros ${TENFOLD_CCACHE})
endif()

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
