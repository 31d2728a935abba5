# What `cmake --install` installs, and where it is found again: by CMake, installed or in the build folder, and by
# pkg-config. `cpack` packs it for Debian (packages.cmake).
include(CMakePackageConfigHelpers)

if(TARE_MARCH STREQUAL "native" AND PROJECT_IS_TOP_LEVEL)
  install(CODE "message(STATUS \"Installing what was built for this machine's processor. \"
    \"For others, configure with -DTARE_MARCH= or with the preset `package`.\")")
endif()

set(cmake_folder ${CMAKE_INSTALL_LIBDIR}/cmake/tare)
install(TARGETS tare_base tare_float tare_double EXPORT tare
  RUNTIME COMPONENT library
  LIBRARY COMPONENT library NAMELINK_COMPONENT development
  ARCHIVE COMPONENT development)
foreach(level ${TARE_HWCAPS})
  install(TARGETS tare_${level} tare_double_${level} LIBRARY COMPONENT library NAMELINK_SKIP
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/glibc-hwcaps/${level})
endforeach()
foreach(header ${headers})
  cmake_path(GET header PARENT_PATH folder)
  install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tare/${folder} COMPONENT development)
endforeach()
install(FILES ${headers_folder}/tare/tare.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tare COMPONENT development)
if(NOT TARE_PACKAGES)  # which have their own
  install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT development)
endif()

# CMake: find_package(tare), with tare_ROOT where it is installed, or tare_DIR this build folder.
set(needed_by_static "")
if(NOT BUILD_SHARED_LIBS)
  if(TARE_DATA_FILES)
    string(APPEND needed_by_static "find_dependency(PNG)\n")
  endif()
  if(TARE_DATA_FILES OR TARE_MODEL_FILES)
    string(APPEND needed_by_static "find_dependency(ZLIB)\n")
  endif()
endif()
configure_package_config_file(apps/packages/tareConfig.cmake.in tareConfig.cmake INSTALL_DESTINATION ${cmake_folder}
  NO_SET_AND_CHECK_MACRO)
configure_file(apps/packages/tareConfigVersion.cmake.in tareConfigVersion.cmake @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/tareConfig.cmake ${PROJECT_BINARY_DIR}/tareConfigVersion.cmake
  DESTINATION ${cmake_folder} COMPONENT development)
install(EXPORT tare FILE tareTargets.cmake NAMESPACE tare:: DESTINATION ${cmake_folder} COMPONENT development)
export(EXPORT tare FILE tareTargets.cmake NAMESPACE tare::)

# pkg-config: tare, and tare_double. A static library brings what it needs in any case.
set(packages_of_static "")
if(NOT BUILD_SHARED_LIBS AND TARE_DATA_FILES)
  string(APPEND packages_of_static ", libpng")
endif()
if(NOT BUILD_SHARED_LIBS AND (TARE_DATA_FILES OR TARE_MODEL_FILES))
  string(APPEND packages_of_static ", zlib")
endif()
cmake_path(IS_PREFIX CMAKE_INSTALL_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR} below)
if(below AND NOT IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
  file(RELATIVE_PATH to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  set(pkgconfig_prefix "\${pcfiledir}/${to_prefix}")  # wherever it is moved to
else()
  set(pkgconfig_prefix ${CMAKE_INSTALL_PREFIX})
endif()
foreach(pair "tare=" "tare_double= -DTARE_DOUBLE")
  string(REGEX MATCH "^[^=]+" pkgconfig_library ${pair})
  string(REGEX REPLACE "^[^=]+=" "" pkgconfig_definition ${pair})
  configure_file(apps/packages/tare.pc.in ${pkgconfig_library}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${pkgconfig_library}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
    COMPONENT development)
endforeach()

if(TARE_BUILD_PROGRAM)
  set(examples_folder ${CMAKE_INSTALL_DOCDIR})
  if(TARE_PACKAGES)
    set(examples_folder ${CMAKE_INSTALL_DATADIR}/doc/tare-examples)
  endif()
  install(TARGETS tare COMPONENT program)
  # What the program says of its options itself.
  set(manual tare.1)
  add_custom_command(TARGET tare POST_BUILD VERBATIM
    COMMAND tare help --man > tare.1
    COMMAND tare help --bash > tare.bash
    COMMAND tare help --zsh > _tare)
  if(TARE_PACKAGES)  # where manuals are compressed
    set(manual tare.1.gz)
    add_custom_command(TARGET tare POST_BUILD VERBATIM COMMAND gzip -9nc tare.1 > tare.1.gz)
  endif()
  install(FILES ${PROJECT_BINARY_DIR}/${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
  install(FILES ${PROJECT_BINARY_DIR}/tare.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
    RENAME tare COMPONENT program)
  install(FILES ${PROJECT_BINARY_DIR}/_tare DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT program)
  install(DIRECTORY docs/examples DESTINATION ${examples_folder} COMPONENT examples)
endif()

option(TARE_PACKAGES "Make Debian packages with cpack" OFF)
if(TARE_PACKAGES)
  include(apps/packages/packages.cmake)
endif()
