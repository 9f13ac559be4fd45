# connect_plugin(): builds a plugin the way the host wants it.
#
#   connect_plugin(NAME
#     SOURCES plugin.c map.c      C sources, relative to the calling folder
#     MANIFEST manifest.json      embedded as `extern const char NAME_manifest[]`
#     LIBRARIES PkgConfig::XML    what it links besides connect_sdk
#     NO_INSTALL                  a plugin of a test)
#
# Makes two targets: NAME, the shared object NAME.so, and NAME_static, the same
# objects as a static library for tests.  The host binds lazily when it loads, so
# a missing symbol would only show at the first call: hence -z defs and -z now.

# The text of a file as the elements of a C array of char.
function(connect_embed_text file name output)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  string(REPEAT "......." 10 line) # seven characters a byte
  string(REGEX REPLACE "(${line})" "\\1\n" bytes "${bytes}")
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT
"/* Made from the manifest; the manifest is the place to change it. */
extern const char @name@_manifest[];
const char @name@_manifest[] = {
@bytes@0};
")
endfunction()

function(connect_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 plugin "NO_INSTALL" "MANIFEST"
    "SOURCES;LIBRARIES")
  if(plugin_UNPARSED_ARGUMENTS OR NOT plugin_SOURCES)
    message(FATAL_ERROR "connect_plugin(${name}): what is "
      "\"${plugin_UNPARSED_ARGUMENTS}\"?  SOURCES are needed.")
  endif()

  add_library(${name}_parts OBJECT ${plugin_SOURCES})
  if(plugin_MANIFEST)
    cmake_path(ABSOLUTE_PATH plugin_MANIFEST)
    set_property(DIRECTORY APPEND PROPERTY
      CMAKE_CONFIGURE_DEPENDS ${plugin_MANIFEST})
    file(READ ${plugin_MANIFEST} text)
    string(JSON type ERROR_VARIABLE error TYPE "${text}")
    if(error OR NOT type STREQUAL "OBJECT")
      message(FATAL_ERROR "${plugin_MANIFEST} is no JSON object: ${error}")
    endif()
    set(embedded ${CMAKE_CURRENT_BINARY_DIR}/${name}_manifest.c)
    connect_embed_text(${plugin_MANIFEST} ${name} ${embedded})
    target_sources(${name}_parts PRIVATE ${embedded})
  endif()
  target_link_libraries(${name}_parts PUBLIC Connect::sdk ${plugin_LIBRARIES})
  target_include_directories(${name}_parts PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  set_target_properties(${name}_parts PROPERTIES
    POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)

  add_library(${name}_static STATIC $<TARGET_OBJECTS:${name}_parts>)
  set_target_properties(${name}_static PROPERTIES LINKER_LANGUAGE C
    EXCLUDE_FROM_ALL ON)
  target_link_libraries(${name}_static PUBLIC Connect::sdk ${plugin_LIBRARIES})
  target_include_directories(${name}_static INTERFACE
    ${CMAKE_CURRENT_SOURCE_DIR})

  add_library(${name} MODULE $<TARGET_OBJECTS:${name}_parts>)
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".so"
    LINKER_LANGUAGE C LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins)
  target_link_libraries(${name} PRIVATE Connect::sdk ${plugin_LIBRARIES})
  target_link_options(${name} PRIVATE -Wl,-z,now -Wl,--exclude-libs,ALL)
  # clang leaves the sanitizers' symbols to the program.
  if(NOT (CONNECT_SANITIZE AND CMAKE_C_COMPILER_ID MATCHES "Clang"))
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
  add_custom_command(TARGET ${name} POST_BUILD
    COMMAND ${CMAKE_COMMAND} -DNM=${CMAKE_NM} -DPLUGIN=$<TARGET_FILE:${name}>
      -P ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/ConnectPluginExports.cmake
    VERBATIM)
  if(NOT plugin_NO_INSTALL)
    install(TARGETS ${name} LIBRARY DESTINATION ${CONNECT_PLUGIN_DIR})
  endif()
endfunction()
