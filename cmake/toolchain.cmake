# Compiler, flags, cache. Every target is built with the same flags so that one precompiled header
# serves them all.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  message(FATAL_ERROR "weir needs clang-19: GCC before 14 miscompiles temporaries inside co_await "
                      "(double frees). Use a preset: cmake --preset release")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

set(WEIR_SANITIZE "" CACHE STRING "address (with undefined behaviour), thread, or empty")
add_compile_options(-Wall -Wextra -Wpedantic -Werror -Wno-missing-designated-field-initializers -Xclang -fno-pch-timestamp)
add_link_options(-fuse-ld=lld-19)
if(WEIR_SANITIZE STREQUAL "address")
  add_compile_options(-O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined,fuzzer-no-link
                      -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
elseif(WEIR_SANITIZE STREQUAL "thread")
  add_compile_options(-O1 -g1 -fsanitize=thread)
  add_link_options(-fsanitize=thread)
else()
  add_compile_options(-g0 -ffunction-sections -fdata-sections)
  # Functions that came out equal are kept once where nobody takes their address, and texts that end
  # alike; relative relocations are packed (glibc 2.36 reads them so).
  add_link_options(-static-libstdc++ -static-libgcc -Wl,--gc-sections,--icf=safe,-O2,-z,pack-relative-relocs)
  set(WEIR_SMALL -Oz)
endif()
