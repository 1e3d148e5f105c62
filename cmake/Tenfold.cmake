# The functions that every folder of the project is made with:
#
#   tenfold_library(base DEPENDS ... LINKS ...)    common/base/*.cpp        -> static library tenfold_base
#                                                  (JSON_PCH: its files get nlohmann/json and fmt precompiled)
#   tenfold_tool(hmc-marg DEPENDS ... LINKS ...)   tools/hmc-marg/*.cpp     -> static library tenfold_hmc-marg_core,
#                                                  and with main.cpp        -> bin/hmc-marg
#   tenfold_torch_part(hmc-marg LINKS ...)         tools/hmc-marg/torch/    -> lib/tenfold/hmc-marg-torch.so
#   tenfold_torch_library(mtl LINKS ...)           common/mtl/torch/*.cpp   -> static library tenfold_mtl_torch, for torch parts
#   tenfold_tests(base DIRS ... DEPENDS ...)       tests/common/base/*.cpp  -> tests/tests-base
#
# Layers: DEPENDS names the layers below (base, data, ...). A layer is seen through a folder of links,
# <binary dir>/include/<layer>/<layer> -> its source folder, and a target gets those of the layers it depends on
# and no others: "base/error.h" is found from above, and an upward include does not compile.
#
# By name: *_avx2.cpp and *_avx512.cpp are compiled for those instruction sets (chosen at run time), all else for x86-64-v2.

# All libraries and tools, without torch parts and tests: what a second compiler is asked about.
add_custom_target(libtorch-free)
# The tools with their torch parts: what scripts/build makes.
add_custom_target(programs)
# What scripts/bench runs.
add_custom_target(benches)

# One precompiled header of what most files above `base` include, which costs each of them 2 s otherwise.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/json_pch.cpp CONTENT "// Carries the precompiled header.\n")
add_library(tenfold_json_pch OBJECT ${CMAKE_BINARY_DIR}/generated/json_pch.cpp)
target_precompile_headers(tenfold_json_pch PRIVATE <nlohmann/json.hpp> <fmt/format.h> <string> <vector>)

# One precompiled <torch/torch.h>, which all torch parts reuse. The longest step of a build, so it stands at its beginning.
if(TENFOLD_TORCH_FOUND)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/torch_pch.cpp CONTENT "// Carries the precompiled header.\n")
  add_library(tenfold_torch_pch OBJECT ${CMAKE_BINARY_DIR}/generated/torch_pch.cpp)
  target_link_libraries(tenfold_torch_pch PRIVATE tenfold_torch)
  target_precompile_headers(tenfold_torch_pch PRIVATE <torch/torch.h>)
endif()

# Makes the folder of links through which others include FOLDER's headers as "<layer>/...".
function(tenfold_include_farm layer folder)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/include/${layer})
  file(CREATE_LINK ${folder} ${CMAKE_BINARY_DIR}/include/${layer}/${layer} SYMBOLIC)
endfunction()

# Compiles kernels for the instruction set their file name ends in.
function(tenfold_instruction_sets)
  foreach(source ${ARGN})
    if(source MATCHES "_avx512\\.cpp$")
      set(flags -mavx512f -mavx512dq -mavx512vl -mavx512bw -mavx2 -mfma -mbmi2)
    elseif(source MATCHES "_avx2\\.cpp$")
      set(flags -mavx2 -mfma -mbmi2)
    else()
      continue()
    endif()
    set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${flags}" SKIP_PRECOMPILE_HEADERS ON)
  endforeach()
endfunction()

# A static library named TARGET of SOURCES, whose headers are seen as "<layer>/...". Without a .cpp it is headers alone.
function(tenfold_layer target layer folder)
  cmake_parse_arguments(PARSE_ARGV 3 arg "JSON_PCH" "" "SOURCES;DEPENDS;LINKS")
  tenfold_include_farm(${layer} ${folder})
  if(arg_SOURCES)
    add_library(${target} STATIC ${arg_SOURCES})
    tenfold_instruction_sets(${arg_SOURCES})
    set(scope PUBLIC)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${target} ${scope} ${CMAKE_BINARY_DIR}/include/${layer})
  list(TRANSFORM arg_DEPENDS PREPEND tenfold_)
  target_link_libraries(${target} ${scope} ${arg_DEPENDS} ${arg_LINKS})
  if(arg_SOURCES)
    add_dependencies(libtorch-free ${target})
    if(arg_JSON_PCH)
      target_precompile_headers(${target} REUSE_FROM tenfold_json_pch)
    endif()
  endif()
