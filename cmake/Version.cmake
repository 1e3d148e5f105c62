# What `--version` tells: git, LibTorch, and the build id by which a program recognises its own torch part.
# Generated into one small file by every build (and rewritten only when it changes), so that a commit recompiles
# that file alone. The public side is common/base/version.h.
set(TENFOLD_VERSION_CPP ${CMAKE_BINARY_DIR}/generated/version.cpp)
add_custom_target(tenfold_version_file
  COMMAND ${CMAKE_COMMAND} -D SOURCE_DIR=${CMAKE_SOURCE_DIR} -D OUTPUT=${TENFOLD_VERSION_CPP}
    -D VERSION=${PROJECT_VERSION} -D LIBTORCH=${TENFOLD_LIBTORCH_VERSION}
    -D COMPILER=${CMAKE_CXX_COMPILER_ID}-${CMAKE_CXX_COMPILER_VERSION}-${CMAKE_BUILD_TYPE}
    -P ${CMAKE_SOURCE_DIR}/cmake/write_version.cmake
  BYPRODUCTS ${TENFOLD_VERSION_CPP})
add_library(tenfold_version STATIC ${TENFOLD_VERSION_CPP})
add_dependencies(tenfold_version tenfold_version_file)
