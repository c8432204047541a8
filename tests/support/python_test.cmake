# python_test(kind name [SECONDS]): runs tests/<kind>/<name>_test.py against the built server, as
# ctest `<kind>.<name>` with the label <kind>. Exit code 77 means that every row was skipped.
# The distribution's Python is asked for: it has the packages msgpack and pynvim.
find_program(TEST_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(NOT TEST_PYTHON)
  find_program(TEST_PYTHON python3 REQUIRED)
endif()

function(python_test kind name)
  set(seconds 300)
  if(ARGC GREATER 2)
    set(seconds ${ARGV2})
  endif()
  add_test(NAME ${kind}.${name}
           COMMAND ${TEST_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/${name}_test.py)
  set(environment
      REPRISE_SERVER=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/reprise-server
      REPRISE_CLI=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/reprise-cli
      REPRISE_BENCH=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/reprise-bench
      REPRISE_FAULT_SHIM=${CMAKE_BINARY_DIR}/lib/libfault_shim.so
      REPRISE_BUILD_DIR=${CMAKE_BINARY_DIR}
      REPRISE_SANITIZER=${SANITIZER}
      PYTHONPATH=${CMAKE_SOURCE_DIR}/tests/support
      PYTHONDONTWRITEBYTECODE=1)
  set_tests_properties(${kind}.${name} PROPERTIES LABELS ${kind} TIMEOUT ${seconds}
                       SKIP_RETURN_CODE 77 ENVIRONMENT "${environment}")
  if(kind STREQUAL "fault")  # They measure, and some fill a disk or stop a processor's breath.
    set_tests_properties(${kind}.${name} PROPERTIES RUN_SERIAL ON)
  endif()
endfunction()
