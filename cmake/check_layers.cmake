# The test `layers`: what a layer may include compiles, and what lies above it does not.
#   cmake -D COMPILER=... -D SOURCE_DIR=... -D WORK_DIR=... -D LAYERS=base,data -D TOOLS=hmc-marg
#     -D INCLUDES_base=dir,dir ... -P check_layers.cmake
# LAYERS goes from the lowest up; the tools stand above all of them, side by side. INCLUDES_<layer or tool> is what CMake
# gives a file of it.
string(REPLACE "," ";" LAYERS "${LAYERS}")
string(REPLACE "," ";" TOOLS "${TOOLS}")
file(MAKE_DIRECTORY ${WORK_DIR})

# A header of each layer that has any, as "<layer>/<name>.h".
foreach(layer ${LAYERS} ${TOOLS})
  if(EXISTS ${SOURCE_DIR}/common/${layer})
    set(folder ${SOURCE_DIR}/common/${layer})
  else()
    set(folder ${SOURCE_DIR}/tools/${layer})
  endif()
  file(GLOB headers RELATIVE ${folder} ${folder}/*.h)
  if(headers)
    list(GET headers 0 header)
    set(header_${layer} ${layer}/${header})
  endif()
endforeach()

# Compiles TEXT as a file of LAYER; sets `status` and `output`.
macro(compile_in layer text)
  file(WRITE ${WORK_DIR}/${layer}.cpp "${text}")
  string(REPLACE "," ";-I" flags ",${INCLUDES_${layer}}")
  execute_process(COMMAND ${COMPILER} -std=c++20 -fsyntax-only ${flags} ${WORK_DIR}/${layer}.cpp
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
endmacro()

# ALLOWED, include lines, must compile in LAYER; the header of each layer or tool of the rest must not be found.
macro(check layer allowed)
  compile_in(${layer} "${allowed}")
  if(NOT status EQUAL 0)
    string(APPEND faults "a file of ${layer} cannot include what lies below it:\n${output}\n")
  endif()
  foreach(other ${ARGN})
    if(header_${other})
      compile_in(${layer} "#include \"${header_${other}}\"\n")
      if(NOT output MATCHES "${header_${other}}('|:) (file not found|No such file)")
        string(APPEND faults "a file of ${layer} can include ${header_${other}}\n")
      endif()
    endif()
  endforeach()
endmacro()

set(faults "")
set(below "")
set(above ${LAYERS} ${TOOLS})
foreach(layer ${LAYERS})
  list(POP_FRONT above)
  if(header_${layer})
    string(APPEND below "#include \"${header_${layer}}\"\n")
  endif()
  check(${layer} "${below}" ${above})
endforeach()
foreach(tool ${TOOLS})
  set(others ${TOOLS})
  list(REMOVE_ITEM others ${tool})
  # A tool takes the layers that it uses: not every one trains networks with several heads.
  set(used "")
  foreach(layer ${LAYERS})
    if(header_${layer} AND INCLUDES_${tool} MATCHES "/include/${layer}(,|$)")
      string(APPEND used "#include \"${header_${layer}}\"\n")
    elseif(header_${layer})
      list(APPEND others ${layer})
    endif()
  endforeach()
  check(${tool} "${used}" ${others})
endforeach()

# A path with .. would walk around the include folders.
file(GLOB_RECURSE sources ${SOURCE_DIR}/common/*.h ${SOURCE_DIR}/common/*.cpp ${SOURCE_DIR}/tools/*.h ${SOURCE_DIR}/tools/*.cpp)
foreach(source ${sources})
  file(STRINGS ${source} lines REGEX "^#include \"\\.\\./")
  if(lines)
    string(APPEND faults "${source} includes through a relative path: ${lines}\n")
  endif()
endforeach()

if(faults)
  message(FATAL_ERROR "${faults}")
endif()
