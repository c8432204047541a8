# Installs the client library from BUILD_FOLDER under WORK and builds EXAMPLES against it. The
# examples are copied first, so that nothing but the installed files can be found.
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "failed: ${ARGV}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
file(COPY ${EXAMPLES}/ DESTINATION ${WORK}/source)
run(${CMAKE_COMMAND} --install ${BUILD_FOLDER} --component development --prefix ${WORK}/prefix)
run(${CMAKE_COMMAND} -S ${WORK}/source -B ${WORK}/build -DCMAKE_PREFIX_PATH=${WORK}/prefix
    -DCMAKE_CXX_COMPILER=${COMPILER})
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/example_bot --help)
file(REMOVE_RECURSE ${WORK})
