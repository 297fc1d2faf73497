# What other programs get: the binary, one static archive with all modules in it, the public headers,
# and both ways to find them (pkg-config, find_package).

set(WEIR_LIBRARY_MODULES base json async store schema http model events text wire engine sim agent flow config client)
set(WEIR_PUBLIC_HEADERS
  weir.h agent/agent.h agent/figures.h
  base/clock.h base/env.h base/error.h base/limits.h base/random.h base/result.h
  client/agent.h client/cancel.h client/client.h client/options.h client/prompt.h client/session.h client/stream.h
  client/tool.h client/typed.h
  json/arena.h json/builder.h json/fence.h json/lenient.h json/node_stack.h json/partial.h
  json/pointer.h json/reader.h json/value.h json/writer.h
  model/call.h model/confidence.h model/message.h model/reply.h model/sampling.h
  schema/coerce.h schema/generate.h schema/schema.h schema/strict_form.h schema/structs.h
  schema/structs_codec.h schema/structs_notes.h schema/subset.h)

set(archives weir_boost)
foreach(module IN LISTS WEIR_LIBRARY_MODULES)
  list(APPEND archives weir_${module})
endforeach()

# An archive of archives: ar's own script language is what can merge them.
set(script "create ${CMAKE_BINARY_DIR}/libweir.a\n")
foreach(archive IN LISTS archives)
  string(APPEND script "addlib $<TARGET_FILE:${archive}>\n")
endforeach()
file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/libweir.mri CONTENT "${script}save\nend\n")
add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/libweir.a
  COMMAND ${CMAKE_COMMAND} -E rm -f ${CMAKE_BINARY_DIR}/libweir.a
  COMMAND ${CMAKE_AR} -M < ${CMAKE_BINARY_DIR}/libweir.mri
  DEPENDS ${archives} ${CMAKE_BINARY_DIR}/libweir.mri
  COMMENT "Merging the modules into libweir.a")
add_custom_target(weir_archive DEPENDS ${CMAKE_BINARY_DIR}/libweir.a)

# Nothing here is position-independent, and neither are Debian's static archives. OpenSSL and zlib
# are linked as the program likes.
set(WEIR_LINK_FLAGS "-lweir -lyaml-cpp -lre2 -lssl -lcrypto -lz -pthread -no-pie")
configure_file(${PROJECT_SOURCE_DIR}/cmake/weir.pc.in ${CMAKE_BINARY_DIR}/weir.pc @ONLY)
configure_file(${PROJECT_SOURCE_DIR}/cmake/weir-config.cmake.in ${CMAKE_BINARY_DIR}/weir-config.cmake
               @ONLY)

install(TARGETS weir RUNTIME DESTINATION bin COMPONENT program)
install(FILES ${CMAKE_BINARY_DIR}/libweir.a DESTINATION lib COMPONENT library)
install(FILES ${CMAKE_BINARY_DIR}/weir.pc DESTINATION lib/pkgconfig COMPONENT library)
install(FILES ${CMAKE_BINARY_DIR}/weir-config.cmake DESTINATION lib/cmake/weir COMPONENT library)
foreach(header IN LISTS WEIR_PUBLIC_HEADERS)
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${PROJECT_SOURCE_DIR}/weir/${header} DESTINATION include/weir/${folder}
          COMPONENT library)
endforeach()
