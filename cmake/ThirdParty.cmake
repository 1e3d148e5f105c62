# Libraries that are not ours: Debian's packages, and what scripts/setup put into .deps/.
# Nearly everything here is header-only or static, so that a program starts in milliseconds.
set(TENFOLD_DEPS ${CMAKE_SOURCE_DIR}/.deps CACHE PATH "where scripts/setup put LibTorch and the report's JavaScript")

find_package(Threads REQUIRED)
add_library(tenfold_fmt STATIC ${CMAKE_SOURCE_DIR}/cmake/fmt.cpp)
find_package(nlohmann_json REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)

find_library(TENFOLD_LIBCRYPTO NAMES libcrypto.a REQUIRED)
add_library(tenfold_crypto INTERFACE)
target_link_libraries(tenfold_crypto INTERFACE ${TENFOLD_LIBCRYPTO} ${CMAKE_DL_LIBS} Threads::Threads)

# Shared libraries of Debian's, linked as needed: a program that reads no .npz does not load libzip. Of libzip there is no static
# one, and the static zlib cannot go into the torch parts (it is not position independent).
set(CMAKE_LINK_LIBRARY_USING_AS_NEEDED "LINKER:--push-state,--as-needed" "<LINK_ITEM>" "LINKER:--pop-state")
set(CMAKE_LINK_LIBRARY_USING_AS_NEEDED_SUPPORTED TRUE)
foreach(name z zip)
  find_library(TENFOLD_SHARED_${name} NAMES lib${name}.so REQUIRED)
endforeach()
add_library(tenfold_zlib INTERFACE)
target_link_libraries(tenfold_zlib INTERFACE "$<LINK_LIBRARY:AS_NEEDED,${TENFOLD_SHARED_z}>")
add_library(tenfold_zip INTERFACE)
target_link_libraries(tenfold_zip INTERFACE "$<LINK_LIBRARY:AS_NEEDED,${TENFOLD_SHARED_zip}>")

# METIS comes only as a shared library, small and without dependencies of its own.
find_path(TENFOLD_METIS_INCLUDE metis.h REQUIRED)
find_library(TENFOLD_LIBMETIS NAMES metis REQUIRED)
add_library(tenfold_metis INTERFACE)
target_include_directories(tenfold_metis SYSTEM INTERFACE ${TENFOLD_METIS_INCLUDE})
target_link_libraries(tenfold_metis INTERFACE ${TENFOLD_LIBMETIS})

# Open MPI, for torch parts alone: a program that needs no second worker never loads it.
find_path(TENFOLD_MPI_INCLUDE mpi.h PATH_SUFFIXES openmpi/include
  HINTS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE} /usr/lib/x86_64-linux-gnu REQUIRED)
find_library(TENFOLD_LIBMPI NAMES mpi REQUIRED)
add_library(tenfold_mpi INTERFACE)
target_include_directories(tenfold_mpi SYSTEM INTERFACE ${TENFOLD_MPI_INCLUDE})
target_link_libraries(tenfold_mpi INTERFACE ${TENFOLD_LIBMPI})

# LibTorch: two imported targets of our own, as the wheel's find_package(Torch) demands the CUDA libraries.
option(TENFOLD_TORCH "build the torch parts" ON)
set(TENFOLD_TORCH_DIR ${TENFOLD_DEPS}/torch)
set(TENFOLD_LIBTORCH_VERSION "")
if(TENFOLD_TORCH AND NOT EXISTS ${TENFOLD_TORCH_DIR}/lib/libtorch_cpu.so)
  message(STATUS "LibTorch is not in ${TENFOLD_DEPS}: the torch parts are left out (scripts/setup gets it)")
  set(TENFOLD_TORCH_FOUND OFF)
elseif(TENFOLD_TORCH)
  set(TENFOLD_TORCH_FOUND ON)
  file(STRINGS ${TENFOLD_TORCH_DIR}/include/torch/headeronly/version.h version_lines REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX REPLACE "[^0-9;]" "" version_numbers "${version_lines}")
  string(REPLACE ";" "." TENFOLD_LIBTORCH_VERSION "${version_numbers}")
  add_library(tenfold_torch INTERFACE)
  target_include_directories(tenfold_torch SYSTEM INTERFACE
    ${TENFOLD_TORCH_DIR}/include ${TENFOLD_TORCH_DIR}/include/torch/csrc/api/include)
  target_link_libraries(tenfold_torch INTERFACE
    ${TENFOLD_TORCH_DIR}/lib/libtorch_cpu.so ${TENFOLD_TORCH_DIR}/lib/libc10.so)
  # libtorch_cpu.so finds these two through its own RPATH when it runs; the linker has to be told.
  target_link_options(tenfold_torch INTERFACE -Wl,-rpath-link,${TENFOLD_DEPS}/nvidia/cu13/lib)
endif()
