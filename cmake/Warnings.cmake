# Flags of every target of ours. Frame pointers stay everywhere: profiles, dumps and tracebacks walk them.
add_compile_options(
  -Wall -Wextra -Wshadow -Wundef -Wvla -Wpointer-arith -Wwrite-strings -Wcast-qual -Wformat=2
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
  -Wimplicit-fallthrough
  -fno-omit-frame-pointer -fno-strict-aliasing -fstack-clash-protection -fno-common -g)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|aarch64")
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU" OR CMAKE_C_COMPILER_ID MATCHES "Clang")
    add_compile_options(-mno-omit-leaf-frame-pointer)
  endif()
endif()
if(LODE_WERROR)
  add_compile_options(-Werror)
endif()
add_compile_definitions(_GNU_SOURCE LODE_DCHECK=$<BOOL:${LODE_DCHECK}> LODE_VERSION="${PROJECT_VERSION}")
# A thread's TLS block is reached by a fixed offset: the runtime reads it by hand (docs/decisions/0003).
add_compile_options(-ftls-model=initial-exec)
