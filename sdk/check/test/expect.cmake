# Runs CHECK on PLUGIN; fails unless the exit code is CODE and TEXT was said.
execute_process(COMMAND ${CHECK} ${PLUGIN} RESULT_VARIABLE code
  OUTPUT_VARIABLE said ERROR_VARIABLE said_aside)
message("${said}${said_aside}")
if(NOT code EQUAL CODE)
  message(FATAL_ERROR "exit code ${code}, expected ${CODE}")
endif()
string(FIND "${said}${said_aside}" "${TEXT}" place)
if(place EQUAL -1)
  message(FATAL_ERROR "it did not say: ${TEXT}")
endif()
