# lode_test(NAME label SOURCES files... LIBS targets... [TIMEOUT s])
# One binary per folder of tests; label is one of unit api seeded model faults stress e2e.
# Tests are written against tests/support/test.h: Criterion, or an in-process runner where Criterion does not start (TSan).
function(lode_test name label)
  cmake_parse_arguments(T "" "TIMEOUT" "SOURCES;LIBS;INCLUDES" ${ARGN})
  if(NOT T_SOURCES)
    return()
  endif()
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 300)
  endif()
  add_executable(${name} ${T_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/support ${T_INCLUDES})
  target_link_libraries(${name} PRIVATE ${T_LIBS} lode-test-support)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  # Every test is a process, and TSan lets each sleep for a second at its end by default.
  set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT ${T_TIMEOUT}
    ENVIRONMENT "TSAN_OPTIONS=atexit_sleep_ms=50;LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/support/lsan.supp:print_suppressions=0;LODE_BIN=${CMAKE_BINARY_DIR}/bin;LODE_SOURCE=${CMAKE_SOURCE_DIR};LODE_TESTDATA=$<IF:$<BOOL:$ENV{LODE_TESTDATA}>,$ENV{LODE_TESTDATA},${CMAKE_SOURCE_DIR}/../shared/testdata>")
  # Criterion does not look at the status a child ends with, so a leak that LeakSanitizer reports at its end would pass.
  set_tests_properties(${name} PROPERTIES FAIL_REGULAR_EXPRESSION "ERROR: LeakSanitizer")
endfunction()
