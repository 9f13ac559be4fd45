# Installs the component sdk of BUILD below WORK, builds a copy of the template
# against it, runs its test and shows the plugin to plugin-check.
function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(flags "")
foreach(sanitizer ${SANITIZE})
  list(APPEND flags "-fsanitize=${sanitizer}")
endforeach()
list(JOIN flags " " flags)

file(REMOVE_RECURSE ${WORK})
file(COPY ${SOURCE} DESTINATION ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --component sdk --prefix ${WORK}/prefix)
run(${CMAKE_COMMAND} -G Ninja -S ${WORK}/template -B ${WORK}/build
  -DCMAKE_PREFIX_PATH=${WORK}/prefix -DCMAKE_C_COMPILER=${COMPILER}
  "-DCONNECT_SANITIZE=${SANITIZE}" "-DCMAKE_C_FLAGS=${flags}")
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/test_note)
run(${WORK}/prefix/bin/plugin-check ${WORK}/build/plugins/note.so)

# Without CMake: pkg-config knows the headers.
set(ENV{PKG_CONFIG_PATH} ${WORK}/prefix/${LIBDIR}/pkgconfig)
execute_process(COMMAND ${PKG_CONFIG} --cflags connect
  OUTPUT_VARIABLE cflags COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(cflags UNIX_COMMAND "${cflags}")
run(${COMPILER} -std=c11 -fPIC ${cflags} -c ${WORK}/template/plugin.c
  -o ${WORK}/plugin.o)
