# Arrows between targets point downward only: configuring stops at a target that links a room it must not know.
# tests/unit/layering_test.cpp says the same of every #include. Tests, demo and benches may link anything.

# cotter_check_layer(FOLDER MAY_LINK): of our own targets, those made in FOLDER may link those made in folders like MAY_LINK.
function(cotter_check_layer folder may_link)
  get_property(targets DIRECTORY ${CMAKE_SOURCE_DIR}/${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(linked ${target} LINK_LIBRARIES)
    foreach(library IN LISTS linked)
      if(NOT library MATCHES "^cotter" OR NOT TARGET ${library} OR library STREQUAL cotter_warnings)
        continue()
      endif()
      get_target_property(home ${library} SOURCE_DIR)
      cmake_path(RELATIVE_PATH home BASE_DIRECTORY ${CMAKE_SOURCE_DIR})
      if(NOT home MATCHES "${may_link}")
        message(FATAL_ERROR "upward arrow: ${target} (${folder}/) links ${library} (${home}/): see the layers in CONTRIBUTING.md")
      endif()
    endforeach()
  endforeach()
endfunction()

cotter_check_layer(common "^common$")
cotter_check_layer(client "^(common|client)$")
if(NOT COTTER_ECU_ONLY)
  cotter_check_layer(server "^(common|server)$")
endif()

# cotter_check_chain(TARGET...): from the bottom up; none may link one further up.
function(cotter_check_chain)
  set(above ${ARGN})
  foreach(target IN LISTS ARGN)
    list(POP_FRONT above)
    if(TARGET ${target})
      get_target_property(linked ${target} LINK_LIBRARIES)
      foreach(library IN LISTS linked)
        if(library IN_LIST above)
          message(FATAL_ERROR "upward arrow: ${target} links ${library}: see the layers in CONTRIBUTING.md")
        endif()
      endforeach()
    endif()
  endforeach()
endfunction()

cotter_check_chain(cotter_verify cotter_gunzip cotter_tpm_link cotter_disk cotter_ecu cotter_host cotter_links cotter_tpm cotter_ecu_host cotter_client_fetch cotter_client_files
                   cotter_primary_cycle)
cotter_check_chain(cotter_verify cotter_gunzip cotter_gzip cotter_tpm_link cotter_disk cotter_host cotter_keystore cotter_ceremony cotter_ledger cotter_operations cotter_director cotter_signing cotter_server cotter_http)

# What an ECU gets links these and nothing else: no curl, SQLite, Boost, threads or logger, and no cotter_host.
get_target_property(linked cotter_verify LINK_LIBRARIES)
foreach(library IN LISTS linked)
  if(NOT library MATCHES "^(PkgConfig::sodium|OpenSSL::Crypto|cotter_warnings)$")
    message(FATAL_ERROR "upward arrow: cotter_verify links ${library}; an ECU has libsodium and perhaps OpenSSL")
  endif()
endforeach()

# What holds the online keys knows no network: all that it links is named here.
if(TARGET cotter_signing)
  get_target_property(linked cotter_signing LINK_LIBRARIES)
  foreach(library IN LISTS linked)
    if(NOT library MATCHES "^cotter_(keystore|ledger|warnings)$")
      message(FATAL_ERROR "cotter_signing links ${library}: the signing process has keys, a journal and no network")
    endif()
  endforeach()
endif()
