# Third-party code, all from Debian, all linked statically (glibc excepted).

set(OPENSSL_USE_STATIC_LIBS ON)
find_package(OpenSSL 3 REQUIRED)
find_package(Threads REQUIRED)
find_library(WEIR_ZLIB libz.a REQUIRED)
find_library(WEIR_YAML_CPP libyaml-cpp.a REQUIRED)
find_library(WEIR_RE2 libre2.a REQUIRED)
find_library(WEIR_SQLITE libsqlite3.a REQUIRED)
# libpq is loaded when it is needed; its header is for the types.
find_path(WEIR_LIBPQ_INCLUDE libpq-fe.h PATH_SUFFIXES postgresql REQUIRED)
# Line editing, with what its archive needs; only the program links it.
foreach(archive edit tinfo bsd md)
  find_library(WEIR_EDIT_${archive} lib${archive}.a REQUIRED)
  list(APPEND WEIR_EDIT ${WEIR_EDIT_${archive}})
endforeach()
find_path(WEIR_BOOST_INCLUDE boost/version.hpp REQUIRED)
if(BUILD_TESTING OR NOT DEFINED BUILD_TESTING)
  find_package(GTest REQUIRED)
  find_library(WEIR_RAPIDCHECK librapidcheck.a REQUIRED)
endif()
if(WEIR_BENCH)
  find_package(benchmark REQUIRED)
endif()

# Boost is used through its headers; what can be compiled once is compiled once, here.
add_library(weir_boost STATIC cmake/boost_impl.cc)
target_compile_definitions(weir_boost PUBLIC
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  BOOST_ASIO_DISABLE_BOOST_ARRAY BOOST_ASIO_DISABLE_BOOST_REGEX BOOST_BEAST_USE_STD_STRING_VIEW
  # Coroutine frames are allocated per call: keep more of them per thread, and take them from plain
  # operator new, which is twice as fast as aligned_alloc.
  BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE=16 BOOST_ASIO_DISABLE_STD_ALIGNED_ALLOC
  BOOST_ASIO_DISABLE_BOOST_ALIGN)
target_link_libraries(weir_boost PUBLIC OpenSSL::SSL OpenSSL::Crypto Threads::Threads)

# The precompiled headers: for the libraries, for those compiled for size, and for the tests.
file(WRITE ${CMAKE_BINARY_DIR}/pch.cc "// Only here so that the precompiled header has a target.\n")
add_library(weir_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cc)
target_link_libraries(weir_pch PUBLIC weir_boost)
target_precompile_headers(weir_pch PRIVATE ${PROJECT_SOURCE_DIR}/cmake/pch.h)
add_library(weir_small_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cc)
target_link_libraries(weir_small_pch PUBLIC weir_boost)
target_compile_options(weir_small_pch PRIVATE ${WEIR_SMALL})
target_precompile_headers(weir_small_pch PRIVATE ${PROJECT_SOURCE_DIR}/cmake/pch.h)
if(BUILD_TESTING OR NOT DEFINED BUILD_TESTING)
  add_library(weir_test_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cc)
  target_link_libraries(weir_test_pch PUBLIC weir_boost GTest::gmock)
  target_precompile_headers(weir_test_pch PRIVATE ${PROJECT_SOURCE_DIR}/cmake/test_pch.h)
endif()
