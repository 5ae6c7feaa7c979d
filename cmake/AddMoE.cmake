# Helpers that keep the folders' CMakeLists to one line each: every source of a
# folder belongs to the folder's library.

# Headers of MLIR that nearly every file includes, compiled once.
function(moe_use_pch target)
  if(NOT TARGET MoEPCH)
    file(WRITE ${CMAKE_BINARY_DIR}/moe_pch.cpp "")
    add_library(MoEPCH OBJECT ${CMAKE_BINARY_DIR}/moe_pch.cpp)
    llvm_update_compile_flags(MoEPCH)
    target_precompile_headers(MoEPCH PRIVATE
      <mlir/IR/Builders.h> <mlir/IR/BuiltinOps.h> <mlir/IR/BuiltinTypes.h>
      <mlir/IR/PatternMatch.h> <mlir/Pass/Pass.h>
      <mlir/Dialect/Arith/IR/Arith.h> <mlir/Dialect/Func/IR/FuncOps.h>
      <mlir/Dialect/MemRef/IR/MemRef.h> <mlir/Dialect/SCF/IR/SCF.h>
      <mlir/Dialect/Tensor/IR/Tensor.h>)
    if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
      target_compile_options(MoEPCH PUBLIC -Xclang -fno-pch-timestamp)
    endif()
    set_target_properties(MoEPCH PROPERTIES EXPORT_COMPILE_COMMANDS OFF)
  endif()
  target_precompile_headers(${target} REUSE_FROM MoEPCH)
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
    target_compile_options(${target} PRIVATE -Xclang -fno-pch-timestamp)
  endif()
endfunction()

# moe_library(NAME [DEPENDS tablegen-targets...] [LINK libs...])
function(moe_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cpp)
  add_library(${name} STATIC ${sources})
  llvm_update_compile_flags(${name})
  moe_use_pch(${name})
  add_dependencies(${name} ${ARG_DEPENDS} moe-headers)
  target_link_libraries(${name} PUBLIC ${ARG_LINK} MLIR LLVM)
endfunction()

# moe_tablegen_dialect(NAME mnemonic): NAME{Dialect,Ops,...}.td of this folder.
function(moe_tablegen_dialect name mnemonic)
  set(LLVM_TARGET_DEFINITIONS ${name}Ops.td)
  mlir_tablegen(${name}Ops.h.inc -gen-op-decls)
  mlir_tablegen(${name}Ops.cpp.inc -gen-op-defs)
  mlir_tablegen(${name}Dialect.h.inc -gen-dialect-decls -dialect=${mnemonic})
  mlir_tablegen(${name}Dialect.cpp.inc -gen-dialect-defs -dialect=${mnemonic})
  mlir_tablegen(${name}Types.h.inc -gen-typedef-decls -typedefs-dialect=${mnemonic})
  mlir_tablegen(${name}Types.cpp.inc -gen-typedef-defs -typedefs-dialect=${mnemonic})
  mlir_tablegen(${name}Attrs.h.inc -gen-attrdef-decls -attrdefs-dialect=${mnemonic})
  mlir_tablegen(${name}Attrs.cpp.inc -gen-attrdef-defs -attrdefs-dialect=${mnemonic})
  mlir_tablegen(${name}Enums.h.inc -gen-enum-decls)
  mlir_tablegen(${name}Enums.cpp.inc -gen-enum-defs)
  add_public_tablegen_target(MoE${name}IncGen)
  add_dependencies(moe-headers MoE${name}IncGen)
  moe_reference(Dialects/${name}.md ${name}Ops.td -gen-dialect-doc -dialect=${mnemonic})
endfunction()

# moe_tablegen_passes(NAME): declarations from this folder's Passes.td.
function(moe_tablegen_passes name)
  set(LLVM_TARGET_DEFINITIONS Passes.td)
  mlir_tablegen(Passes.h.inc -gen-pass-decls -name ${name})
  add_public_tablegen_target(MoE${name}PassIncGen)
  add_dependencies(moe-headers MoE${name}PassIncGen)
  moe_reference(Passes/${name}.md Passes.td -gen-pass-doc)
endfunction()

# moe_reference(OUTPUT SOURCE ARGS...): a generated page, build/docs/OUTPUT.
# scripts/update-docs.sh copies the pages to docs/, CI checks they are fresh.
function(moe_reference output source)
  set(out ${CMAKE_BINARY_DIR}/docs/${output})
  get_filename_component(dir ${out} DIRECTORY)
  file(MAKE_DIRECTORY ${dir})
  add_custom_command(OUTPUT ${out}
    COMMAND ${MLIR_TABLEGEN_EXE} ${ARGN} -I ${CMAKE_SOURCE_DIR} -I ${CMAKE_SOURCE_DIR}/include
            -I ${MLIR_INCLUDE_DIRS} ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${out}
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${source} VERBATIM)
  string(MAKE_C_IDENTIFIER doc-${output} target)
  add_custom_target(${target} DEPENDS ${out})
  add_dependencies(moe-docs ${target})
endfunction()

add_custom_target(moe-headers)
add_custom_target(moe-docs)