endfunction()

function(tenfold_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "JSON_PCH" "" "DEPENDS;LINKS")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  set(pch "")
  if(arg_JSON_PCH)
    set(pch JSON_PCH)
  endif()
  tenfold_layer(tenfold_${name} ${name} ${CMAKE_CURRENT_SOURCE_DIR} ${pch}
    SOURCES ${sources} DEPENDS ${arg_DEPENDS} LINKS ${arg_LINKS})
endfunction()

function(tenfold_tool name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPENDS;LINKS")
  set(folder ${CMAKE_CURRENT_SOURCE_DIR})
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  list(REMOVE_ITEM sources ${folder}/main.cpp)
  tenfold_layer(tenfold_${name}_core ${name} ${folder} JSON_PCH SOURCES ${sources} DEPENDS ${arg_DEPENDS} LINKS ${arg_LINKS})
  # Files that a program carries inside are embedded from here.
  if(sources)
    file(GLOB samples CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sample_data/${name}/*)
    target_compile_definitions(tenfold_${name}_core PRIVATE TENFOLD_SAMPLE_DATA="${CMAKE_SOURCE_DIR}/sample_data/${name}")
    set_source_files_properties(embedded.cpp PROPERTIES OBJECT_DEPENDS "${samples}")
  endif()
  if(EXISTS ${folder}/main.cpp)
    add_executable(${name} main.cpp)
    target_link_libraries(${name} PRIVATE tenfold_${name}_core)
    add_dependencies(libtorch-free ${name})
    add_dependencies(programs ${name})
    install(TARGETS ${name} RUNTIME DESTINATION bin)
  endif()
  tenfold_bench(${name})
endfunction()

# tools/<tool>/bench/*.cpp -> bench/bench-<tool>: apart from bin/, which holds tools alone.
function(tenfold_bench name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/bench/*.cpp)
  if(sources)
    add_executable(bench-${name} ${sources})
    target_link_libraries(bench-${name} PRIVATE tenfold_${name}_core)
    add_dependencies(benches bench-${name})
    set_target_properties(bench-${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
  endif()
endfunction()

# Also makes the object library tenfold_<tool>_torch, which unit tests link directly.
function(tenfold_torch_part name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINKS")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/torch/*.cpp)
  if(NOT TENFOLD_TORCH_FOUND OR NOT sources)
    return()
  endif()
  add_library(tenfold_${name}_torch OBJECT ${sources})
  target_link_libraries(tenfold_${name}_torch PUBLIC tenfold_${name}_core tenfold_torch ${arg_LINKS})
  target_precompile_headers(tenfold_${name}_torch REUSE_FROM tenfold_torch_pch)

  add_library(${name}-torch MODULE $<TARGET_OBJECTS:tenfold_${name}_torch>)
  target_link_libraries(${name}-torch PRIVATE tenfold_${name}_core tenfold_torch ${arg_LINKS})
  # Debian's libz.a is made for executables; its symbols can be linked into a module where nobody else sees them.
  target_link_options(${name}-torch PRIVATE -Wl,--exclude-libs,libz.a)
  set_target_properties(${name}-torch PROPERTIES
    PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/tenfold
    BUILD_RPATH ${TENFOLD_TORCH_DIR}/lib INSTALL_RPATH "$ORIGIN/../torch/lib")
  install(TARGETS ${name}-torch LIBRARY DESTINATION lib/tenfold)
  add_dependencies(programs ${name}-torch)
endfunction()

# What the torch parts of several tools share. Seen as "<layer>/torch/...", through the layer's own folder of links.
function(tenfold_torch_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINKS")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/torch/*.cpp)
  if(NOT TENFOLD_TORCH_FOUND OR NOT sources)
    return()
  endif()
  add_library(tenfold_${name}_torch STATIC ${sources})
  target_link_libraries(tenfold_${name}_torch PUBLIC tenfold_${name} tenfold_torch ${arg_LINKS})
  target_precompile_headers(tenfold_${name}_torch REUSE_FROM tenfold_torch_pch)
endfunction()

# tests/tests-<name> of all *.cpp in DIRS (below tests/); each file X_test.cpp is a test of its own to ctest, run in the
# repository's root. Tests see TENFOLD_SOURCE_DIR, TENFOLD_BUILD_DIR (holds bin/ and lib/) and TENFOLD_DATA_DEFAULT.
function(tenfold_tests name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DIRS;DEPENDS;LINKS")
  set(sources "")
  foreach(dir ${arg_DIRS})
    file(GLOB found CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${dir}/*.cpp)
    list(APPEND sources ${found})
  endforeach()
  if(NOT sources)
    return()
  endif()
  add_executable(tests-${name} ${sources} $<TARGET_OBJECTS:tenfold_doctest_main>)
  tenfold_instruction_sets(${sources})
  list(TRANSFORM arg_DEPENDS PREPEND tenfold_)
  target_link_libraries(tests-${name} PRIVATE ${arg_DEPENDS} ${arg_LINKS})
  target_precompile_headers(tests-${name} REUSE_FROM tenfold_json_pch)
  target_compile_options(tests-${name} PRIVATE -fPIC)  # as the precompiled header; an executable gets -fPIE otherwise
  target_include_directories(tests-${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_compile_definitions(tests-${name} PRIVATE
    TENFOLD_SOURCE_DIR="${CMAKE_SOURCE_DIR}" TENFOLD_BUILD_DIR="${CMAKE_BINARY_DIR}"
    TENFOLD_DATA_DEFAULT="${CMAKE_SOURCE_DIR}/../shared/data")
  set_target_properties(tests-${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  foreach(source ${sources})
    get_filename_component(stem ${source} NAME_WE)
    if(stem MATCHES "_test$")
      string(REGEX REPLACE "_test$" "" stem ${stem})
      add_test(NAME ${name}/${stem} COMMAND tests-${name} "--source-file=*/${stem}_test.cpp" --no-intro
        WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
      set_tests_properties(${name}/${stem} PROPERTIES FAIL_REGULAR_EXPRESSION "test cases: +0 "
        ENVIRONMENT "LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/lsan.supp:print_suppressions=0")
    endif()
  endforeach()
endfunction()

# tests/fuzz/<layer>/X_fuzz.cpp -> fuzz/fuzz-X with seeds in X_seeds/. A build of type Fuzz searches with libFuzzer
# (fuzz-X SEEDS, as long as one likes); any other mutates the seeds in a fixed way, as a test.
function(tenfold_fuzz layer target)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/${layer}/*_fuzz.cpp)
  foreach(source ${sources})
    get_filename_component(stem ${source} NAME_WE)
    string(REGEX REPLACE "_fuzz$" "" stem ${stem})
    set(seeds ${CMAKE_SOURCE_DIR}/tests/fuzz/${layer}/${stem}_seeds)
    add_executable(fuzz-${stem} ${source})
    target_link_libraries(fuzz-${stem} PRIVATE ${target})
    target_include_directories(fuzz-${stem} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    set_target_properties(fuzz-${stem} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
    if(CMAKE_BUILD_TYPE STREQUAL "Fuzz")
      target_link_options(fuzz-${stem} PRIVATE -fsanitize=fuzzer)
      add_test(NAME fuzz/${stem} COMMAND fuzz-${stem} -runs=50000 -seed=1 -timeout=20 -max_len=4096 ${CMAKE_BINARY_DIR}/fuzz/${stem}-found ${seeds})
      file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz/${stem}-found)
    else()
      target_sources(fuzz-${stem} PRIVATE ${CMAKE_SOURCE_DIR}/tests/fuzz/mutate.cpp)
      add_test(NAME fuzz/${stem} COMMAND fuzz-${stem} 10000 ${seeds} WORKING_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
    endif()
  endforeach()
endfunction()
