include(CMakeFindDependencyMacro)
find_dependency(OpenSSL 3.0)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/RepriseTargets.cmake)
