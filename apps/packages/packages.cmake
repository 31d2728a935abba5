# Packages for Debian, with the preset `package`:
#   cmake --preset package && cmake --build --preset package && cpack --config build-package/CPackConfig.cmake
# tests/packages.sh makes them twice, compares them, and installs them in a root of their own.
if(NOT BUILD_SHARED_LIBS OR NOT TARE_MARCH STREQUAL "")
  message(FATAL_ERROR "TARE_PACKAGES needs BUILD_SHARED_LIBS=ON and an empty TARE_MARCH, as in the preset `package`")
endif()
find_program(dpkg_architecture dpkg-architecture REQUIRED)  # of dpkg-dev

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tare)
set(CPACK_PACKAGE_CONTACT "Tare maintainers <maintainers@tare.invalid>" CACHE STRING "Who makes the packages")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "minimal deep learning framework to learn from")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR})
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)

set(components library development program examples)
set(CPACK_COMPONENTS_ALL ${components})
set(package_library libtare${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(package_development libtare-dev)
set(package_program tare)
set(package_examples tare-examples)
set(CPACK_COMPONENT_DEVELOPMENT_DEPENDS library)
set(CPACK_COMPONENT_PROGRAM_DEPENDS library)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
set(CPACK_DEBIAN_EXAMPLES_PACKAGE_SECTION doc)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libeigen3-dev, libfmt-dev")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS ca-certificates)  # for `tare data fetch`
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS gnuplot-nox)
set(CPACK_DEBIAN_EXAMPLES_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_EXAMPLES_PACKAGE_SUGGESTS libtare-dev)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION
  "Tensors are matrices, derivatives come from a tape, and the layers are
Linear, ReLU, BatchNorm and a few others. Variants for faster processors
are chosen when a program starts.")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
  "What a program needs that is built with Tare: headers, and what CMake and
pkg-config must know.")
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION
  "Trains small networks on MNIST and on digits that it draws itself, compares
them with and without batch normalization, and shows why a bias before it
cancels.")
set(CPACK_COMPONENT_EXAMPLES_DESCRIPTION
  "Ten programs of less than 60 lines each, and how CMake builds them.")

# What every package of Debian has: who may copy it, and what changed.
file(READ LICENSE license)
string(REGEX REPLACE "\n\n" "\n.\n" license "${license}")
string(REGEX REPLACE "\n(.)" "\n \\1" license "${license}")
string(REGEX MATCH "Copyright[^\n]*" copyright "${license}")
string(REGEX REPLACE "^Copyright *(\\([cC]\\))? *" "" copyright "${copyright}")
file(CONFIGURE OUTPUT packages-files/copyright @ONLY CONTENT
  "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: tare

Files: *
Copyright: @copyright@
License: Expat
 @license@")
# The day of the last change, so that two builds give the same bytes.
if(DEFINED ENV{SOURCE_DATE_EPOCH})
  set(day "@$ENV{SOURCE_DATE_EPOCH}")
else()
  set(day "@0")
endif()
execute_process(COMMAND date --utc --rfc-email --date ${day} OUTPUT_VARIABLE day OUTPUT_STRIP_TRAILING_WHITESPACE
  COMMAND_ERROR_IS_FATAL ANY)
file(CONFIGURE OUTPUT packages-files/changelog @ONLY CONTENT
  "tare (@PROJECT_VERSION@) unstable; urgency=medium

  * What changed is told in CHANGELOG.md of the sources.

 -- @CPACK_PACKAGE_CONTACT@  @day@
")
set(files ${PROJECT_BINARY_DIR}/packages-files)
execute_process(COMMAND gzip -9nf ${files}/changelog COMMAND_ERROR_IS_FATAL ANY)
foreach(component ${components})
  string(TOUPPER ${component} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${package_${component}})
  install(FILES ${files}/copyright ${files}/changelog.gz COMPONENT ${component}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package_${component}})
endforeach()
# (CPack itself would list the variants for faster processors as libraries of their own.)
file(WRITE ${files}/triggers "activate-noawait ldconfig\n")
set(shlibs "")
foreach(name tare tare_base tare_double)
  string(APPEND shlibs "lib${name} ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR} ${package_library}"
    " (>= ${PROJECT_VERSION})\n")
endforeach()
file(WRITE ${files}/shlibs "${shlibs}")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${files}/triggers ${files}/shlibs)
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
include(CPack)
