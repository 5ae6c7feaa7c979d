# All code is built for the fuzz targets of test/Fuzz; only they have libFuzzer's
# main. LLVM has no RTTI and its functions no types that could be checked.
option(MOE_FUZZ "Build the fuzz targets (needs clang and libclang-rt)" OFF)
if(MOE_FUZZ)
  set(flags -fsanitize=address,undefined -fno-sanitize=vptr,function
      -fno-sanitize-recover=undefined)
  add_compile_options(${flags} -fsanitize=fuzzer-no-link)
  add_link_options(${flags})
endif()
