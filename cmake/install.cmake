# What `make install` puts where; see README.md, "Installing", for the account.
include(GNUInstallDirs)
set(units lib/systemd/system)

if(TARGET isakmpd)
  install(TARGETS isakmpd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
endif()
install(PROGRAMS ${CMAKE_SOURCE_DIR}/src/cmd/isakmpctl.sh RENAME isakmpctl
  DESTINATION ${CMAKE_INSTALL_SBINDIR})
foreach(section 1 5 7 8)
  file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/man/*.${section})
  install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
# The unit names the program where it was put.
install(CODE "
  set(SBINDIR \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_SBINDIR}\")
  configure_file(\"${CMAKE_SOURCE_DIR}/etc/isakmpd.service.in\"
    \"${CMAKE_BINARY_DIR}/isakmpd.service\" @ONLY)
  configure_file(\"${CMAKE_SOURCE_DIR}/etc/isakmpd-key.service.in\"
    \"${CMAKE_BINARY_DIR}/isakmpd-key.service\" @ONLY)")
install(FILES ${CMAKE_BINARY_DIR}/isakmpd.service ${CMAKE_BINARY_DIR}/isakmpd-key.service
  DESTINATION ${units})
install(FILES etc/sysusers.d/isakmpd.conf DESTINATION lib/sysusers.d)
install(FILES etc/tmpfiles.d/isakmpd.conf DESTINATION lib/tmpfiles.d)
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY doc/ DESTINATION ${CMAKE_INSTALL_DOCDIR})
# Examples hold keys that everybody knows: they are to read, not to run.
install(DIRECTORY etc/examples/ etc/site-to-site
  DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES etc/isakmpd.conf.sample DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
