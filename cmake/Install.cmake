# `cmake --install BUILD --prefix P` makes a tree that can be moved as a whole:
#   bin/<tool>   lib/tenfold/<tool>-torch.so   lib/torch/lib, lib/nvidia/cu13/lib: what the torch parts load
#   share/man/man1   share/bash-completion/completions
# A program finds its torch part relative to itself, the part finds LibTorch through $ORIGIN/../torch/lib, and LibTorch
# finds NVIDIA's two libraries through the RPATH it was shipped with.
function(tenfold_install_extras)
  foreach(tool ${TENFOLD_TOOLS})
    if(TARGET ${tool})
      install(CODE "execute_process(COMMAND ${CMAKE_BINARY_DIR}/bin/${tool} --completion bash
        OUTPUT_VARIABLE script COMMAND_ERROR_IS_FATAL ANY)
        file(WRITE \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/share/bash-completion/completions/${tool}\" \"\${script}\")")
    endif()
  endforeach()
  file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/man/*.1)
  install(FILES ${pages} DESTINATION share/man/man1)
  if(TENFOLD_TORCH_FOUND)
    file(GLOB libraries ${TENFOLD_TORCH_DIR}/lib/libtorch_cpu.so ${TENFOLD_TORCH_DIR}/lib/libc10.so ${TENFOLD_TORCH_DIR}/lib/libgomp*)
    install(FILES ${libraries} DESTINATION lib/torch/lib)
    file(GLOB libraries ${TENFOLD_DEPS}/nvidia/cu13/lib/*.so.*)
    install(FILES ${libraries} DESTINATION lib/nvidia/cu13/lib)
  endif()
endfunction()
