# Fails unless PLUGIN exports cn_plugin_v1 and nothing else.  A sanitizer's own
# marks do not count.
execute_process(COMMAND ${NM} -D --defined-only -P ${PLUGIN}
  OUTPUT_VARIABLE listing RESULT_VARIABLE result)
if(result)
  message(FATAL_ERROR "${NM} cannot read ${PLUGIN}")
endif()
string(REGEX REPLACE "\n$" "" listing "${listing}")
string(REPLACE "\n" ";" lines "${listing}")
set(names "")
foreach(line ${lines})
  string(REGEX REPLACE " .*" "" name "${line}")
  if(NOT name MATCHES "^(__odr_|__asan|__tsan|__ubsan|__sanitizer|___asan)")
    list(APPEND names ${name})
  endif()
endforeach()
if(NOT names STREQUAL "cn_plugin_v1")
  file(REMOVE ${PLUGIN})
  message(FATAL_ERROR "${PLUGIN} must export cn_plugin_v1 alone, "
    "but it exports: ${names}")
endif()
